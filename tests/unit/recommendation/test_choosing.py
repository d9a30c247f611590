import dataclasses
import random

import numpy as np
import pytest

from services.recommendation.choosing import choose
from services.recommendation.domain import Learnt, Lesson, Mixes
from services.recommendation.holding_out import hold_out
from services.recommendation.sample import Sample
from services.recommendation.sums import Sums
from tests.unit.recommendation.town import BLEND, BOUNDS, MIX, lesson, walks


@pytest.fixture
def sums():
    return Sums(BOUNDS)


@pytest.fixture
def lessons(sums):
    taught = [lesson(*path) for path in walks(people=200, length=10)]
    for each in taught:
        sums.learn(each)
    return taught


def state(sums):
    return [array.copy() for array in (sums.together, sums.followed, sums.met, sums.weeks)]


class TestHoldOut:
    def test_answers_leave_the_sums_and_come_back(self, sums, lessons):
        before = state(sums)
        held = hold_out(sums, lessons, random.Random(1))
        held.take_from(sums)
        assert int(sums.met.sum()) < int(before[2].sum())
        held.give_back(sums)
        assert all(np.array_equal(one, other) for one, other in zip(state(sums), before, strict=True))

    def test_without_the_answers_sums_are_as_if_they_had_never_been(self, sums):
        path = tuple(f"a{place}" for place in range(12))
        sums.learn(lesson(*path))
        held = hold_out(sums, [lesson(*path)], random.Random(1))
        held.take_from(sums)
        right = {
            item for kind in (held.questions.following, held.questions.missing) for each in kind for item in each.right
        }
        without = Sums(BOUNDS)
        without.learn(lesson(*path))
        for array in (without._together, without._followed, without._met, without._weeks):
            array[:] = 0
        without.learn(Lesson((), tuple(each for each in lesson(*path).learnt if each.item not in right)))
        assert all(np.array_equal(one, other) for one, other in zip(state(sums), state(without), strict=True))

    def test_no_answer_stands_in_the_history_it_is_asked_of(self, sums, lessons):
        for questions in hold_out(sums, lessons, random.Random(1)).questions:
            assert questions
            for question in questions:
                assert question.right.isdisjoint({each.item for each in question.met} | question.exclude)


class TestChoose:
    def test_where_the_next_step_is_all_a_mix_that_ignores_it_is_left(self, sums, lessons):
        deaf = dataclasses.replace(MIX, profile=(0.0, 0.0, 0.0, 0.0), sequence=(0.0, 0.0), popular=1.0)
        mixes = choose(sums, lessons, dataclasses.replace(BLEND, mixes=Mixes(deaf, deaf)), 20)
        assert max(mixes.following.sequence + mixes.following.profile) > 0

    def test_the_same_lessons_choose_the_same(self, sums, lessons):
        assert choose(sums, lessons, BLEND, 20) == choose(sums, lessons, BLEND, 20)

    def test_few_questions_choose_nothing(self, sums, lessons):
        assert choose(sums, lessons, BLEND, 10_000) is None


class TestSample:
    def test_a_persona_is_followed_by_what_it_had_met(self):
        sample = Sample(10)
        sample.take(lesson("a", "b"))
        sample.take(lesson("x"))
        sample.take(lesson("c", before=("a", "b")))
        assert [[each.item for each in kept.learnt] for kept in sample.lessons()] == [["x"], ["a", "b", "c"]]

    def test_the_one_that_grew_longest_ago_makes_room(self):
        sample = Sample(1)
        sample.take(lesson("a"))
        sample.take(lesson("b"))
        assert [kept.learnt[0].item for kept in sample.lessons()] == ["b"]

    def test_what_is_taken_back_is_forgotten(self):
        sample = Sample(10)
        sample.take(lesson("a", "b"))
        sample.take(lesson("x"))
        sample.forget(lesson("b"))
        assert [kept.learnt[0].item for kept in sample.lessons()] == ["x"]

    def test_a_long_path_keeps_its_newest_part(self):
        sample = Sample(10)
        path = tuple(map(str, range(400)))
        sample.take(lesson(*path[:200]))
        sample.take(lesson(*path[200:], before=path[72:200]))
        [kept] = sample.lessons()
        assert tuple(each.item for each in kept.learnt) == path[144:]
        assert kept.before == path[16:144]


def test_a_lesson_of_what_was_not_wanted_asks_nothing(sums):
    unwanted = Lesson((), (Learnt("a", 1, -1.0), Learnt("b", 2, -1.0)))
    assert not hold_out(sums, [unwanted], random.Random(1)).parts
