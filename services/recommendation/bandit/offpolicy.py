"""What another policy would have brought, from a log of what was shown with which chance: IPS, SNIPS, DM, DR.

Each estimate is a mean over decisions; intervals rest on the spread of what each decision adds to it (its influence),
so that what was fitted counts as uncertain, too. For DM they hold only as far as rewards are linear in the features.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

_CONFIDENCE = 0.95
_FOLDS = 5
#: Keeps features that never vary harmless, and moves nothing else.
_RIDGE = 1e-6


class Logged(NamedTuple):
    """Decisions: candidates of all in one column after another, `starts` where those of each decision begin."""

    starts: Places
    #: A row for each candidate.
    features: Numbers
    #: Which candidate was shown, as its row.
    shown: Places
    propensities: Numbers
    rewards: Numbers


class Interval(NamedTuple):
    """A value and its bounds, with 95 % confidence."""

    value: float
    low: float
    high: float


class Estimate(NamedTuple):
    """What a decision of the policy brings on average, and how much more that is than what was logged."""

    reward: Interval
    gain: Interval

    @property
    def holds(self) -> bool:
        """Tell whether the policy may go live: it is better than the logged one even at the lower bound."""
        return self.gain.low > 0


def estimate(logged: Logged, chances: Numbers) -> dict[str, Estimate]:
    """Return the estimates by name; `chances` are the policy's own for each candidate, and sum to 1 by decision."""
    weights = chances[logged.shown] / logged.propensities
    return {
        "ips": _estimated(weights * logged.rewards, logged.rewards),
        "snips": _estimated(_self_normalised(weights, logged.rewards), logged.rewards),
        "dm": _estimated(_modelled(logged, chances), logged.rewards),
        "dr": _estimated(_doubly_robust(logged, chances, weights), logged.rewards),
    }


def of_sums(count: int, total: float, squares: float) -> Interval:
    """Return the mean of terms of which there are sums alone, squares about 0.

    The bounds hold, too, when any number of terms of 0 were left out: they widen it as much as they may.
    """
    value, error = total / count, math.sqrt(squares) / count
    half = float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2)) * error
    return Interval(value, value - half, value + half)


def effective(logged: Logged, chances: Numbers) -> float:
    """Return how many decisions of the policy's own the log is worth (Kish)."""
    weights = chances[logged.shown] / logged.propensities
    squared = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squared if squared else 0.0


def _estimated(terms: Numbers, rewards: Numbers) -> Estimate:
    return Estimate(_interval(terms), _interval(terms - rewards))


def _interval(terms: Numbers) -> Interval:
    value = float(terms.mean())
    error = float(terms.std(ddof=1)) / math.sqrt(len(terms))
    half = float(stdtrit(len(terms) - 1, (1 + _CONFIDENCE) / 2)) * error
    return Interval(value, value - half, value + half)


def _self_normalised(weights: Numbers, rewards: Numbers) -> Numbers:
    mean = weights.mean()
    if not mean:
        return np.zeros(len(weights))
    value = float(weights @ rewards) / float(weights.sum())
    return np.asarray(value + weights / mean * (rewards - value))


def _modelled(logged: Logged, chances: Numbers) -> Numbers:
    known = _with_one(logged.features)
    expected = _by_decision(logged, chances[:, np.newaxis] * known)
    rows = known[logged.shown]
    weights, inverse = _ridge(rows, logged.rewards)
    # The fit's own uncertainty: how each decision moved the weights, times where the policy looks.
    moved = len(rows) * (rows @ (inverse @ expected.mean(axis=0))) * (logged.rewards - rows @ weights)
    return np.asarray(expected @ weights + moved)


def _doubly_robust(logged: Logged, chances: Numbers, weights: Numbers) -> Numbers:
    known = _with_one(logged.features)
    expected = _by_decision(logged, chances[:, np.newaxis] * known)
    rows = known[logged.shown]
    terms = np.zeros(len(rows))
    folds = np.arange(len(rows)) % _FOLDS
    for fold in range(_FOLDS):
        # What a decision is judged by was fitted without it.
        inside = folds == fold
        model, _ = _ridge(rows[~inside], logged.rewards[~inside])
        surprise = logged.rewards[inside] - rows[inside] @ model
        terms[inside] = expected[inside] @ model + weights[inside] * surprise
    return terms


def _ridge(rows: Numbers, rewards: Numbers) -> tuple[Numbers, Numbers]:
    products = rows.T @ rows
    inverse = np.asarray(np.linalg.inv(products + _RIDGE * len(rows) * np.eye(len(products))), dtype=np.float64)
    return np.asarray(inverse @ (rows.T @ rewards)), inverse


def _by_decision(logged: Logged, rows: Numbers) -> Numbers:
    return np.asarray(np.add.reduceat(rows, logged.starts, axis=0))


def _with_one(features: Numbers) -> Numbers:
    return np.column_stack([np.ones(len(features)), features])
