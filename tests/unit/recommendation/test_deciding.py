import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kit import packs
from relationships.pack import named_pack
from services.recommendation.deciding import (
    EMPTY,
    Act,
    Answers,
    Customs,
    Experience,
    Grounds,
    Habits,
    Initiative,
    Manners,
    Moment,
    Outcome,
    Policy,
    Promise,
    Question,
    Ranked,
    Shelf,
    Silence,
    State,
    Terms,
    Treatment,
    contacted,
    decide,
    decode_state,
    encode_state,
    first_free_ms,
    heard,
    limit,
    merge,
    occasion,
    told,
)
from services.recommendation.deciding.drawing import chances, drawn
from services.recommendation.deciding.gathering import gather
from services.recommendation.deciding.habits import MOST_BYTES
from services.recommendation.deciding.promising import FIRST_CELL
from services.recommendation.domain import Met, Situation
from services.recommendation.fitting import fit
from services.recommendation.ranking import Fitted
from services.recommendation.settings import DecidingPack
from services.recommendation.treating import treatments
from tests.unit.recommendation.town import BLEND, START_MS, taught, walks

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOON_MS = START_MS - START_MS % DAY_MS + 12 * HOUR_MS
PACK = Path(__file__).parents[3] / "services" / "recommendation" / "packs" / "deciding.yaml"
RULES = packs.load(PACK, DecidingPack).rules
MANNERS = packs.load(PACK.with_name("manners.yaml"), Manners)
OPEN = Treatment(30, HOUR_MS, frozenset())
MET = tuple(Met(f"a{place}") for place in range(6))


@pytest.fixture(scope="module")
def sums():
    return taught(walks())


@pytest.fixture(scope="module")
def weights(sums):
    return fit(sums.together, sums.followed, BLEND.regularisation, BLEND.nearness)


@pytest.fixture
def ranked(sums, weights):
    def make(*terms):
        shelf = Shelf(tuple(sums.items), {each.item: each for each in terms})
        return Ranked(sums, Fitted(weights, 1), BLEND, shelf)

    return make


def question(*, history=MET, state=EMPTY, treatment=OPEN, removed=(), draw_key=b"", likes=(), habits=None, **moment):
    acts = frozenset(moment.pop("acts", {Act.OFFER}))
    at = Moment(NOON_MS, "web", acts, **{"count": 5, **moment})
    situation = Situation(tuple(history), NOON_MS, RULES.shortlist, tuple(likes), frozenset(), draw_key)
    return Question(situation, frozenset(removed), state, treatment, at, habits or Habits())


def decided(ranked, asked, lot=0.0, answers=None, policy=Policy.SOFTMAX):
    learnt = [kind(answers or {}, RULES) for kind in (Experience, Promise)]
    return decide(ranked, asked, Grounds(RULES, MANNERS, learnt[0], Customs(), learnt[1], policy), lot)


class TestDrawing:
    @pytest.mark.parametrize("seed", range(10))
    def test_chances_sum_to_one_and_none_is_too_small(self, seed):
        rng = random.Random(seed)
        values = np.array([rng.uniform(-1, 1) for _ in range(rng.randrange(1, 52))])
        probabilities = chances(values, 0.01, 0.02)
        assert sum(probabilities) == pytest.approx(1.0, abs=1e-12)
        assert min(probabilities) >= 0.02 / len(values) - 1e-15
        assert max(probabilities) == probabilities[values.argmax()]

    def test_lots_fall_as_often_as_chances_say(self):
        probabilities = chances(np.array([0.3, 0.29, 0.1]), 0.01, 0.1)
        lots = [(place + 0.5) / 10_000 for place in range(10_000)]
        counts = [sum(drawn(probabilities, lot) == place for lot in lots) for place in range(3)]
        assert [count / 10_000 for count in counts] == pytest.approx(probabilities, abs=1e-3)

    def test_rounding_leaves_no_lot_without_an_act(self):
        assert drawn([0.1] * 3, 0.999) == 2


