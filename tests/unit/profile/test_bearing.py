"""Where a persona stands, for services: derived once for each state of its traits and day, and never another's."""

import pytest

from contracts.interaction.v1.payload import Interaction
from services.profile.bearing import Bearings
from services.profile.choices import Choices
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.journey import load_journeys
from services.profile.playing import load_players
from services.profile.traits import Traits, absorb, merge
from services.profile.weights import load_weights

NOW = 1_000 * DAY_MS
WEIGHTS, NOTHING = load_weights(), Choices()


class Counting:
    """The journeys that ship, and how often they were asked."""

    name = "journey/1"

    def __init__(self):
        self.asked = 0

    def of(self, traits, at_ms):
        self.asked += 1
        return load_journeys().of(traits, at_ms)


@pytest.fixture
def journeys():
    return Counting()


@pytest.fixture
def bearings(journeys):
    return Bearings(journeys, load_players(), most=3)


def folded(*kinds, mid=b"m", **counted):
    found = Traits()
    done = [(kind, None, ()) for kind in kinds] + [("played", much, (name,)) for name, much in counted.items()]
    for number, (kind, much, topics) in enumerate(done):
        told = "app:shop", bytes(16), mid + number.to_bytes(15), int(Kind[kind.upper()]), NOW - number * DAY_MS, "web"
        absorb(found, [Interaction(*told, None if topics else "tea", topics, much)], WEIGHTS)
    return found


class TestOf:
    def test_it_is_derived_once_a_state_of_traits_and_day(self, bearings, journeys):
        traits = folded("bought", "used_feature", "used_feature")
        first = bearings.of("oak", traits, NOTHING, NOW)
        assert (first.journey, first.switching_risk) == ("using", load_journeys().of(traits, NOW).switching_risk)
        assert bearings.of("oak", traits, NOTHING, NOW + 1) is first
        assert journeys.asked == 1
        bearings.of("oak", traits, NOTHING, NOW + DAY_MS)
        absorb(
            traits, [Interaction("app:shop", bytes(16), b"n" * 16, int(Kind.RETURNED), NOW + 2, "web", "tea")], WEIGHTS
        )
        assert bearings.of("oak", traits, NOTHING, NOW + 3).switching_risk > first.switching_risk
        assert journeys.asked == 3

    def test_those_who_only_play_are_told_apart(self, bearings):
        one, other = folded(hours=20.0, trades=400.0), folded(hours=20.0, blocks_built=40_000.0)
        assert bearings.of("oak", one, NOTHING, NOW).play[:1] == ("hexad6.player",)
        assert "hexad6.player" not in bearings.of("oak", other, NOTHING, NOW).play

    def test_nothing_is_left_of_a_link(self, bearings):
        own, linked = folded("seen"), folded("bought", mid=b"x")
        alone = bearings.of("oak", own, NOTHING, NOW)
        assert bearings.of("oak", merge(own, linked), NOTHING, NOW) != alone
        assert bearings.of("oak", own, NOTHING, NOW) == alone

    @pytest.mark.parametrize(("objection", "is_told"), [("habits", False), ("ranking", False), ("likes", True)])
    def test_who_objects_is_not_known_by_it(self, bearings, objection, is_told):
        told = bearings.of("oak", folded("bought"), Choices(objections=(objection,)), NOW)
        assert (told is not None) is is_told

    def test_what_was_asked_for_longest_ago_goes(self, bearings):
        for number in range(5):
            bearings.of("oak", folded("seen", mid=bytes([number])), NOTHING, NOW)
        assert len(bearings) == 3
