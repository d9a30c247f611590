import math

import pytest

from maskenball.evaluate.metrics import mean, measure


class TestMeasure:
    def test_a_hit_at_the_first_place_is_perfect(self):
        assert measure([7, 8], {7}) == (1.0, 1.0, 1.0, 1.0)

    def test_a_hit_further_down_gains_less(self):
        measured = measure([1, 2, 7], {7})
        assert measured.ndcg == pytest.approx(1 / math.log2(4))
        assert measured.reciprocal_rank == pytest.approx(1 / 3)

    def test_the_eleventh_place_counts_for_recall_alone(self):
        assert measure([*range(100, 110), 7], {7}) == (0.0, 0.0, 0.0, 1.0)

    def test_the_ideal_holds_as_many_as_fit_into_ten(self):
        assert measure(list(range(10)), set(range(30))).ndcg == pytest.approx(1.0)

    def test_silence_hits_nothing(self):
        assert measure([], {7}) == (0.0, 0.0, 0.0, 0.0)


def test_mean_is_over_users():
    assert mean([measure([7], {7}), measure([], {7})]).hit_rate == 0.5
