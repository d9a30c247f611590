import random
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.interaction.v1.interaction_pb2 import Kind as ContractKind
from contracts.interaction.v1.payload import Interaction
from services.profile.domain import Kind
from services.profile.traits import (
    MAX_HEARD,
    MAX_LAST,
    MAX_TOPICS,
    MAX_WISHES,
    Traits,
    absorb,
    decode,
    encode,
    fold,
    merge,
)
from services.profile.weights import load_weights
from tests.unit.profile.interactions import HISTORIES

WEIGHTS = load_weights()


def folded(history: list[Interaction]) -> bytes:
    traits = Traits()
    absorb(traits, history, WEIGHTS)
    return encode(traits)


def merged(parts: list[Traits]) -> bytes:
    whole = Traits()
    for part in parts:
        whole = merge(whole, part)
    return encode(whole)


class TestMonoid:
    @given(HISTORIES, st.randoms(use_true_random=False))
    def test_any_order_gives_the_same_bytes(self, history: list[Interaction], chance: random.Random) -> None:
        shuffled = list(history)
        chance.shuffle(shuffled)
        assert folded(shuffled) == folded(history)

    @given(HISTORIES, st.lists(st.integers(0, 40), max_size=6))
    def test_any_split_gives_the_same_bytes(self, history: list[Interaction], cuts: list[int]) -> None:
        edges = [0, *sorted(min(cut, len(history)) for cut in cuts), len(history)]
        parts = [decode(folded(history[start:end])) for start, end in pairwise(edges)]
        assert merged(parts) == folded(history)

    @given(HISTORIES, st.randoms(use_true_random=False))
    def test_any_duplicate_gives_the_same_bytes(self, history: list[Interaction], chance: random.Random) -> None:
        repeated = history + [chance.choice(history) for _ in history]
        chance.shuffle(repeated)
        once = {interaction.mid: interaction for interaction in repeated}
        assert folded(list(once.values())) == folded(history)

    @given(HISTORIES)
    def test_incremental_equals_recomputed(self, history: list[Interaction]) -> None:
        body = encode(Traits())
        for interaction in history:
            traits = decode(body)
            absorb(traits, [interaction], WEIGHTS)
            body = encode(traits)
        assert body == folded(history)

    @given(HISTORIES, HISTORIES, HISTORIES)
    def test_merging_is_associative_and_commutative(
        self, first: list[Interaction], second: list[Interaction], third: list[Interaction]
    ) -> None:
        a, b, c = (decode(folded(history)) for history in (first, second, third))
        assert encode(merge(merge(a, b), c)) == encode(merge(a, merge(b, c)))
        assert encode(merge(a, b)) == encode(merge(b, a))

    @given(HISTORIES)
    def test_nothing_is_neutral(self, history: list[Interaction]) -> None:
        traits = decode(folded(history))
        assert encode(merge(traits, Traits())) == encode(merge(Traits(), traits)) == encode(traits)

    @given(HISTORIES)
    def test_folds_of_single_interactions_merge_to_the_whole(self, history: list[Interaction]) -> None:
        assert merged([fold(interaction, WEIGHTS) for interaction in history]) == folded(history)

    @given(HISTORIES, HISTORIES)
    def test_merging_leaves_its_parts_alone(self, first: list[Interaction], second: list[Interaction]) -> None:
        a, b = decode(folded(first)), decode(folded(second))
        merge(a, b)
        absorb(merge(a, b), second, WEIGHTS)
        assert (encode(a), encode(b)) == (folded(first), folded(second))


def many(count: int) -> list[Interaction]:
    return [
        Interaction(
            "app:shop",
            bytes(16),
            number.to_bytes(16, "big"),
            Kind.WISHED,
            number * 7_919_000,
            "web",
            topics=(f"t{number}",),
        )
        for number in range(count)
    ]


class TestBounds:
    def test_what_grows_without_end_is_kept_bounded(self) -> None:
        traits = decode(folded(many(2_000)))
        assert (len(traits.likes), len(traits.wishes), len(traits.last)) == (MAX_TOPICS, MAX_WISHES, MAX_LAST)

    def test_the_newest_are_kept(self) -> None:
        history = many(300)
        assert [recent.mid for recent in decode(folded(history)).last] == [each.mid for each in history[-MAX_LAST:]]

    @given(st.randoms(use_true_random=False))
    def test_the_bounds_do_not_depend_on_the_split(self, chance: random.Random) -> None:
        history = many(300)
        expected = folded(history)
        chance.shuffle(history)
        cut = chance.randrange(300)
        assert merged([decode(folded(history[:cut])), decode(folded(history[cut:]))]) == expected


class TestHeard:
    @given(st.randoms(use_true_random=False))
    def test_the_newest_evidence_stays_whatever_the_order(self, chance: random.Random) -> None:
        said = [msgspec.structs.replace(each, stances=(0, 0, 0, 8, 0)) for each in many(120)]
        newest = [each.mid for each in said[-MAX_HEARD:]]
        chance.shuffle(said)
        assert [each.mid for each in decode(folded(said)).heard] == newest

    def test_traits_of_before_have_none(self) -> None:
        of_before = msgspec.msgpack.encode(msgspec.msgpack.decode(folded(many(3)))[:-1])
        assert decode(of_before) == decode(folded(many(3)))


class TestKind:
    def test_numbers_are_those_of_the_contract(self) -> None:
        contract = {name.removeprefix("KIND_"): number for name, number in ContractKind.items() if number}
        assert {kind.name: kind.value for kind in Kind} == contract


class TestCorrections:
    @given(st.randoms(use_true_random=False))
    def test_the_last_word_about_each_stands_whatever_the_order(self, chance: random.Random) -> None:
        said = [
            Interaction("app:shop", bytes(16), bytes([at]) * 16, Kind.CORRECTED, at, "web", None, (ref,), value)
            for at, ref, value in ((1, "tea", 1.0), (2, "gin", 0.0), (3, "tea", 0.5), (4, "pot", 1.0))
        ]
        chance.shuffle(said)
        assert [(each.ref, each.value) for each in decode(folded(said)).stated] == [
            ("gin", 0),
            ("tea", 500),
            ("pot", 1000),
        ]