class TestLimits:
    @pytest.mark.parametrize("seed", range(60))
    def test_the_first_free_moment_is_free_and_the_hour_before_it_is_not(self, seed):
        rng = random.Random(seed)
        quiet = frozenset((rng.randrange(24) + hour) % 24 for hour in range(rng.randrange(20)))
        treatment = Treatment(rng.randrange(5), rng.randrange(1, 200) * HOUR_MS, quiet)
        state = State(tuple(sorted(NOON_MS - rng.randrange(40 * DAY_MS) for _ in range(rng.randrange(6)))))
        if rng.random() < 0.2:
            state = heard(state, NOON_MS - rng.randrange(100 * DAY_MS), Outcome.COMPLAINED, "")
        moment = Moment(NOON_MS, "web", utc_offset_minutes=rng.randrange(-840, 840))
        found, free_ms = limit(state, treatment, moment), first_free_ms(state, treatment, moment)
        assert (found is None) <= (free_ms == 0)
        if free_ms:
            assert free_ms > NOON_MS
            assert limit(state, treatment, replace(moment, at_ms=free_ms)) is None
            assert limit(state, treatment, replace(moment, at_ms=free_ms - 1)) is not None

    def test_a_persona_that_asks_is_never_limited(self):
        state = heard(contacted(EMPTY, NOON_MS), NOON_MS, Outcome.COMPLAINED, "")
        nothing = Treatment(0, HOUR_MS, frozenset(range(24)))
        assert limit(state, nothing, Moment(NOON_MS, "web", initiative=Initiative.PERSONA)) is None
        assert limit(state, nothing, Moment(NOON_MS, "web")) is not None

    def test_the_night_is_that_of_the_persona(self):
        night = Treatment(9, HOUR_MS, frozenset({22, 23, 0, 1, 2, 3, 4, 5}))
        assert limit(EMPTY, night, Moment(NOON_MS, "web")) is None
        tokyo = limit(EMPTY, night, Moment(NOON_MS, "web", utc_offset_minutes=630))
        assert tokyo == (Silence.QUIET_HOURS, NOON_MS + 7 * HOUR_MS + HOUR_MS // 2)

    def test_protective_types_are_contacted_no_more_than_anybody(self):
        every = treatments(named_pack("relations29"))
        protective = [each for each in every.values() if each.is_protective]
        assert protective
        assert max(each.contacts for each in protective) <= every[""].contacts


class TestState:
    def test_it_is_kept_as_it_is(self):
        state = heard(contacted(EMPTY, NOON_MS), NOON_MS + 1, Outcome.DISMISSED, "a1")
        assert decode_state(encode_state(state)) == state

    def test_linked_personas_add_up_in_any_order(self):
        one, two = contacted(EMPTY, NOON_MS), contacted(contacted(EMPTY, NOON_MS), NOON_MS + 5)
        assert merge([one, two]) == merge([two, one])
        assert merge([one, two]).contacts == (NOON_MS, NOON_MS, NOON_MS + 5)

    def test_a_persona_takes_less_than_four_thousand_bytes(self):
        state = EMPTY
        for day in range(500):
            at_ms = NOON_MS + day * HOUR_MS
            state = heard(contacted(state, at_ms), at_ms, Outcome.DISMISSED, "i" * 64)
        assert len(encode_state(state)) + MOST_BYTES < 4_000


def answered(topic, outcome, times, habits=None):
    """Habits of somebody who answered so about that, once a day until the day before noon."""
    habits = habits or Habits()
    for days in range(times, 0, -1):
        told(MANNERS, Customs(), habits, occasion(Moment(NOON_MS - days * DAY_MS, "web"), topic), outcome)
    return habits


class TestManners:
    def test_what_the_brand_begins_is_asked_of_manners(self, ranked):
        found = decided(ranked(Terms("a6", topics=("drama",))), question())
        assert (found.act, found.topic) == (Act.OFFER, "drama")
        assert found.verdict.speaks
        assert found.verdict.value_at_least > 0

    def test_whoever_is_occupied_is_left_alone_and_the_record_says_why(self, ranked):
        found = decided(ranked(), question(activity="occupied"))
        assert (found.act, found.silence, found.propensity) == (Act.SILENT, Silence.UNWELCOME, 1.0)
        assert not found.verdict.speaks
        assert not found.weighed

    def test_whoever_asks_is_answered_whatever_was_refused(self, ranked):
        asked = question(habits=answered("", Outcome.DISMISSED, 12), initiative=Initiative.PERSONA)
        found = decided(ranked(), asked)
        assert (found.act, found.verdict) == (Act.OFFER, None)

    def test_what_is_never_wanted_ends(self, ranked):
        assert decided(ranked(), question(habits=answered("", Outcome.DISMISSED, 20))).silence is Silence.UNWELCOME

    def test_another_topic_may_still_be_spoken_of(self, ranked):
        terms = [Terms("a6", topics=("war",)), *(Terms(f"a{place}", topics=("drama",)) for place in range(7, 20))]
        habits = answered("drama", Outcome.ACCEPTED, 6, answered("war", Outcome.DISMISSED, 8))
        found = decided(ranked(*terms), question(habits=habits))
        assert {each.candidate.item for each in found.weighed}.isdisjoint({"a6"})
        assert (found.act, found.topic) == (Act.OFFER, "drama")

    def test_answers_choose_nothing_of_what_others_could_compare(self, ranked):
        terms = [Terms(f"a{place}", topics=("war",)) for place in range(20)]
        habits = answered("", Outcome.ACCEPTED, 3, answered("war", Outcome.DISMISSED, 3))
        plain, answering = (
            decided(ranked(*terms), question(draw_key=b"1" * 16, habits=each)) for each in (Habits(), habits)
        )
        drawn_from = [{each.candidate.item for each in found.weighed} for found in (plain, answering)]
        assert drawn_from[0] == drawn_from[1]
        assert plain.topic == answering.topic == ""


#: Enough answers for the bandit to draw, nearly all of which refuse what begins with so many of a bucket.
REFUSED = {FIRST_CELL + place: Answers(20, 1, 0) for place in range(0, 6_000, 13)}
ACCEPTED = {FIRST_CELL + place: Answers(20, 19, 0) for place in range(0, 6_000, 13)}


class TestPolicies:
    def test_the_reference_draws_until_the_bandit_has_learnt(self, ranked):
        assert decided(ranked(), question(), policy=Policy.BANDIT).policy is Policy.SOFTMAX
        assert decided(ranked(), question(), answers=ACCEPTED).policy is Policy.SOFTMAX
        assert decided(ranked(), question(), answers=ACCEPTED, policy=Policy.BANDIT).policy is Policy.BANDIT

    def test_the_bandit_abstains_where_its_bound_does_not_carry(self, ranked):
        assert decided(ranked(), question(), answers=REFUSED).act is Act.OFFER
        found = decided(ranked(), question(), answers=REFUSED, policy=Policy.BANDIT)
        assert (found.act, found.silence, found.propensity) == (Act.SILENT, Silence.NOT_WORTH_IT, 1.0)

    @pytest.mark.parametrize("lot", [0.0, 0.3, 0.97, 0.985, 0.9999])
    def test_each_tells_the_chance_that_the_other_would_have_given(self, ranked, lot):
        every = [decided(ranked(), question(), at / 60, ACCEPTED, policy) for policy in Policy for at in range(60)]
        spoken = {policy: {} for policy in Policy}
        for each in every:
            for one in each.weighed:
                spoken[each.policy][one.candidate.item] = one.propensity
        found = decided(ranked(), question(), lot, ACCEPTED)
        if found.act is Act.OFFER:
            assert found.chosen.instead == pytest.approx(spoken[Policy.BANDIT][found.chosen.candidate.item])
            assert found.propensity == pytest.approx(spoken[Policy.SOFTMAX][found.chosen.candidate.item])

    def test_the_log_of_the_reference_supports_the_bandit(self, ranked):
        for answers in (ACCEPTED, REFUSED, {FIRST_CELL + 5: Answers(500, 250, 0)}):
            reference = decided(ranked(), question(), answers=answers)
            able = {each.candidate.item for each in reference.weighed if each.propensity > 0}
            bandit = decided(ranked(), question(), answers=answers, policy=Policy.BANDIT)
            assert {each.candidate.item for each in bandit.weighed if each.propensity > 0} <= able

    def test_the_bandit_does_not_try_with_a_protective_type(self, ranked):
        asked = question(treatment=replace(OPEN, is_protective=True))
        assert decided(ranked(), asked, 0.9999, ACCEPTED, Policy.BANDIT).propensity == 1.0


class TestDecide:
    def test_what_follows_is_offered_and_its_parts_add_up(self, ranked):
        found = decided(ranked(), question())
        assert (found.act, found.chosen.candidate.item) == (Act.OFFER, "a6")
        score = found.chosen.candidate.score
        assert sum(amount for _, _, amount in found.chosen.candidate.parts) == pytest.approx(score, abs=1e-6)
        assert any(ref == "a5" for _, ref, _ in found.chosen.candidate.parts)

    def test_what_is_usual_is_the_same_for_every_item(self, ranked):
        """Were a part told too large, what is usual would have to make up for it, item by item."""
        given = ranked()
        asked = question(likes=("drama",)).situation
        found = gather(given, asked, frozenset(), question().moment, RULES)
        usual = [{kind: amount for kind, _, amount in found.parts(each.item)}["usual"] for each in found.candidates]
        assert len(usual) > 10
        assert usual == pytest.approx([usual[0]] * len(usual), abs=1e-5)

    def test_the_same_question_is_decided_alike(self, ranked):
        assert decided(ranked(), question(), 0.7) == decided(ranked(), question(), 0.7)

    @pytest.mark.parametrize("lot", [0.0, 0.5, 0.97, 0.985, 0.9999])
    def test_chances_are_of_all_that_was_eligible_and_of_silence(self, ranked, lot):
        found = decided(ranked(), question(), lot)
        eligible = [each for each in found.weighed if each.value_low > 0]
        of_silence = 1.0 - sum(each.propensity for each in eligible)
        assert 0 < of_silence < 0.02
        expected = of_silence if found.act is Act.SILENT else found.chosen.propensity
        assert found.propensity == pytest.approx(expected)

    def test_what_would_have_been_decided_otherwise_is_true(self, ranked):
        for lot in (0.0, 0.3, 0.6, 0.97):
            found = decided(ranked(), question(), lot)
            rest = [each for each in found.weighed if each.value_low > 0 and each.candidate != found.chosen.candidate]
            rest = [each for each in rest if each.candidate.item != found.chosen.candidate.item]
            values = np.array([each.value for each in rest] + [0.0])
            place = drawn(chances(values, RULES.temperature, RULES.explored), lot)
            assert found.otherwise == (rest[place].candidate.item if place < len(rest) else "")

    def test_a_protective_type_is_not_explored_with(self, ranked):
        for lot in (0.0, 0.5, 0.9999):
            found = decided(ranked(), question(treatment=replace(OPEN, is_protective=True)), lot)
            assert (found.act, found.propensity) == (Act.OFFER, 1.0)

    def test_it_is_silent_towards_somebody_who_was_annoyed(self, ranked):
        state = EMPTY
        for hours in range(6):
            state = heard(state, NOON_MS - hours * HOUR_MS, Outcome.DISMISSED, f"b{hours}")
        found = decided(ranked(), question(state=state, interruption=0.7))
        assert (found.act, found.silence, found.propensity) == (Act.SILENT, Silence.NOT_WORTH_IT, 1.0)
        assert all(each.value_low <= 0 for each in found.weighed)

    def test_nothing_is_begun_where_it_disturbs(self, ranked):
        assert decided(ranked(), question(interruption=0.9)).silence is Silence.INTERRUPTS
        asked = question(interruption=0.9, initiative=Initiative.PERSONA)
        assert decided(ranked(), asked).act is Act.OFFER

    def test_what_was_learnt_moves_chances(self, ranked):
        before = decided(ranked(), question()).chosen
        refused = {before.bucket: Answers(seen=500, accepted=0, annoyed=0)}
        after = decided(ranked(), question(), answers=refused)
        assert after.act is Act.SILENT or after.chosen.p_accept < before.p_accept

    def test_gates_close_what_terms_forbid(self, ranked):
        terms = (
            Terms("a6", is_sold_out=True),
            Terms("a7", least_age=18),
            Terms("a8", channels=("shop",)),
            Terms("a9", until_ms=NOON_MS),
            Terms("a10", from_ms=NOON_MS + 1),
        )
        found = decided(ranked(*terms), question())
        assert {each.item for each in terms}.isdisjoint(each.candidate.item for each in found.weighed)
        assert {name: found.gates[name] for name in ("stock", "age", "channel", "validity")} == {
            "stock": 1,
            "age": 1,
            "channel": 1,
            "validity": 2,
        }
        opened = decided(ranked(*terms), question(least_age=18))
        assert "a7" in {each.candidate.item for each in opened.weighed}

    @pytest.mark.parametrize("seed", range(20))
    def test_gates_that_are_kept_are_those_of_the_moment(self, seed):
        rng = random.Random(seed)
        terms = [
            Terms(
                f"i{place}",
                from_ms=rng.choice([0, NOON_MS - 1, NOON_MS, NOON_MS + 1]),
                until_ms=rng.choice([0, NOON_MS, NOON_MS + 1, NOON_MS + 2]),
                is_sold_out=rng.random() < 0.2,
                least_age=rng.choice([0, 16, 18]),
                channels=tuple(rng.sample(["web", "shop"], rng.randrange(3))),
            )
            for place in range(30)
        ]
        shelf = Shelf((), {each.item: each for each in terms})
        for _ in range(30):
            at_ms, age = NOON_MS + rng.randrange(-3, 4), rng.choice([0, 15, 16, 17, 18, 120])
            moment = Moment(at_ms, rng.choice(["web", "shop", "mail", "mall"]), least_age=age)
            assert shelf.gate(moment).open.tolist() == [
                not each.is_sold_out
                and each.least_age <= age
                and (not each.channels or moment.channel in each.channels)
                and each.from_ms <= at_ms < (each.until_ms or at_ms + 1)
                for each in terms
            ]

    def test_what_is_like_a_removed_item_is_closed_too(self, ranked):
        terms = [Terms(f"new{n}", topics=("drama", "crime")) for n in range(3)] + [Terms("other", topics=("drama",))]
        found = decided(ranked(*terms), question(removed={"new0"}))
        assert found.gates["removed"] == 3

    def test_an_item_that_nobody_has_met_is_judged_by_its_topics(self, ranked):
        terms = [Terms("new", topics=("drama",)), Terms("old", topics=("crime",))]
        asked = question(likes=("drama",), history=())
        found = {each.candidate.item: each.candidate for each in decided(ranked(*terms), asked).weighed}
        assert found["new"].score > found["old"].score

    def test_audiences_that_could_be_compared_are_told_no_more_than_a_draw(self, ranked):
        one = decided(ranked(), question(draw_key=b"1" * 16))
        two = decided(ranked(), question(draw_key=b"2" * 16))
        drawn_one, drawn_two = ({each.candidate.item for each in found.weighed} for found in (one, two))
        assert len(drawn_one) == len(drawn_two) == 10
        assert drawn_one != drawn_two
        kinds = {kind for kind, _, _ in one.chosen.candidate.parts}
        assert kinds <= {"popular_now", "liked_topic", "usual"}

    def test_items_named_besides_are_unlike_one_another(self, ranked):
        terms = [Terms(f"a{place}", topics=("drama", "crime")) for place in range(6, 9)]
        found = decided(ranked(*terms), question())
        alike = {each.item for each in terms}
        named = [each.candidate for each in (found.chosen, *found.also)]
        assert len(alike & {each.item for each in named}) == 1
        assert len(named) > 1
        assert all(sum(part[2] for part in each.parts) == pytest.approx(each.score, abs=1e-6) for each in named)

    def test_an_empty_shelf_is_silent(self, ranked):
        nothing = replace(ranked(), shelf=Shelf((), {}))
        assert decided(nothing, question()).silence is Silence.NOTHING_OPEN
        assert decided(nothing, question(acts={Act.HELLO})).act is Act.HELLO
