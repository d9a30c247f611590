"""What suits a persona: the worth of offers by where it stands, topics by how it plays and what its like wish for."""

import datetime as dt
import math
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import packs
from kit.errors import InvalidArgumentError
from services.recommendation.deciding import (
    PLAYS,
    Act,
    Facts,
    Initiative,
    Moment,
    Play,
    Silence,
    Suiting,
    Terms,
    suits,
)
from services.recommendation.domain import Bearing, Bought, Decision, JourneyState, Keyed, Persona, Signals
from services.recommendation.record import Made, reasons_of, record
from services.recommendation.settings import RecommendationSettings
from services.recommendation.timing.pack import TimingPack, _Rates
from services.recommendation.treating import Like, Treating, by_brand, every_play, every_treatment, foretelling
from tests.unit.recommendation.test_deciding import DAY_MS, NOON_MS, decided, question, ranked, sums, weights
from wishes.archetypes import Archetype, ArchetypePack, named_pack

__all__ = ["ranked", "sums", "weights"]
PACK = packs.load(RecommendationSettings(_env_file=None).suiting_file, Suiting)
TODAY = NOON_MS // DAY_MS
BEGUN = Moment(NOON_MS, "web")
ASKED = replace(BEGUN, initiative=Initiative.PERSONA)
MASTER = ("hexad6.achiever", Play("as something to master", ("skill", "drama")))
MADE = Made("", 0.5, 1, "test")
STATES: list[JourneyState] = ["discovering", "weighing", "buying", "using", "reweighing", "unknown"]
BEARINGS = st.builds(Bearing, st.sampled_from(STATES), st.none() | st.floats(0, 1))
BOUGHT = st.builds(Bought, st.integers(1, 64), st.just(TODAY - 300), st.integers(TODAY - 299, TODAY + 1), st.just(9.0))
KNOWN = st.builds(
    Facts,
    BEARINGS,
    st.none() | BOUGHT,
    st.none() | st.floats(0, 50),
    st.sampled_from([(), (MASTER,)]),
    st.just("megacity.over_fifty"),
    st.sampled_from([MappingProxyType({}), MappingProxyType({"drama": 0.6, "crime": 0.2})]),
    st.integers(0, 128),
    st.booleans(),
)


class TestSuits:
    @given(KNOWN, st.sampled_from([BEGUN, ASKED]))
    def test_factors_are_bounded_and_whoever_asks_is_never_measured_by_them(self, told, moment):
        found = suits(PACK, told, moment)
        assert 0.1 < found.factor < 3.0
        assert found.factor == pytest.approx(math.prod(amount for _, _, amount in found.factors))
        if moment is ASKED:
            assert (found.factors, found.is_sold_to) == ((), True)

    @given(KNOWN)
    def test_where_others_compare_play_chooses_and_tells_nothing(self, told):
        found = suits(PACK, told._replace(is_compared=True), BEGUN)
        assert found.style == ""
        assert PLAYS not in {kind for kind, _, _ in found.topics}

    @given(BEARINGS, st.floats(0, 1))
    def test_only_risk_ends_selling_and_from_one_point_on(self, bearing, more):
        risk = bearing.switching_risk
        assert suits(PACK, Facts(bearing), BEGUN).is_sold_to == (risk is None or risk < PACK.serves_from)
        if risk is not None and not suits(PACK, Facts(bearing), BEGUN).is_sold_to:
            higher = replace(bearing, switching_risk=max(risk, more))
            assert not suits(PACK, Facts(higher), BEGUN).is_sold_to

    def test_a_purchase_ends_urgency_and_days_bring_it_back(self):
        worth = [suits(PACK, Facts(bought=Bought(1, 0, TODAY - days, 5.0)), BEGUN).factor for days in range(40)]
        assert worth == sorted(worth)
        assert (worth[0], worth[-1]) == (PACK.just_bought.worth, 1.0)
        # A purchase that another clock dates tomorrow was made just now.
        assert suits(PACK, Facts(bought=Bought(1, 0, TODAY + 1, 5.0)), BEGUN).factor == worth[0]

    def test_who_is_likelier_to_buy_again_is_worth_more_within_bounds(self):
        worth = [suits(PACK, Facts(again=again), BEGUN).factor for again in (0.0, 0.9, 1.0, 1.1, 9.0)]
        assert worth == [PACK.buys_again[0], 0.9, 1.0, 1.1, PACK.buys_again[1]]

    def test_what_its_like_wish_for_gives_way_to_what_it_did_itself(self):
        gains = []
        for met in (0, 10, 20):
            [(_, topic, gain)] = suits(PACK, Facts(wishes={"tea": 0.8, "ale": 0.0}, met=met), ASKED).topics
            gains.append(gain)
        assert (topic, gains) == ("tea", pytest.approx([0.4, 0.2, 0.1]))


