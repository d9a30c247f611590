import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.decay import DAY_MS, FAST_MS, SLOW_MS, SPAN, DecayedSum, Strength, moment
from tests.unit.profile.interactions import TIMES


def summed(times: list[int]) -> DecayedSum:
    total = DecayedSum()
    for at in times:
        when = moment(at)
        total.add(when.fast_epoch, round(when.fast_scale))
    return total


class TestDecayedSum:
    def test_halves_in_a_half_life(self) -> None:
        at = 1_700_000_000_000
        assert summed([at]).value(FAST_MS, at + FAST_MS) == pytest.approx(0.5, rel=1e-4)

    def test_agrees_with_the_sum_of_exponentials(self) -> None:
        now = 1_700_000_000_000
        times = [now - day * DAY_MS for day in range(0, 400, 3)]
        exact = sum(2.0 ** -((now - at) / FAST_MS) for at in times)
        assert summed(times).value(FAST_MS, now) == pytest.approx(exact, rel=2e-4)

    def test_a_landmark_passed_changes_nothing_seen(self) -> None:
        landmark = 100 * SPAN * FAST_MS
        before, after = summed([landmark - 1]), summed([landmark - 1, landmark])
        assert before.value(FAST_MS, landmark) == pytest.approx(after.value(FAST_MS, landmark) - 1.0, rel=1e-3)

    @given(st.lists(TIMES, max_size=12), st.lists(TIMES, max_size=12))
    def test_absorbing_equals_adding(self, first: list[int], second: list[int]) -> None:
        total = summed(first)
        total.absorb(summed(second))
        assert total == summed(first + second)


class TestStrength:
    def test_the_slow_half_outlives_the_fast(self) -> None:
        strength = Strength()
        at = 1_700_000_000_000
        strength.add(moment(at), 1.0)
        assert strength.at(at) == pytest.approx(1.0, rel=1e-3)
        assert strength.at(at + SLOW_MS) == pytest.approx(0.25, rel=1e-3)
