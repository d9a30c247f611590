"""How much two groups differ in a trait: sizes of the effect with intervals, and the chance of it without a difference.

Groups come as counts by value, in the order of values; intervals are for `beyond` normal deviations.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]


class Effect(NamedTuple):
    """A size, above what nothing is (0, of odds ratios 1) where the first group has more, and its interval."""

    size: float
    least: float
    most: float


class Pair(NamedTuple):
    """Both groups: how many personas have each of these values. Every group has two personas at least."""

    values: Floats
    one: Floats
    other: Floats

    @property
    def shares(self) -> tuple[float, float]:
        """Return how many of each group have it at all, of a trait that is there or not."""
        return float(self.one[1:].sum() / self.one.sum()), float(self.other[1:].sum() / self.other.sum())


def cohens_h(pair: Pair, beyond: float) -> Effect:
    """Return the difference of shares on a scale on which all are told apart equally well."""
    one, other = (2 * math.asin(math.sqrt(share)) for share in pair.shares)
    return _around(one - other, beyond * math.sqrt(1 / pair.one.sum() + 1 / pair.other.sum()))


def odds_ratio(pair: Pair, beyond: float) -> Effect:
    """Return how many times the odds of the first group are; each cell with a half more, as Gart (1966) has it."""
    cells = np.array([pair.one[1:].sum(), pair.one[0], pair.other[0], pair.other[1:].sum()]) + 0.5
    log = float(np.log(cells) @ (1, -1, 1, -1))
    return Effect(*(math.exp(each) for each in _around(log, beyond * math.sqrt((1 / cells).sum()))))


def cohens_d(pair: Pair, beyond: float) -> Effect:
    """Return the difference of means in pooled standard deviations; the interval assumes no distribution."""
    (mean, spread, many), (mean2, spread2, many2) = (_moments(pair.values, group) for group in (pair.one, pair.other))
    pooled = math.sqrt((spread * many + spread2 * many2) / (many + many2))
    size = (mean - mean2) / pooled
    # What each value adds to the size, to first order: by moving its mean, and by moving the pooled deviation.
    bent, bent2 = (size * part / (many + many2) / (2 * pooled**2) for part in (many, many2))
    adds = (pair.values - mean) / pooled - bent * ((pair.values - mean) ** 2 - spread)
    adds2 = (pair.values - mean2) / pooled + bent2 * ((pair.values - mean2) ** 2 - spread2)
    error = math.sqrt(pair.one @ adds**2 / many**2 + pair.other @ adds2**2 / many2**2)
    return _around(size, beyond * error)


def cliffs_delta(pair: Pair, beyond: float) -> Effect:
    """Return how much likelier the first group is to have more than to have less; interval of Feng and Cliff (2004)."""
    many, many2 = pair.one.sum(), pair.other.sum()
    over, over2 = _over(pair.other), _over(pair.one)
    size = float(pair.one @ over / many)
    ties = float(pair.one @ pair.other)
    apart = many2**2 * (pair.one @ (over - size) ** 2) + many**2 * (pair.other @ (over2 + size) ** 2)
    within = many * many2 * (1 - size**2) - ties
    error2 = max((apart - within) / (many * many2 * (many - 1) * (many2 - 1)), (1 - size**2) / (many * many2 - 1))
    root = beyond * math.sqrt(error2) * math.sqrt((1 - size**2) ** 2 + beyond**2 * error2)
    below = 1 - size**2 + beyond**2 * error2
    return Effect(size, max(-1.0, (size - size**3 - root) / below), min(1.0, (size - size**3 + root) / below))


def chance(pair: Pair) -> float:
    """Return how likely ranks are to differ so much where type and trait have nothing to do with each other.

    Mann and Whitney's test with ties: of a trait that is there or not, that is the test of two shares.
    """
    many, many2 = pair.one.sum(), pair.other.sum()
    everybody = many + many2
    ties = ((pair.one + pair.other) ** 3 - (pair.one + pair.other)).sum()
    spread2 = many * many2 / 12 * (everybody + 1 - ties / (everybody * (everybody - 1)))
    apart = abs(pair.one @ _over(pair.other) * many2 / 2)
    return float(2 * ndtr(-apart / math.sqrt(spread2))) if spread2 > 0 else 1.0


def _over(group: Floats) -> Floats:
    """Return by value the share of a group below it less the share above it."""
    upto = np.cumsum(group)
    return np.asarray((upto - group - (upto[-1] - upto)) / upto[-1])


def _moments(values: Floats, group: Floats) -> tuple[float, float, float]:
    many = float(group.sum())
    mean = float(values @ group / many)
    return mean, float((values - mean) ** 2 @ group / many), many


def _around(size: float, error: float) -> Effect:
    return Effect(size, size - error, size + error)