class TestDecide:
    @pytest.mark.parametrize("lot", [0.0, 0.3, 0.7, 0.999])
    @pytest.mark.parametrize("bearing", [Bearing("weighing"), Bearing("using", 0.2)])
    def test_what_is_written_down_adds_up(self, ranked, lot, bearing):
        terms = [Terms(f"a{place}", topics=("drama",), benefit=2.0) for place in range(6, 30)]
        told = Facts(bearing, Bought(2, 0, TODAY - 2, 5.0), 1.2, (MASTER,), "m.g", {"drama": 0.5}, 6)
        asked = _suited(question(history=[]), told)
        found = decided(ranked(*terms), asked, lot)
        document = record(asked, found, MADE)
        assert sum(each.propensity for each in found.weighed) <= 1.0
        if found.chosen is None:
            assert found.silence is Silence.CHANCE
            return
        worth = math.prod(each["factor"] for each in document["suits"]["worth"])
        benefit = 2.0 if document["item"] in {each.item for each in terms} else 1.0
        assert document["benefit"] == pytest.approx(benefit * worth)
        assert document["p_accept"] * document["benefit"] - document["cost"] == pytest.approx(document["value"])
        parts = {(part["kind"], part["ref"]) for part in document["contributions"]}
        assert sum(part["amount"] for part in document["contributions"]) == pytest.approx(document["score"], abs=1e-6)
        assert benefit == 1.0 or {("suits_play", "drama"), ("wished_by_like", "drama")} <= parts
        assert {"journey", "purchases", "play", "people like this"}.isdisjoint(document["not_used"])

    def test_what_suits_comes_first_and_what_is_worth_more_is_likelier(self, ranked):
        terms = [Terms("old", topics=("crime",)), Terms("new", topics=("drama",))]
        asked = _suited(question(history=[], initiative=Initiative.PERSONA), Facts(plays=(MASTER,)))
        found = {each.candidate.item: each.candidate for each in decided(ranked(*terms), asked).weighed}
        assert found["new"].score == pytest.approx(found["old"].score + PACK.play)

    def test_who_is_about_to_switch_is_served_and_not_sold_to(self, ranked):
        leaving = Facts(Bearing("reweighing", 0.9))
        found = decided(ranked(), _suited(question(), leaving))
        assert (found.act, found.silence, found.propensity) == (Act.SILENT, Silence.SWITCHING, 1.0)
        assert decided(ranked(), _suited(question(acts={Act.OFFER, Act.HELLO}), leaving)).act is Act.HELLO
        assert decided(ranked(), _suited(question(initiative=Initiative.PERSONA), leaving)).act is Act.OFFER

    def test_chances_sum_to_one_by_both_policies(self, ranked):
        asked = _suited(question(acts={Act.OFFER, Act.HELLO}), Facts(Bearing("using"), again=0.7))
        found = decided(ranked(), asked, 0.999_999)
        assert found.silence is Silence.CHANCE
        assert sum(each.propensity for each in found.weighed) + found.propensity == pytest.approx(1.0)

    def test_an_audience_is_not_told_how_somebody_plays(self):
        told = reasons_of([(PLAYS, "skill", 2.0), ("liked_topic", "tea", 1.0), ("usual", "", 5.0)])
        assert [(each.kind, each.share) for each in told] == [("liked_topic", 1.0)]


