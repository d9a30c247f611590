"""When a persona bought: what traits keep of it is what the forecast is fitted to."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from services.profile.buying import bought
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.traits import Recent, Tally, Traits, absorb
from services.profile.weights import load_weights
from services.recommendation.timing.history import Purchases, history

WEIGHTS = load_weights()
PURCHASES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 500)), min_size=1, max_size=30)


def purchased(*purchases):
    traits = Traits()
    told = (
        Interaction(
            "app:shop",
            bytes(16),
            number.to_bytes(16),
            int(Kind.BOUGHT),
            day * DAY_MS + number,
            "web",
            value=amount / 10,
        )
        for number, (day, amount) in enumerate(purchases)
    )
    absorb(traits, told, WEIGHTS)
    return traits


class TestBought:
    def test_who_never_bought_has_none(self):
        assert bought(Traits()) is None

    @settings(max_examples=60)
    @given(PURCHASES)
    def test_it_is_the_history_that_a_forecast_is_fitted_to(self, purchases):
        found = bought(purchased(*purchases))
        days, amounts = (np.array(column) for column in zip(*purchases, strict=True))
        known = history(Purchases(np.zeros(len(days), dtype=int), days, amounts / 10), 1, 61)
        assert (found.days - 1, found.last_day - found.first_day) == (known.repeats[0], known.recency[0])
        assert abs(found.spend - known.spend[0]) < 1e-6

    def test_of_many_days_the_newest_are_kept(self):
        found = bought(purchased(*((day, 10) for day in range(200))))
        assert (found.days, found.first_day, found.last_day) == (64, 0, 199)

    def test_facets_of_before_know_the_days_of_their_newest_interactions(self):
        last = [Recent(day * DAY_MS, bytes([day]) * 16, Kind.BOUGHT, "tea", 1000, ()) for day in (3, 3, 8)]
        old = Traits(kinds={int(Kind.BOUGHT): Tally(9, DAY_MS, 8 * DAY_MS, 5000)}, last=last)
        assert bought(old) == (2, 1, 8, 5.0)
