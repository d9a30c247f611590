"""When to speak: what is learnt of a persona, and what is never done."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import packs
from services.recommendation.deciding import Manners, Outcome
from services.recommendation.deciding.habits import MOST_BYTES, MOST_KEPT, Customs, Fading, Habits, Occasion, joined
from services.recommendation.deciding.interruption import channel_of_the_moment, judge, judge_topics, meet, told
from services.recommendation.settings import RecommendationSettings

PACK = packs.load(RecommendationSettings.model_fields["manners_file"].default, Manners)
ANSWERS = [outcome for outcome in Outcome if outcome]
HOUR = 3_600_000
DAY = 24 * HOUR
ASKING = Occasion(0, 15, "world", "asking", "drama")

occasions = st.builds(
    Occasion,
    at_ms=st.integers(0, 400 * DAY),
    hour=st.integers(0, 23),
    channel=st.sampled_from(["world", "web", "mail"]),
    activity=st.sampled_from(["asking", "looking", "passing", "dancing"]),
    topic=st.text(max_size=3),
)


def learn(customs, habits, occasion, answer):
    customs.sums = customs.merged(told(PACK, customs, habits, occasion, answer)).sums


def lived(*answers, occasion=ASKING, habits=None, customs=None):
    """A persona that met the same occasion every day, and answered so."""
    habits, customs = habits or Habits(), customs or Customs()
    for day, answer in enumerate(answers, 1):
        now = occasion._replace(at_ms=occasion.at_ms + day * DAY)
        meet(PACK, habits, now)
        if answer:
            learn(customs, habits, now, answer)
    return habits, customs


def verdict(habits, customs, days=40, **changes):
    return judge(PACK, customs, habits, ASKING._replace(at_ms=days * DAY, **changes))


class TestJudge:
    def test_whoever_asks_is_answered_though_nobody_knows_them(self):
        assert judge(PACK, Customs(), Habits(), ASKING).speaks

    def test_whoever_is_occupied_is_left_alone(self):
        assert not judge(PACK, Customs(), Habits(), ASKING._replace(activity="occupied")).speaks

    def test_what_was_accepted_is_more_likely_to_help_again(self):
        assert verdict(*lived(*[Outcome.ACCEPTED] * 5)).chance > verdict(Habits(), Customs()).chance

    def test_what_is_never_wanted_ends(self):
        assert not verdict(*lived(*[Outcome.DISMISSED] * 12)).speaks

    def test_another_topic_may_still_be_wanted(self):
        habits, customs = lived(*[Outcome.ACCEPTED] * 8)
        lived(*[Outcome.DISMISSED] * 8, occasion=ASKING._replace(topic="war"), habits=habits, customs=customs)
        assert verdict(habits, customs).chance > 2 * verdict(habits, customs, topic="war").chance

    @given(st.lists(st.tuples(occasions, st.sampled_from(ANSWERS)), max_size=12), occasions)
    @settings(max_examples=30, deadline=None)
    def test_topics_judged_together_are_judged_as_each_alone(self, answers, now):
        habits, topics = Habits(), ["", "drama", "war", now.topic]
        for occasion, answer in answers:
            meet(PACK, habits, occasion)
            told(PACK, Customs(), habits, occasion, answer)
            topics.append(occasion.topic)
        together = judge_topics(PACK, Customs(), habits, now, topics)
        assert together == {each: judge(PACK, Customs(), habits, now._replace(topic=each)) for each in topics}

    def test_what_somebody_turns_up_for_is_believed_before_any_answer(self):
        habits, customs = lived(*[None] * 20)
        assert verdict(habits, customs, days=21).chance > 2 * verdict(habits, customs, days=21, topic="war").chance

    def test_annoyance_is_of_these_days(self):
        habits, customs = lived(*[Outcome.DISMISSED] * 4)
        assert verdict(habits, customs, days=5).annoys > 1.2 * verdict(habits, customs, days=60).annoys

    def test_minds_change(self):
        habits, _ = lived(*[Outcome.DISMISSED] * 12)
        sooner = verdict(habits, Customs(), days=13).chance
        assert verdict(habits, Customs(), days=400).chance > sooner

    def test_whoever_complained_is_never_spoken_to_again(self):
        habits, customs = lived(*[Outcome.ACCEPTED] * 20, Outcome.COMPLAINED)
        assert not verdict(habits, customs, days=4_000).speaks

    def test_what_annoyed_others_is_expected_to_annoy(self):
        _, customs = lived(*[Outcome.DISMISSED] * 3)
        assert verdict(Habits(), customs).annoys > verdict(Habits(), Customs()).annoys

    @settings(max_examples=40)
    @given(st.lists(st.tuples(occasions, st.sampled_from(ANSWERS)), max_size=8), occasions)
    def test_a_verdict_stays_a_verdict_whatever_happened(self, story, asked):
        habits, customs = Habits(), Customs()
        for occasion, answer in story:
            meet(PACK, habits, occasion)
            learn(customs, habits, occasion, answer)
        found = judge(PACK, customs, habits, asked)
        assert 0.0 < found.chance < 1.0
        assert 0.0 < found.annoys < 1.0
        assert found.value_at_least <= found.value
        assert not (found.speaks and habits.is_silenced)


class TestChannelOfTheMoment:
    def test_it_is_where_offers_were_accepted(self):
        habits, customs = lived(*[Outcome.ACCEPTED] * 6, occasion=ASKING._replace(channel="mail"))
        lived(*[Outcome.DISMISSED] * 6, habits=habits, customs=customs)
        asked = ASKING._replace(at_ms=10 * DAY)
        assert channel_of_the_moment(PACK, customs, habits, asked, ["world", "mail"]) == "mail"

    @given(st.lists(st.tuples(occasions, st.sampled_from(ANSWERS)), max_size=8), occasions)
    def test_it_does_not_hang_on_the_topic(self, story, asked):
        habits, customs = Habits(), Customs()
        for occasion, answer in story:
            meet(PACK, habits, occasion)
            learn(customs, habits, occasion, answer)
        found = {
            channel_of_the_moment(PACK, customs, habits, asked._replace(topic=topic), ["world", "mail", "web"])
            for topic in ("", "drama", "tea")
        }
        assert len(found) == 1

    def test_of_those_alike_it_is_the_first(self):
        assert channel_of_the_moment(PACK, Customs(), Habits(), ASKING, ["world", "mail"]) == "world"


class TestHabits:
    def test_what_was_packed_judges_the_same(self):
        habits, customs = lived(*[Outcome.ACCEPTED, Outcome.DISMISSED, None] * 5)
        unpacked = Habits.unpacked(habits.packed())
        assert verdict(unpacked, customs) == pytest.approx(verdict(habits, customs), abs=1e-5)
        assert Habits.unpacked(unpacked.packed()) == unpacked

    def test_those_who_are_linked_are_judged_by_all_that_is_remembered(self):
        one, customs = lived(*[Outcome.DISMISSED] * 6)
        other, _ = lived(*[Outcome.DISMISSED] * 6, customs=customs)
        both, alone = joined([one, other]), joined([one])
        assert verdict(alone, customs) == verdict(one, customs)
        assert verdict(both, customs).value < verdict(alone, customs).value

    def test_a_persona_of_many_topics_stays_small(self):
        habits, customs = Habits(), Customs()
        for number in range(1_000):
            lived(Outcome.IGNORED, occasion=ASKING._replace(topic=f"t{number}"), habits=habits, customs=customs)
        assert len(habits.evidence.sums) == MOST_KEPT
        assert len(habits.packed()) <= MOST_BYTES

    def test_what_does_not_fit_is_left_out_and_what_is_newest_stays(self):
        habits = Habits()
        for number in range(40):
            lived(Outcome.IGNORED, occasion=ASKING._replace(at_ms=number * DAY, topic=f"{number:064}"), habits=habits)
        assert len(habits.packed()) <= MOST_BYTES
        assert f"topic {39:064}" in Habits.unpacked(habits.packed()).evidence.sums

    def test_sums_halve(self):
        sums = Fading()
        sums.add("a", 4.0, 0, half_life_days=2.0)
        assert sums.at("a", 2 * DAY, half_life_days=2.0) == 2.0

    def test_what_comes_in_late_does_not_grow(self):
        sums = Fading()
        sums.add("a", 4.0, 2 * DAY, half_life_days=2.0)
        sums.add("a", 1.0, 0, half_life_days=2.0)
        assert sums.at("a", 2 * DAY, half_life_days=2.0) == 5.0


class TestCustoms:
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.25, 1.0])), max_size=20))
    def test_those_of_two_workers_add_up(self, answers):
        whole, parts = Customs(), (Customs(), Customs())
        for number, (name, for_yes) in enumerate(answers):
            whole.add(name, for_yes)
            parts[number % 2].add(name, for_yes)
        assert parts[0].merged(parts[1]) == parts[1].merged(parts[0])
        assert parts[0].merged(parts[1]).sums == whole.sums
        assert Customs.uncounted(whole.counted()) == whole
