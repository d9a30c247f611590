import numpy as np
import pytest

from services.recommendation.bandit import Calibration

SCORES = np.linspace(0, 1, 101)


def taught(seed, count=4_000):
    """Scores are bold: what is promised at 0.9 comes true at 0.7."""
    rng = np.random.default_rng(seed)
    calibration = Calibration()
    for score in rng.random(count):
        calibration.learn(score, accepted=bool(rng.random() < 0.25 + 0.5 * score))
    return calibration


class TestCalibration:
    def test_before_anything_was_shown_a_score_is_believed(self):
        assert Calibration().chance(np.array([0.1, 0.5])).mean == pytest.approx([0.1, 0.5], abs=0.015)

    def test_chances_are_those_that_came_true(self):
        chance = taught(0).chance(SCORES)
        assert np.abs(chance.mean - (0.25 + 0.5 * SCORES)).mean() < 0.02

    def test_a_higher_score_never_has_a_lower_chance(self):
        chance = taught(1, count=300).chance(SCORES)
        assert (np.diff(chance.mean) >= 0).all()

    def test_the_lower_bound_is_lower_and_comes_nearer_with_what_is_known(self):
        few, many = taught(2, count=200).chance(SCORES), taught(2).chance(SCORES)
        assert (few.low < few.mean).all()
        assert (many.mean - many.low).mean() < (few.mean - few.low).mean()

    def test_workers_merge_and_restarts_change_nothing(self):
        one, other = taught(3), taught(4)
        merged, turned = Calibration.unpack(one.pack()), Calibration.unpack(other.pack())
        merged.merge(other)
        turned.merge(one)
        assert merged.pack() == turned.pack()
        assert Calibration.unpack(merged.pack()).chance(SCORES).low.tobytes() == merged.chance(SCORES).low.tobytes()

    def test_what_is_taken_back_leaves_nothing(self):
        calibration = taught(5)
        before = calibration.pack()
        calibration.learn(0.4, accepted=True)
        calibration.learn(0.4, accepted=True, sign=-1)
        assert calibration.pack() == before
