"""The chance to buy within the next days, and on how many: BG/NBD, corrected by what it got wrong half-way.

The first half of what is known is asked about the second half: a logistic regression on what BG/NBD said, on whether
there was a repeat, on repeats and on spend learns there what BG/NBD misses, for a time as long as was known.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from services.recommendation.timing import bgnbd
from services.recommendation.timing.bgnbd import Rates
from services.recommendation.timing.history import Floats, History, Purchases, history

_LEAST_CHANCE = 1e-4
_STRICT = 1.0
#: Fewer customers or buyers teach no correction.
_LEAST_CUSTOMERS, _LEAST_BUYERS = 100, 20
_FEATURES = 4


class Forecast(NamedTuple):
    """By customer: the chance to buy, and the count that half of all outcomes reach at most."""

    chance: Floats
    median: Floats


class Forecaster(NamedTuple):
    """What was fitted: weights of the features, the constant first, over features of this mean and spread."""

    rates: Rates
    weights: Floats
    mean: Floats
    spread: Floats

    @property
    def is_whole(self) -> bool:
        """Tell whether there is a weight, a mean and a spread for each feature."""
        return (len(self.weights) - 1, len(self.mean), len(self.spread)) == (_FEATURES,) * 3

    def chance(self, known: History, days: float) -> Floats:
        """Return the chance to buy within so many days."""
        said = _clipped(bgnbd.buys(self.rates, known, days))
        rows = (_features(known, said) - self.mean) / self.spread
        return np.asarray(expit(self.weights[0] + rows @ self.weights[1:]))

    def forecast(self, known: History, days: float) -> Forecast:
        """Return it for so many days; as reliable as it is near to how long customers were known."""
        said, chance = _clipped(bgnbd.buys(self.rates, known, days)), self.chance(known, days)
        mean = np.maximum(bgnbd.expected(self.rates, known, days) * chance / said, chance * (1.0 + _LEAST_CHANCE))
        return Forecast(chance, _median(chance, mean))


def fit(purchases: Purchases, customers: int, now: int) -> Forecaster:
    """Fit to purchases up to day `now`, by whose first half the second is foretold."""
    whole = history(purchases, customers, now)
    rates = bgnbd.fit(whole)
    start = int(purchases.days.min())
    half = (start + now) // 2
    earlier = purchases.within(start, half)
    known = np.unique(earlier.customers)
    inner = History(*(column[known] for column in history(earlier, customers, half)))
    bought = purchases.within(half + 1, now).buying_days(customers)[known] > 0
    said = _clipped(bgnbd.buys(bgnbd.fit(inner), inner, now - half))
    return _corrected(rates, _features(inner, said), bought.astype(np.float64))


def _corrected(rates: Rates, rows: Floats, bought: Floats) -> Forecaster:
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    if len(bought) < _LEAST_CUSTOMERS or not _LEAST_BUYERS <= bought.sum() <= len(bought) - _LEAST_BUYERS:
        # What BG/NBD says stands as it is.
        return Forecaster(rates, np.eye(rows.shape[1] + 1)[1], np.zeros_like(mean), np.ones_like(spread))
    scaled = np.column_stack([np.ones(len(rows)), (rows - mean) / spread])

    def loss(weights: Floats) -> tuple[float, Floats]:
        sums = scaled @ weights
        penalty = np.concatenate([[0.0], _STRICT * weights[1:]])
        value = np.logaddexp(0.0, sums).sum() - sums @ bought + penalty @ weights / 2.0
        return float(value), scaled.T @ (expit(sums) - bought) + penalty

    weights = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    return Forecaster(rates, weights, mean, spread)


def _features(known: History, said: Floats) -> Floats:
    # Money may be given back: what counts is its size.
    return np.column_stack([logit(said), known.repeats == 0, np.log1p(known.repeats), np.log1p(np.abs(known.spend))])


def _median(chance: Floats, mean: Floats) -> Floats:
    """Return the median of counts that are geometric once there is one: it errs least."""
    again = 1.0 - chance / mean
    return np.maximum(0.0, np.ceil(np.log(0.5 / np.maximum(chance, 0.5)) / np.log(again) - 1e-12))


def _clipped(chances: Floats) -> Floats:
    return np.clip(chances, _LEAST_CHANCE, 1.0 - _LEAST_CHANCE)
