"""What a relationship is taken for: order-free, slow to conclude, quick to change its mind."""

from hypothesis import given
from hypothesis import strategies as st

from relationships.pack import UNKNOWN, named_pack
from relationships.state import MOST_EVIDENCE, Action, Declared, Evidence, gather, relationship

CORE = named_pack("core4")
DAY = 86_400_000
NOW = 1_000 * DAY
STANCES = tuple(CORE.types)

evidences = st.builds(
    Evidence,
    at_ms=st.integers(0, NOW),
    id=st.binary(min_size=1, max_size=4),
    ratios=st.sampled_from(STANCES).map(lambda name: ((name, 2.0),)),
)


def said(stance: str, count: int, at_ms: int, ratio: float = 3.0) -> list[Evidence]:
    """Messages that speak for one stance and against the others."""
    ratios = tuple((name, ratio if name == stance else -ratio) for name in STANCES)
    return [Evidence(at_ms + each, f"{stance}{each}".encode(), ratios) for each in range(count)]


class TestGather:
    @given(st.lists(evidences, max_size=120), st.randoms())
    def test_neither_order_nor_split_nor_repetition_matters(self, told, chance):
        shuffled = [*told, *told[:5]]
        chance.shuffle(shuffled)
        cut = chance.randint(0, len(shuffled))
        assert gather((*gather(shuffled[:cut]), *gather(shuffled[cut:]))) == gather(told)

    def test_it_is_bounded(self):
        assert len(gather(said("fan", 500, NOW))) == MOST_EVIDENCE


class TestRelationship:
    def test_nothing_said_is_unknown(self):
        found = relationship(CORE, (), NOW)
        assert (found.type, found.family) == (UNKNOWN, UNKNOWN)

    def test_one_message_concludes_nothing(self):
        assert relationship(CORE, said("ruler", 1, NOW), NOW).type == UNKNOWN

    def test_a_few_conclude(self):
        for stance in STANCES:
            assert relationship(CORE, said(stance, 5, NOW), NOW).type == stance

    def test_eight_new_messages_outweigh_fifty_old_ones(self):
        told = [*said("fan", 50, NOW - DAY), *said("adversary", 8, NOW)]
        assert relationship(CORE, told, NOW).type == "adversary"

    def test_what_was_said_long_ago_fades(self):
        assert relationship(CORE, said("fan", 6, NOW - 900 * DAY), NOW).type == UNKNOWN

    def test_what_says_nothing_changes_little(self):
        quiet = [Evidence(NOW + each, f"q{each}".encode(), ()) for each in range(3)]
        assert relationship(CORE, [*said("fan", 8, NOW - DAY), *quiet], NOW).type == "fan"

    def test_a_declaration_outranks_what_was_inferred(self):
        found = relationship(CORE, said("adversary", 30, NOW), NOW, declared=Declared("partner", "partnership"))
        assert (found.type, found.family, found.declared) == ("partner", "partnership", True)

    def test_a_declaration_of_another_pack_stands_for_its_family(self):
        found = relationship(CORE, (), NOW, declared=Declared("best_friends", "affection"))
        assert (found.type, found.family, found.declared, found.confidence) == (UNKNOWN, "affection", True, 1.0)

    def test_types_that_are_hard_to_tell_apart_may_share_a_family(self):
        pack = named_pack("relations29")
        ratios = (("enmity", 4.0), ("ex_spouses", 4.0), ("ex_friends", 4.0), ("frenemies", 4.0), ("abusive", -4.0))
        others = tuple((name, -4.0) for name in pack.types if name not in dict(ratios))
        told = [Evidence(NOW + each, bytes([each]), ratios + others) for each in range(8)]
        found = relationship(pack, told, NOW)
        assert (found.type, found.family) == (UNKNOWN, "distance")

    @given(st.lists(evidences, max_size=30))
    def test_what_is_believed_adds_up(self, told):
        assert abs(sum(relationship(CORE, told, NOW).posterior.values()) - 1) < 1e-9


def did(kind: str, count: int, at_ms: int = NOW) -> list[Action]:
    return [Action(at_ms - each, f"{kind}{each}".encode(), kind) for each in range(count)]


class TestActions:
    @given(st.lists(st.sampled_from(("bought", "shared", "complained")), max_size=40), st.randoms())
    def test_neither_order_nor_repetition_matters(self, kinds, chance):
        actions = [Action(NOW - place, bytes([place]), kind) for place, kind in enumerate(kinds)]
        shuffled = [*actions, *actions[:5]]
        chance.shuffle(shuffled)
        assert relationship(CORE, (), NOW, actions=shuffled) == relationship(CORE, (), NOW, actions=actions)

    def test_what_was_done_speaks(self):
        idle, sharing = (relationship(CORE, (), NOW, actions=told) for told in ((), did("shared", 3)))
        assert sharing.posterior["fan"] > idle.posterior["fan"]

    def test_deeds_alone_make_nobody_a_fan(self):
        assert relationship(CORE, (), NOW, actions=did("shared", 128)).type == UNKNOWN

    def test_clear_words_outweigh_any_number_of_deeds(self):
        found = relationship(CORE, said("ruler", 5, NOW), NOW, actions=did("bought", 128))
        assert found.type == "ruler"

    def test_a_deed_that_came_with_a_text_speaks_through_it_alone(self):
        words = said("fan", 1, NOW)
        same = [Action(each.at_ms, each.id, "complained") for each in words]
        assert relationship(CORE, words, NOW, actions=same) == relationship(CORE, words, NOW)

    def test_old_deeds_fade(self):
        now, then = (relationship(CORE, (), NOW, actions=did("shared", 5, at)) for at in (NOW, NOW - 900 * DAY))
        assert now.posterior["fan"] > then.posterior["fan"]
