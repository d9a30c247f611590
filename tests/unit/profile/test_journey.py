"""Where a persona stands: a loop, the same in any order, with a risk to switch that only staying lowers."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from kit.packs import PackError
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.journey import PACK, STATES, UNKNOWN, load_journeys
from services.profile.traits import Traits, absorb, encode, merge
from services.profile.weights import load_weights
from tests.unit.profile.interactions import HISTORIES

WEIGHTS = load_weights()
JOURNEYS = load_journeys()
GRIEVANCES, LOOKS = ("complained", "returned", "removed"), ("searched", "asked", "tried", "wished")
STORIES = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from([kind.name.lower() for kind in Kind if kind < Kind.IDENTIFIED])),
    max_size=25,
)


def folded(*done):
    """Traits of (day, kind) each."""
    traits = Traits()
    absorb(traits, (happened(number, *each) for number, each in enumerate(done)), WEIGHTS)
    return traits


def happened(number, day, kind):
    return Interaction(
        "app:shop",
        bytes(16),
        number.to_bytes(16),
        int(Kind[kind.upper()]),
        day * DAY_MS + number,
        "web",
        "tea",
        ("drinks",),
    )


def stands(*kinds, every=2):
    done = [(number * every, kind) for number, kind in enumerate(kinds)]
    return JOURNEYS.of(folded(*done), len(kinds) * every * DAY_MS)


CONTENT = ("bought", "used_feature", "used_feature", "used_feature")


class TestState:
    @pytest.mark.parametrize(
        ("kinds", "state"),
        [
            (("seen", "seen", "seen"), "discovering"),
            (("seen", "searched", "wished", "tried", "asked"), "weighing"),
            (CONTENT, "using"),
            ((*CONTENT, "complained", "searched", "complained"), "reweighing"),
        ],
    )
    def test_what_was_done_tells_where_it_stands(self, kinds, state):
        assert stands(*kinds).state == state

    def test_whoever_buys_is_buying_on_that_day(self):
        assert JOURNEYS.of(folded((0, "wished"), (1, "asked"), (2, "bought")), 2 * DAY_MS + 9).state == "buying"

    def test_it_goes_round(self):
        once = (*CONTENT, "complained", "returned", "complained")
        assert [stands(*once).state, stands(*once, *CONTENT).state, stands(*once, *CONTENT, *once[4:]).state] == [
            "reweighing",
            "using",
            "reweighing",
        ]

    def test_of_nothing_nothing_is_known_and_long_silence_forgets(self):
        assert JOURNEYS.of(Traits(), 5 * DAY_MS).switching_risk is None
        traits = folded(*((day, "used_feature") for day in range(9)))
        assert (JOURNEYS.of(traits, 9 * DAY_MS).state, JOURNEYS.of(traits, 2_000 * DAY_MS).state) == ("using", UNKNOWN)

    @settings(max_examples=40)
    @given(HISTORIES, st.randoms(), st.integers(0, 40))
    def test_neither_order_nor_split_matters(self, history, chance, cut):
        whole, halves = Traits(), (Traits(), Traits())
        absorb(whole, history, WEIGHTS)
        shuffled = list(history)
        chance.shuffle(shuffled)
        for place, each in enumerate(shuffled):
            absorb(halves[place < cut], [each], WEIGHTS)
        at_ms = max((each.at_ms for each in history), default=0) + DAY_MS
        merged = merge(*halves)
        assert encode(merged) == encode(whole)
        assert JOURNEYS.of(merged, at_ms) == JOURNEYS.of(whole, at_ms)

    @settings(max_examples=60)
    @given(STORIES, st.integers(0, 900))
    def test_chances_are_chances(self, story, day):
        found = JOURNEYS.of(folded(*story), day * DAY_MS)
        assert tuple(found.chances) == STATES
        assert sum(found.chances.values()) == pytest.approx(1.0)
        assert min(found.chances.values()) >= 0.0
        assert found.switching_risk is None or 0.0 < found.switching_risk < 1.0


class TestSwitchingRisk:
    @settings(max_examples=60)
    @given(STORIES, st.sampled_from((*GRIEVANCES, *LOOKS)), st.integers(0, 400))
    def test_grievances_and_looking_around_only_raise_it(self, story, kind, later):
        story = [(0, "bought"), *story]
        day = 201 + later
        before = JOURNEYS.of(folded(*story), day * DAY_MS).switching_risk
        after = JOURNEYS.of(folded(*story, (200, kind)), day * DAY_MS).switching_risk
        assert after >= before
        stayed = max(when for when, did in story if did in {"bought", "praised", "used_feature", "loyalty", "shared"})
        if stayed < 200:
            assert after > before

    @settings(max_examples=60)
    @given(STORIES, st.integers(201, 500), st.integers(1, 500))
    def test_silence_raises_it(self, story, day, more):
        traits = folded((0, "bought"), *story)
        risks = [JOURNEYS.of(traits, each * DAY_MS).switching_risk for each in (day, day + more)]
        assert risks[0] < risks[1]

    def test_staying_ends_what_was_held_against_the_brand(self):
        grieved = stands(*CONTENT, "complained", "returned", "searched").switching_risk
        assert stands(*CONTENT, "complained", "returned", "bought").switching_risk < grieved / 2

    def test_silence_counts_against_how_often_a_persona_comes(self):
        daily, seldom = (folded(*((number * gap, "bought") for number in range(10))) for gap in (1, 30))
        after = [
            JOURNEYS.of(traits, (last + 40) * DAY_MS).switching_risk for traits, last in ((daily, 9), (seldom, 270))
        ]
        assert after[0] > after[1]


class TestPack:
    @pytest.mark.parametrize(
        ("change", "names"),
        [
            ({"begins": {"discovering": 0.5}}, "begins"),
            ({"a_day": {"using": {"weighing": 0.6, "buying": 0.6}}}, "a_day.using"),
            ({"says": {"danced": {"using": 2.0}}}, "says: there is no kind danced"),
            ({"says": {"seen": {"using": 0.0}}}, "says"),
            ({"least_told": 2.0}, "least_told"),
        ],
    )
    def test_what_cannot_be_used_is_refused_by_name(self, tmp_path, change, names):
        path = tmp_path / "journey.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(PACK.read_text()) | change))
        with pytest.raises(PackError, match=names.replace(".", r"\.")):
            load_journeys(path)
