from dataclasses import replace

import pytest

from services.consent.chain import Record, first_break, genesis, link

FIRST = Record(
    "oak", 7, 1, "a" * 32, b"p" * 16, "app:shop", "research.model", 1, "1", "given", 5, 9, 6, "rest", "", "de"
)


def chained(count):
    head = genesis("oak", 7).hash
    chain = []
    for number in range(1, count + 1):
        record = replace(FIRST, sequence=number)
        head = link(head, record)
        chain.append((record, head))
    return chain


class TestChain:
    def test_an_untouched_chain_is_whole(self):
        assert first_break(genesis("oak", 7), chained(5)) is None

    @pytest.mark.parametrize("field", [name for name in FIRST.__dataclass_fields__ if name != "sequence"])
    def test_a_change_of_any_field_shows(self, field):
        chain = chained(5)
        record, digest = chain[2]
        value = getattr(record, field)
        more = b"x" if isinstance(value, bytes) else "x"
        changed = value + 1 if isinstance(value, int) else value + more
        chain[2] = (replace(record, **{field: changed}), digest)
        assert first_break(genesis("oak", 7), chain) == 3

    def test_records_from_before_are_checked_under_the_layout_of_their_day(self):
        head = genesis("oak", 7).hash
        first = replace(FIRST, layout=1)
        digest = link(head, first)
        second = replace(FIRST, sequence=2, actor="person", notice_hash=b"n")
        chain = [(first, digest), (second, link(digest, second))]
        assert first_break(genesis("oak", 7), chain) is None
        chain[1] = (replace(second, layout=1), chain[1][1])
        assert first_break(genesis("oak", 7), chain) == 2

    def test_a_missing_record_shows(self):
        chain = chained(5)
        del chain[2]
        assert first_break(genesis("oak", 7), chain) == 3

    def test_chains_of_two_shards_begin_apart(self):
        assert genesis("oak", 7).hash != genesis("oak", 8).hash
