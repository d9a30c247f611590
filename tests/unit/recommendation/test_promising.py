"""The bandit that draws: what it learns by coarse signs, when it is silent, and what tells whether it may draw."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kit import packs
from services.recommendation.bandit import Regression
from services.recommendation.deciding import (
    LEAST_ANSWERS,
    Act,
    Answers,
    Outcome,
    Policy,
    Promise,
    bin_of,
    bucket_of,
)
from services.recommendation.deciding.columns import Candidates, Pool, Signs, Worth
from services.recommendation.deciding.drawing import Drawing, draw
from services.recommendation.deciding.promising import FIRST_BIN, FIRST_CELL, _prior, _rows
from services.recommendation.judging import GAINS, gain_in_all, gain_of
from services.recommendation.settings import DecidingPack

PACK = Path(__file__).parents[3] / "services" / "recommendation" / "packs" / "deciding.yaml"
RULES = packs.load(PACK, DecidingPack).rules
#: Of a bucket there are so many cells: a cell of each of two buckets.
OF_BUCKET = 4 * 3 * 3 * 3 * 2 * 3
CELLS = FIRST_CELL + OF_BUCKET * np.array([3, 6])


def pool(count):
    """Candidates as the reference weighs them."""
    scores, nowhere = np.array([1.0, 3.5][:count]), np.zeros(count, np.intp)
    items = [f"i{place}" for place in range(count)]
    candidates = Candidates([Act.OFFER] * count, items, scores, np.ones(count), [""] * count, nowhere)
    worth = Worth(*(np.full(count, each) for each in (0.2, 0.1, 0.2, 0.1)))
    buckets = np.array([bucket_of(Act.OFFER, score) for score in scores])
    return Pool(candidates, worth, Signs(buckets, nowhere, np.zeros(count)), np.arange(count), np.zeros(0))


def promises(answers, count=2, cost=0.0):
    """What the bandit promises of these, each as it is weighed."""
    every = pool(count)
    signs, worth = Promise(answers, RULES).weigh(every, CELLS[:count], cost)
    return list(Pool(every.candidates, worth, signs, every.places, every.chances))


class TestPromise:
    def test_before_anything_is_learnt_it_promises_what_the_pack_says(self):
        promised = promises({})
        expected = [RULES.accepts_by_score[1], RULES.accepts_by_score[4]]
        assert [each.promised for each in promised] == pytest.approx(expected)

    def test_answers_move_what_has_the_same_signs(self):
        answers = {int(CELLS[0]): Answers(400, 320, 0), int(CELLS[1]): Answers(400, 20, 0)}
        accepted, refused = promises(answers, cost=0.05)
        assert accepted.promised > 0.6
        assert refused.promised < 0.2
        assert accepted.value > accepted.value_low > refused.value

    def test_a_promise_that_did_not_come_true_is_told_as_it_came_true(self):
        cell, place = int(CELLS[0]), bin_of(0.6)
        without = {cell: Answers(1_000, 600, 0)}
        proud = promises(without, 1)[0]
        humbled = promises({**without, place: Answers(500, 50, 0)}, 1)[0]
        assert humbled.promised == proud.promised
        assert humbled.p_accept < 0.3 < proud.p_accept

    @pytest.mark.parametrize("seed", range(5))
    def test_whoever_is_taken_back_leaves_nothing(self, seed):
        rng = random.Random(seed)
        counts = {
            FIRST_CELL + rng.randrange(6_000): Answers(n := rng.randrange(1, 9), rng.randrange(n)) for _ in "abcd"
        }
        more = {number: Answers(each.seen + 7, each.accepted + 3) for number, each in counts.items()}
        back = {number: Answers(each.seen - 7, each.accepted - 3) for number, each in more.items()}
        assert promises(counts) == promises(back)
        assert Promise(counts, RULES).answers == sum(each.seen for each in counts.values())

    @pytest.mark.parametrize("seed", range(5))
    def test_every_cell_is_promised_what_the_regression_expects_of_its_signs(self, seed):
        rng = random.Random(seed)
        answers = {FIRST_CELL + rng.randrange(10 * OF_BUCKET): Answers(9, rng.randrange(9)) for _ in range(200)}
        cells = FIRST_CELL + np.array([rng.randrange(10 * OF_BUCKET) for _ in range(50)])
        learnt = Regression(_prior(RULES))
        for cell, each in answers.items():
            for place in range(each.seen):
                learnt.learn(_rows(np.array([cell]))[0], float(place < each.accepted))
        signs, _ = Promise(answers, RULES).weigh(pool(1), cells, 0.0)
        assert signs.promised == pytest.approx(np.clip(learnt.expect(_rows(cells)).reward, 0.0, 1.0), abs=1e-6)

    def test_numbers_of_kinds_do_not_meet(self):
        assert FIRST_CELL + 10 * OF_BUCKET <= FIRST_BIN
        assert bin_of(1.0) < GAINS < 1 << 15


class TestPool:
    @pytest.mark.parametrize("order", [[0, 1], [1, 0]])
    def test_what_is_worth_the_same_stays_in_order(self, order):
        every = replace(pool(2), places=np.array(order))
        assert every.eligible(every.worth, every.signs).places.tolist() == order


class TestDraw:
    @pytest.mark.parametrize("lot", [0.0, 0.5, 0.985, 0.999])
    def test_the_bandit_takes_the_best_and_tries_the_others_with_chances_that_sum_to_one(self, lot):
        found = draw(pool(2), Drawing(Policy.BANDIT, RULES, 0.03, lot))
        assert sum(found.chances) == pytest.approx(1.0)
        assert found.chances == pytest.approx([0.98, 0.01, 0.01])
        assert found.hit == (0 if lot < 0.98 else 1 if lot < 0.99 else 2)

    def test_nobody_is_tried_with_where_nothing_is_explored(self):
        assert draw(pool(2), Drawing(Policy.BANDIT, RULES, 0.0, 0.9999)).hit == 0


def logged(rng, decisions, rates, instead):
    """What answers say of another policy: two acts are drawn evenly, and accepted so often."""
    total = Answers()
    for _ in range(decisions):
        act = rng.randrange(2)
        outcome = Outcome.ACCEPTED if rng.random() < rates[act] else Outcome.DISMISSED
        record = {"policy": "softmax", "propensity": 0.5, "instead": instead[act]}
        total = Answers(*map(sum, zip(total, gain_of(record, outcome), strict=True)))
    return gain_in_all(total)


class TestJudging:
    def test_bounds_hold_what_would_have_been_gained(self):
        rng, rates, instead = random.Random(5), (0.7, 0.2), (0.9, 0.1)
        reward = [1.5 * rate - 0.5 for rate in rates]
        truth = sum((chance - 0.5) * each for chance, each in zip(instead, reward, strict=True))
        intervals = [logged(rng, 200, rates, instead) for _ in range(200)]
        held = sum(each.low <= truth <= each.high for each in intervals)
        assert held >= 0.93 * len(intervals)
        assert sum(each.low > 0 for each in intervals) > 0.9 * len(intervals)

    def test_what_is_no_better_hardly_ever_goes_live(self):
        rng = random.Random(6)
        intervals = [logged(rng, 200, (0.4, 0.4), (0.9, 0.1)) for _ in range(200)]
        assert sum(each.low > 0 for each in intervals) <= 0.05 * len(intervals)

    def test_few_answers_say_nothing(self):
        assert logged(random.Random(7), LEAST_ANSWERS - 1, (1.0, 0.0), (1.0, 0.0)).low == float("-inf")

    def test_what_the_bandit_drew_itself_is_no_evidence(self):
        record = {"policy": "bandit", "propensity": 0.5, "instead": 0.9}
        assert gain_of(record, Outcome.ACCEPTED) == gain_of({}, Outcome.ACCEPTED) == Answers()
