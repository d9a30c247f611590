"""What is kept of purchases: days with one, the first and the last of them, spend. Sums, minima, maxima: they merge."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Purchases(NamedTuple):
    """One entry a purchase: customers numbered from 0, days from any start, amounts in the brand's money."""

    customers: Places
    days: Places
    amounts: Floats

    def within(self, first: int, last: int) -> "Purchases":
        """Return those of these days, both included."""
        chosen = (self.days >= first) & (self.days <= last)
        return Purchases(self.customers[chosen], self.days[chosen], self.amounts[chosen])

    def buying_days(self, customers: int) -> Places:
        """Return by customer on how many days there was a purchase."""
        met = np.unique(np.stack([self.customers, self.days]), axis=1)[0]
        return np.bincount(met, minlength=customers).astype(np.int64)


class History(NamedTuple):
    """Sums by customer, of those who have bought: repeated days, days from the first to the last and to now, spend."""

    repeats: Floats
    recency: Floats
    age: Floats
    spend: Floats


def history(purchases: Purchases, customers: int, now: int) -> History:
    """Return the sums as of the end of day `now`; every customer must have bought by then."""
    known = purchases.within(int(purchases.days.min()), now)
    first, last = np.full(customers, now), np.full(customers, int(purchases.days.min()))
    np.minimum.at(first, known.customers, known.days)
    np.maximum.at(last, known.customers, known.days)
    return History(
        repeats=known.buying_days(customers).astype(np.float64) - 1.0,
        recency=(last - first).astype(np.float64),
        age=(now - first).astype(np.float64),
        spend=np.asarray(np.bincount(known.customers, known.amounts, minlength=customers), dtype=np.float64),
    )
