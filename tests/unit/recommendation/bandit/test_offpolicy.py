import numpy as np
import pytest

from services.recommendation.bandit.offpolicy import Logged, effective, estimate

CANDIDATES, FEATURES = 5, 3
TASTE = np.array([0.12, -0.08, 0.05])


def drawn(rng, decisions):
    """Features of candidates, and the chance that each is accepted: linear, between 0 and 1."""
    features = rng.uniform(-1, 1, (decisions, CANDIDATES, FEATURES))
    return features, 0.4 + features @ TASTE


def chances(features, taste, floor=0.04):
    raised = np.exp(features @ taste)
    return floor + (1 - CANDIDATES * floor) * raised / raised.sum(axis=1, keepdims=True)


def logged_by(rng, decisions, taste):
    features, accepted = drawn(rng, decisions)
    propensities = chances(features, taste)
    shown = (rng.random((decisions, 1)) > np.cumsum(propensities, axis=1)).sum(axis=1).clip(max=CANDIDATES - 1)
    rows = np.arange(decisions)
    starts = CANDIDATES * rows
    rewards = (rng.random(decisions) < accepted[rows, shown]).astype(float)
    return Logged(starts, features.reshape(-1, FEATURES), starts + shown, propensities[rows, shown], rewards)


OLD, NEW = np.array([1.0, 0.5, 0.0]), np.array([1.5, -1.5, 1.0])


@pytest.fixture(scope="module")
def coverage():
    """How often intervals of a thousand logs hold what the new policy really brings."""
    rng = np.random.default_rng(11)
    features, accepted = drawn(rng, 400_000)
    truth = float((chances(features, NEW) * accepted).sum(axis=1).mean())
    held = dict.fromkeys(("ips", "snips", "dm", "dr"), 0)
    for _ in range(1_000):
        logged = logged_by(rng, 500, OLD)
        policy = chances(logged.features.reshape(-1, CANDIDATES, FEATURES), NEW).ravel()
        for name, each in estimate(logged, policy).items():
            held[name] += each.reward.low <= truth <= each.reward.high
    return {name: count / 1_000 for name, count in held.items()}


class TestEstimate:
    @pytest.mark.parametrize("name", ["ips", "snips", "dm", "dr"])
    def test_intervals_of_95_percent_hold_in_93_to_97_of_100_logs(self, coverage, name):
        assert 0.93 <= coverage[name] <= 0.97

    def test_a_wrong_model_fools_dm_and_not_dr(self):
        rng = np.random.default_rng(3)
        logged = logged_by(rng, 20_000, OLD)
        policy = chances(logged.features.reshape(-1, CANDIDATES, FEATURES), NEW).ravel()
        blind = logged._replace(features=np.zeros((len(logged.features), 1)))
        told, blindly = estimate(logged, policy), estimate(blind, policy)
        assert abs(blindly["dm"].reward.value - told["dr"].reward.value) > 0.03
        assert abs(blindly["dr"].reward.value - told["dr"].reward.value) < 0.01

    def test_the_logged_policy_itself_gains_nothing_and_does_not_go_live(self):
        logged = logged_by(np.random.default_rng(5), 5_000, OLD)
        policy = chances(logged.features.reshape(-1, CANDIDATES, FEATURES), OLD).ravel()
        told = estimate(logged, policy)
        assert told["ips"].gain == pytest.approx((0, 0, 0), abs=1e-12)
        assert not any(each.holds for name, each in told.items() if name != "dm")
        assert effective(logged, policy) == pytest.approx(5_000)

    def test_a_better_policy_goes_live_once_enough_was_logged(self):
        rng = np.random.default_rng(7)
        few, many = (logged_by(rng, decisions, OLD) for decisions in (100, 20_000))
        for logged, goes_live in ((few, False), (many, True)):
            policy = chances(logged.features.reshape(-1, CANDIDATES, FEATURES), NEW).ravel()
            assert estimate(logged, policy)["dr"].holds is goes_live

    def test_a_policy_that_shows_nothing_that_was_shown_says_nothing(self):
        logged = logged_by(np.random.default_rng(9), 200, OLD)
        other = np.zeros(len(logged.features))
        other[logged.starts + (logged.shown - logged.starts + 1) % CANDIDATES] = 1.0
        assert effective(logged, other) == 0.0
        assert estimate(logged, other)["snips"].reward == (0.0, 0.0, 0.0)
