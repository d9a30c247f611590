import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from services.recommendation.bandit import Regression
from services.recommendation.bandit.features import Items, Persona, describe, prior, surprise
from services.recommendation.bandit.vectors import Meetings, embed

NOBODY = Persona(np.array([], np.intp), np.array([], np.intp), np.array([]))


def circles(people=60, items=20):
    """Two circles of people, each of whom meets most of their own circle's items."""
    rng = np.random.default_rng(1)
    inside = np.kron(np.eye(2), np.ones((people // 2, items // 2)))
    return (inside * (rng.random(inside.shape) < 0.8)).astype(float)


def meetings(met):
    return Meetings(met.sum(axis=0).astype(np.int64), aslinearoperator(met.T @ met))


@pytest.fixture
def items():
    items = Items(20)
    items.fit(meetings(circles()))
    return items


class TestEmbed:
    def test_items_of_one_circle_stand_together(self, items):
        alike = items.vectors @ items.vectors.T
        assert alike[0, :10].mean() > alike[0, 10:].mean() + 0.3

    def test_more_meetings_turn_no_item_around(self, items):
        met = np.vstack([circles(), circles()[:7]])
        later = embed(meetings(met), items.vectors)
        assert np.sum(later * items.vectors) > 0.9 * np.sum(np.square(items.vectors))

    def test_with_nothing_met_or_a_single_item_every_vector_is_zero(self):
        for size in (1, 5):
            nothing = Meetings(np.zeros(size, np.int64), aslinearoperator(np.zeros((size, size))))
            assert not embed(nothing, np.zeros((size, 8))).any()


class TestDescribe:
    def test_what_was_accepted_more_promises_more(self, items):
        for outcome in (True,) * 9 + (False,):
            items.learn(3, accepted=outcome)
            items.learn(4, accepted=not outcome)
        promised = Regression(prior()).expect(describe(items, NOBODY, np.array([3, 4]))).reward
        assert promised[0] > promised[1]

    def test_what_a_persona_answered_moves_what_is_alike_for_it(self, items):
        pleased = Persona(np.array([0, 1]), np.array([0, 1, 10, 11]), np.array([0.5, 0.5, -0.5, -0.5]))
        regression = Regression(prior())
        promised = regression.expect(describe(items, pleased, np.array([2, 12]))).reward
        alone = regression.expect(describe(items, pleased._replace(surprises=np.zeros(4)), np.array([2, 12]))).reward
        assert promised[0] - alone[0] > 0 > promised[1] - alone[1]

    def test_a_surprise_is_measured_against_everybody_else(self, items):
        regression, slots = Regression(prior()), np.array([5])
        pleased = Persona(np.array([0]), np.array([0, 1]), np.array([0.4, 0.4]))
        row, other = (
            describe(items, persona, slots)[0] for persona in (pleased, pleased._replace(surprises=-np.ones(2)))
        )
        assert surprise(regression, row, 1.0) == surprise(regression, other, 1.0)

    def test_features_fit_into_the_regression(self):
        assert len(prior().weights) <= 128
        assert describe(Items(4), NOBODY, np.arange(4)).shape == (4, len(prior().weights))


class TestFit:
    def test_an_item_never_shown_is_expected_to_do_as_its_circle_did(self, items):
        for slot in range(9):
            for _ in range(20):
                items.learn(slot, accepted=True)
                items.learn(slot + 10, accepted=False)
        items.fit(meetings(circles()))
        assert items.rates(np.array([9]))[0] > items.rates(np.array([19]))[0] + 0.3
