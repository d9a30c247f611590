"""Chooses one candidate by a lot, so that the chance of each is known and none is ever without one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.bandit.regression import Expected

Numbers = NDArray[np.float64]


class Exploration(NamedTuple):
    """How much of the spread is hoped for, and the least chance of each candidate; both 0 for protective types."""

    optimism: float
    floor: float


class Choice(NamedTuple):
    """The candidate to show, and the chance that each had: at least the floor, they sum to 1."""

    action: int
    propensities: Numbers

    @property
    def propensity(self) -> float:
        """The chance of the one that was chosen: what the log keeps."""
        return float(self.propensities[self.action])


def choose(expected: Expected, exploration: Exploration, lot: float) -> Choice:
    """Return the candidate that a lot in [0, 1) falls on: mostly the best by what it promises and may promise."""
    chances = propensities(expected, exploration)
    best = int(np.argmax(_hoped(expected, exploration)))
    # The best lies first on the line that the lot falls on: with a floor of 0 nothing else can be hit.
    order = [best, *(place for place in range(len(chances)) if place != best)]
    hit = int(np.searchsorted(np.cumsum(chances[order]), lot, side="right"))
    return Choice(order[min(hit, len(order) - 1)], chances)


def propensities(expected: Expected, exploration: Exploration) -> Numbers:
    """Return the chance of each candidate: of the best by what it promises and may promise, and of every other."""
    hoped = _hoped(expected, exploration)
    floor = min(exploration.floor, 1.0 / len(hoped))
    found = np.full(len(hoped), floor)
    found[int(np.argmax(hoped))] = 1.0 - floor * (len(hoped) - 1)
    return found


def _hoped(expected: Expected, exploration: Exploration) -> Numbers:
    return expected.reward + exploration.optimism * expected.spread
