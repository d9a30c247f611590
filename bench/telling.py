"""How well the times of answers tell two groups of personas apart."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Times in milliseconds, by persona and round.
Times = NDArray[np.float64]
_RESAMPLED = 1_000
#: What somebody has who guesses.
_GUESS = 0.5


class Told(NamedTuple):
    """Chance that one of the first group takes longer than one of the second: 0.5 tells nothing. 95 % interval."""

    chance: float
    least: float
    most: float

    @property
    def is_apart(self) -> bool:
        """Whether the interval is on one side of a guess."""
        return not self.least <= _GUESS <= self.most


def told_apart(first: Times, second: Times, rng: np.random.Generator) -> Told:
    """Return what an attacker tells who asks for everybody in every round, and takes each one's median.

    The interval is of resampled personas.
    """
    ours, theirs = np.median(first, axis=1), np.median(second, axis=1)
    longer = (ours[:, np.newaxis] > theirs) + 0.5 * (ours[:, np.newaxis] == theirs)
    counts, others = (_resampled(rng, len(each)) for each in (ours, theirs))
    drawn = ((counts @ longer) * others).sum(axis=1)
    least, most = np.percentile(drawn, [2.5, 97.5])
    return Told(float(longer.mean()), float(least), float(most))


def _resampled(rng: np.random.Generator, personas: int) -> NDArray[np.float64]:
    """Return the share of each persona in every sample."""
    return rng.multinomial(personas, np.full(personas, 1.0 / personas), _RESAMPLED) / personas
