"""At which hours somebody likes to be spoken to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.deciding.stretches import BANDS, fits

INSIDE = 0.7
NOTHING = [0.0] * BANDS
by_band = st.lists(st.floats(-4, 50), min_size=BANDS, max_size=BANDS)


def evening(count):
    """Moments of somebody who turns up from six to ten."""
    return [count if band in {9, 10} else 0.0 for band in range(BANDS)]


class TestFits:
    def test_of_whom_nothing_is_known_every_hour_is_alike(self):
        likely = [fits(NOTHING, NOTHING, band, INSIDE) for band in range(BANDS)]
        assert likely == pytest.approx([likely[0]] * BANDS)

    def test_hours_somebody_turns_up_at_fit_and_those_far_from_them_do_not(self):
        assert fits(evening(20.0), NOTHING, 9, INSIDE) > 0.95
        assert fits(evening(20.0), NOTHING, 3, INSIDE) < 0.05

    def test_an_hour_between_two_that_fit_fits_though_nobody_was_met_then(self):
        around = [10.0 if band in {6, 8} else 0.0 for band in range(BANDS)]
        assert fits(around, NOTHING, 7, INSIDE) > 0.9

    def test_a_stretch_goes_on_beyond_midnight(self):
        around = [10.0 if band in {11, 0} else 0.0 for band in range(BANDS)]
        assert min(fits(around, NOTHING, band, INSIDE) for band in (11, 0)) > 0.9

    def test_answers_outweigh_turning_up(self):
        refused = [-4.0 if band == 9 else 0.0 for band in range(BANDS)]
        assert fits(evening(1.0), refused, 9, INSIDE) < fits(evening(1.0), NOTHING, 9, INSIDE)

    @given(by_band, by_band, st.integers(0, BANDS - 1))
    def test_it_is_a_chance_and_turns_with_the_clock(self, presence, evidence, band):
        found = fits(presence, evidence, band, INSIDE)
        turned = [(each[-1], *each[:-1]) for each in (presence, evidence)]
        assert 0.0 < found < 1.0
        assert fits(*turned, (band + 1) % BANDS, INSIDE) == pytest.approx(found)
