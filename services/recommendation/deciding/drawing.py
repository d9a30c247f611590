"""Draws one of several acts, silence among them, so that the chance of each is known and never too small."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.recommendation.bandit import Expected, Exploration, propensities
from services.recommendation.deciding.columns import Numbers, Pool
from services.recommendation.deciding.words import Policy, Rules


class Drawing(NamedTuple):
    """How, with which share drawn evenly among all, and the lot in [0, 1) that falls on one."""

    policy: Policy
    rules: Rules
    explored: float
    lot: float


class Drawn(NamedTuple):
    """The chance of each act of a pool, silence behind them, and which one the lot fell on."""

    chances: Numbers
    hit: int

    @property
    def is_silence(self) -> bool:
        """Tell whether nothing is done."""
        return self.hit == len(self.chances) - 1


def draw(pool: Pool, drawing: Drawing) -> Drawn:
    """Return what a lot falls on."""
    return _drawn_of(values_of(pool), drawing)


def draw_without(pool: Pool, index: int, drawing: Drawing) -> int | None:
    """Return what the same lot would have fallen on were one act not there; None for silence."""
    values = values_of(pool)
    found = _drawn_of(np.concatenate([values[:index], values[index + 1 :]]), drawing)
    return None if found.is_silence else found.hit + (found.hit >= index)


def chance_of(pool: Pool, place: int, drawing: Drawing) -> float:
    """Return the chance that a candidate would have had, 0 where it is not drawn from."""
    found = np.flatnonzero(pool.places == place)
    return float(chances_of(values_of(pool), drawing)[found[0]]) if len(found) else 0.0


def values_of(pool: Pool) -> Numbers:
    """Return what acts are worth, and silence behind them: nothing."""
    values = np.zeros(len(pool) + 1)
    values[:-1] = pool.worth.value[pool.places]
    return values


def chances_of(values: Numbers, drawing: Drawing) -> Numbers:
    """Return the chance of each act by its value."""
    if drawing.policy is Policy.BANDIT:
        return propensities(Expected(values, np.zeros(len(values))), Exploration(0.0, drawing.explored / len(values)))
    return chances(values, drawing.rules.temperature, drawing.explored)


def chances(values: Numbers, temperature: float, explored: float) -> Numbers:
    """Return the chance of each act by its value; `explored` of all is shared evenly. They sum to 1."""
    best = int(values.argmax())
    if not explored:
        return np.asarray(np.arange(len(values)) == best, dtype=np.float64)
    weights = np.exp((values - values[best]) / temperature)
    share, floor = (1.0 - explored) / weights.sum(), explored / len(values)
    return np.asarray(floor + share * weights)


def drawn(probabilities: Numbers | Sequence[float], lot: float) -> int:
    """Return which one a lot in [0, 1) falls on."""
    hit = int(np.searchsorted(np.cumsum(probabilities), lot, side="right"))
    # Rounding: the last that can be.
    return hit if hit < len(probabilities) else int(np.flatnonzero(probabilities)[-1])


def _drawn_of(values: Numbers, drawing: Drawing) -> Drawn:
    found = chances_of(values, drawing)
    return Drawn(found, drawn(found, drawing.lot))
