import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.bandit import Expected, Exploration, Prior, Regression, choose

SIZE = 5
PRIOR = Prior(np.array([0.5, 1.0, 0.0, 0.0, 0.0]), np.full(SIZE, 4.0))
GREEDY = Exploration(optimism=0.0, floor=0.0)


def showings(count, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (count, SIZE))
    return rows, (rng.random(count) < 1 / (1 + np.exp(-rows[:, 1]))).astype(float)


def taught(rows, rewards):
    regression = Regression(PRIOR)
    for row, reward in zip(rows, rewards, strict=True):
        regression.learn(row, reward)
    return regression


@pytest.fixture(scope="module")
def regression():
    return taught(*showings(300))


class TestRegression:
    def test_before_anything_was_shown_the_prior_speaks(self):
        expected = Regression(PRIOR).expect(np.eye(SIZE))
        assert expected.reward.tolist() == PRIOR.weights.tolist()
        assert expected.spread == pytest.approx(0.5)

    def test_weights_are_those_of_the_ridge_regression_towards_the_prior(self, regression):
        rows, rewards = showings(300)
        ridge = np.diag(PRIOR.strength)
        expected = np.linalg.solve(rows.T @ rows + ridge, rows.T @ rewards + ridge @ PRIOR.weights)
        assert regression.weights == pytest.approx(expected, abs=1e-3)

    def test_a_restart_decides_the_same_bit_for_bit_and_goes_on_so(self, regression):
        again = Regression.unpack(PRIOR, regression.pack())
        once = Regression.unpack(PRIOR, regression.pack())
        for row, reward in zip(*showings(900, seed=1), strict=True):
            before, after = once.expect(row[np.newaxis]), again.expect(row[np.newaxis])
            assert before.reward.tobytes() == after.reward.tobytes()
            once.learn(row, reward)
            again = Regression.unpack(PRIOR, again.pack())
            again.learn(row, reward)
        assert once.pack() == again.pack()

    def test_workers_merge_in_any_order_without_a_bit_of_difference(self):
        parts = [showings(100, seed=seed) for seed in range(4)]
        merged = []
        for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
            whole = Regression(PRIOR)
            for place in order:
                whole.merge(taught(*parts[place]))
            merged.append(whole.pack())
        assert merged[0] == merged[1]

    def test_what_is_taken_back_leaves_nothing(self, regression):
        rows, rewards = showings(20, seed=9)
        longer = Regression.unpack(PRIOR, regression.pack())
        for row, reward in zip(rows, rewards, strict=True):
            longer.learn(row, reward)
        for row, reward in zip(rows, rewards, strict=True):
            longer.unlearn(row, reward)
        shorter = Regression(PRIOR)
        shorter.merge(regression)
        assert longer.pack() == shorter.pack()

    def test_features_beyond_every_bound_do_no_harm(self):
        regression = taught(np.full((50, SIZE), 1e12), np.ones(50))
        assert np.isfinite(regression.expect(np.full((1, SIZE), -1e300)).reward).all()


class TestChoose:
    @given(
        rewards=st.lists(st.floats(-3, 1), min_size=1, max_size=60),
        floor=st.floats(0, 0.1),
        lot=st.floats(0, 1, exclude_max=True),
    )
    def test_chances_sum_to_one_and_none_is_below_the_floor(self, rewards, floor, lot):
        choice = choose(Expected(np.array(rewards), np.zeros(len(rewards))), Exploration(0.0, floor), lot)
        assert choice.propensities.sum() == pytest.approx(1.0, abs=1e-12)
        assert (choice.propensities >= min(floor, 1 / len(rewards)) - 1e-12).all()
        assert choice.propensity > 0

    def test_candidates_are_shown_as_often_as_their_chances_say(self):
        expected = Expected(np.array([0.1, 0.9, 0.4]), np.zeros(3))
        lots = (np.arange(10_000) + 0.5) / 10_000
        shown = np.bincount([choose(expected, Exploration(0.0, 0.05), lot).action for lot in lots], minlength=3)
        assert shown.tolist() == [500, 9_000, 500]

    def test_optimism_shows_what_is_known_least(self):
        expected = Expected(np.array([0.5, 0.45]), np.array([0.0, 0.2]))
        assert choose(expected, GREEDY, 0.5).action == 0
        assert choose(expected, Exploration(1.0, 0.0), 0.5).action == 1