class TestTreating:
    def test_every_dimension_that_ships_has_what_suits(self):
        assert {"hexad6.player", "bartle4.explorer", "yee3.social"} <= every_play().keys()

    def test_an_empty_cell_an_expired_one_and_another_brands_say_nothing(self):
        on = dt.datetime.fromtimestamp(NOON_MS / 1000, dt.UTC).date()
        asked = _treating(oak={"over_fifty": _cell(on), "super_premium": _cell(on - dt.timedelta(400))})
        found = {
            (brand, group): asked.suits(_signals(brand), Like("megacity", group), BEGUN)
            for brand in ("oak", "elm")
            for group in ("over_fifty", "super_premium", "health_conscious")
        }
        assert [key for key, each in found.items() if each.topics or each.facts.like] == [("oak", "over_fifty")]

    @pytest.mark.parametrize(
        ("like", "field"),
        [(Like("mars", "over_fifty"), "market"), (Like("megacity", ""), "group"), (Like("", "over_fifty"), "market")],
    )
    def test_a_market_or_group_that_is_not_there_is_named(self, like, field):
        with pytest.raises(InvalidArgumentError) as refused:
            _treating().check("oak", like)
        assert refused.value.field == field
        _treating().check("oak", Like())

    def test_packs_are_named_after_brands(self, tmp_path):
        (tmp_path / "oak.yaml").write_text("")
        (tmp_path / "readme.txt").write_text("")
        assert by_brand(tmp_path, lambda path: path.name) == {"oak": "oak.yaml"}
        assert by_brand(None, lambda path: path.name) == {}
        with pytest.raises(packs.PackError):
            by_brand(tmp_path / "nowhere", lambda path: path.name)

    def test_what_a_brand_has_fitted_foretells_and_for_others_nobody_does(self):
        told = Bought(9, TODAY - 300, TODAY - 3, 50.0)
        pack = TimingPack(
            id="timing",
            version="1",
            source="made up",
            customers=500,
            days=300,
            rates=_Rates(0.3, 10.0, 0.8, 2.0),
            weights=[0.0, 1.0, 0.0, 0.0, 0.0],
            mean=[0.0] * 4,
            spread=[1.0] * 4,
            usual=0.25,
        )
        chance = pack.chance(told, TODAY, 300)
        asked = replace(_treating(), timing={"oak": foretelling(pack)})
        assert asked.suits(_signals("oak", told), Like(), BEGUN).facts.again == pytest.approx(chance / 0.25)
        assert asked.suits(_signals("elm", told), Like(), BEGUN).facts.again is None
        assert asked.suits(_signals("oak"), Like(), BEGUN).facts.again is None


def _suited(asked, told):
    found = suits(PACK, told, asked.moment)
    return replace(asked, situation=replace(asked.situation, suited=found.topics), suits=found)


def _treating(**cells):
    core = named_pack("core")
    of_brands = {
        brand: ArchetypePack(
            id=brand, version="1", source="x", groups=core.groups, markets=core.markets, cells={"megacity": each}
        )
        for brand, each in cells.items()
    }
    return Treating(every_treatment("core4"), PACK, every_play(), archetypes=of_brands)


def _cell(on):
    return Archetype({"drama": 0.5}, 40, on, on + dt.timedelta(300), "made up")


def _signals(brand, bought=None):
    decision = Decision("recommend.offer", is_allowed=True, reason="", sequence=0, record_id="")
    circle = (Keyed(Persona(brand, 1, bytes(16)), bytes(32)),)
    return Signals(decision, (), (), circle=circle, bought=bought)
