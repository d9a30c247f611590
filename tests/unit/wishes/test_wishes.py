"""Part-worths: what answers say of one persona, what personas have in common, and what to ask next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wishes.answers import Answer, stack
from wishes.asking import best, information
from wishes.posterior import Belief, imagined, learn, probabilities
from wishes.prior import common, fit

WIDTH = 3
PRIOR = Belief(np.array([0.5, -0.5, 0.0]), np.diag([1.0, 2.0, 0.5]))


def asked(random, worths, questions=6, alternatives=4):
    """Answers of somebody with these part-worths, who chooses as the model says."""
    answers = []
    for _ in range(questions):
        question = random.normal(size=(alternatives, len(worths)))
        answers.append(Answer(question, int((question @ worths + random.gumbel(size=alternatives)).argmax())))
    return answers


def told(seed, questions=6):
    random = np.random.default_rng(seed)
    return asked(random, random.normal(size=WIDTH), questions)


def slope(belief, answers):
    """Derivative of the log posterior at the mean, written down plainly."""
    found = -PRIOR.precision() @ (belief.mean - PRIOR.mean)
    for question, chosen in answers:
        powers = np.exp(question @ belief.mean)
        found = found + question[chosen] - powers @ question / powers.sum()
    return found


class TestLearn:
    def test_who_answered_nothing_is_as_others_are(self):
        assert learn(PRIOR, stack([], WIDTH)) is PRIOR

    @given(seed=st.integers(0, 10_000), questions=st.integers(1, 12))
    def test_the_mean_is_the_top_of_the_posterior(self, seed, questions):
        answers = told(seed, questions)
        assert slope(learn(PRIOR, stack(answers, WIDTH)), answers) == pytest.approx(np.zeros(WIDTH), abs=5e-3)

    @given(seed=st.integers(0, 10_000), order=st.randoms(use_true_random=False))
    def test_the_order_of_answers_does_not_matter(self, seed, order):
        answers = told(seed)
        first = learn(PRIOR, stack(answers, WIDTH))
        order.shuffle(answers)
        second = learn(PRIOR, stack(answers, WIDTH), np.full(WIDTH, 3.0))
        assert second.mean == pytest.approx(first.mean, abs=5e-3)
        assert second.covariance == pytest.approx(first.covariance, abs=5e-3)

    @given(seed=st.integers(0, 10_000))
    def test_every_answer_makes_surer(self, seed):
        answers = told(seed)
        before, after = (learn(PRIOR, stack(answers[:count], WIDTH)) for count in (0, 6))
        assert np.linalg.det(after.covariance) < np.linalg.det(before.covariance)

    def test_a_step_that_leads_across_the_top_to_the_same_height_is_taken_back(self):
        # The two answers contradict each other, so the top is at 0; a whole step from here leads to the other side.
        flat = Belief(np.zeros(1), np.eye(1) * 1e9)
        answers = stack([Answer(np.array([[1.0], [0.0]]), 0), Answer(np.array([[1.0], [0.0]]), 1)], 1)
        assert learn(flat, answers, np.array([2.17731898])).mean == pytest.approx([0], abs=0.01)

    def test_questions_may_differ_in_size(self):
        random = np.random.default_rng(1)
        answers = [*asked(random, np.ones(WIDTH), 3, 2), *asked(random, np.ones(WIDTH), 3, 5)]
        assert slope(learn(PRIOR, stack(answers, WIDTH)), answers) == pytest.approx(np.zeros(WIDTH), abs=5e-3)


class TestProbabilities:
    @given(seed=st.integers(0, 10_000))
    def test_they_sum_to_one(self, seed):
        question = told(seed)[0].question
        assert probabilities(PRIOR, question).sum() == pytest.approx(1)

    def test_little_knowledge_sounds_less_sure_than_its_middle(self):
        question = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        narrow = Belief(np.array([1.0, 0.0, 0.0]), np.eye(WIDTH) * 1e-9)
        wide = Belief(narrow.mean, np.eye(WIDTH) * 4)
        assert 0.5 < probabilities(wide, question)[0] < probabilities(narrow, question)[0]

    def test_they_are_the_integral(self):
        question = np.array([[1.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
        exact = 1 / (1 + np.exp(-1.5 * (0.5 + np.random.default_rng(5).standard_normal(400_000))))
        assert probabilities(PRIOR, question)[0] == pytest.approx(exact.mean(), abs=0.01)

    def test_the_same_question_has_the_same_answer(self):
        question = told(3)[0].question
        assert (imagined(PRIOR, question) == imagined(PRIOR, question)).all()


class TestFit:
    def test_it_finds_how_a_population_was_made(self):
        random = np.random.default_rng(2)
        mean, spread = np.array([1.0, -1.0, 0.0]), np.array([1.0, 0.5, 0.25])
        people = [stack(asked(random, random.normal(mean, spread), 12), WIDTH) for _ in range(250)]
        prior = fit(people)
        assert prior.mean == pytest.approx(mean, abs=0.25)
        assert np.sqrt(np.diag(prior.covariance)) == pytest.approx(spread, abs=0.3)

    def test_who_is_known_is_foretold_better_than_everybody(self):
        random = np.random.default_rng(4)
        people = [asked(random, random.normal(size=WIDTH) * 2, 12) for _ in range(60)]
        prior = fit([stack(each, WIDTH) for each in people[:40]])
        everybody = common([stack(each, WIDTH) for each in people[:40]])
        alike = Belief(everybody, np.eye(WIDTH) * 1e-9)
        losses = {"own": 0.0, "everybody": 0.0}
        for answers in people[40:]:
            own = learn(prior, stack(answers[:6], WIDTH))
            for each in answers[6:]:
                losses["own"] -= np.log(probabilities(own, each.question)[each.chosen])
                losses["everybody"] -= np.log(probabilities(alike, each.question)[each.chosen])
        assert losses["own"] < losses["everybody"]

    def test_personas_that_all_answer_alike_leave_some_doubt(self):
        same = [stack([Answer(np.eye(WIDTH), 0)] * 3, WIDTH) for _ in range(20)]
        assert np.diag(fit(same).covariance).min() > 0.01


class TestAsking:
    @settings(max_examples=50)
    @given(seed=st.integers(0, 10_000))
    def test_information_is_between_nothing_and_all_there_is(self, seed):
        question = told(seed)[0].question
        assert 0 <= information(PRIOR, question) <= np.log(len(question))

    def test_a_question_of_equals_tells_nothing(self):
        assert information(PRIOR, np.ones((3, WIDTH))) == pytest.approx(0)

    def test_the_open_question_comes_before_the_one_whose_answer_is_known(self):
        known = Belief(np.array([9.0, 0.0, 0.0]), np.diag([0.01, 4.0, 0.01]))
        settled, open_ = np.array([[1.0, 0, 0], [0, 0, 0]]), np.array([[0, 1.0, 0], [0, 0, 0]])
        assert best(known, [settled, open_]) == 1
