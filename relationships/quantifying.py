"""How common each type is among many: estimated as a whole, never by counting what each is taken for.

Counting labels that are not certain carries the errors of labelling, and the prior, into the counts. Here shares are
those under which all that was said is likeliest (EM for a shift of the prior: Saerens, Latinne and Decaestecker 2002).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relationships.pack import RelationshipPack
from relationships.state import Evidence, tempered

Floats = NDArray[np.float64]
#: Fewer personas than this are not told of.
LEAST_CELL = 20
_ROUNDS = 300
_STILL = 1e-6
_RESAMPLES = 200
_BAND = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Band:
    """A share, or another figure from 0 to 1, and the 95 % interval around it."""

    share: float
    least: float
    most: float


def likelihood(pack: RelationshipPack, evidence: Iterable[Evidence]) -> Floats:
    """Return log-likelihoods by type of all that one persona said: without prior and without fading, as of one time."""
    logs = np.zeros(len(pack.types))
    for each in evidence:
        ratios = dict(each.ratios)
        logs += [tempered(ratios.get(name, ratios.get(kind.stance, 0.0))) for name, kind in pack.types.items()]
    return logs


def shares(logs: Floats, weights: Floats | None = None) -> Floats:
    """Return the shares of types under which these personas are likeliest; a row each, weighted alike unless told."""
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    counts = np.ones((1, len(likely))) if weights is None else weights
    found = np.full((len(counts), likely.shape[1]), 1.0 / likely.shape[1])
    for _ in range(_ROUNDS):
        # What each persona adds to each type, given the shares so far.
        evidence = found @ likely.T
        better = found * ((counts / evidence) @ likely) / counts.sum(axis=1, keepdims=True)
        moved, found = float(np.abs(better - found).max()), better
        if moved < _STILL:
            break
    return found[0] if weights is None else found


def resample(personas: int, seed: int) -> Floats:
    """Return how often each persona is drawn, in each of 200 draws of as many as there are."""
    drawn = np.random.default_rng(seed).multinomial(personas, np.full(personas, 1 / personas), size=_RESAMPLES)
    return drawn.astype(np.float64)


def band_of(best: float, resampled: Floats) -> Band:
    """Return a figure with the interval that 95 % of the draws lie in."""
    least, most = np.quantile(resampled, _BAND)
    return Band(float(best), float(least), float(most))


def divergence(one: Floats, other: Floats) -> float:
    """Return the Jensen-Shannon distance of two distributions, 0 to 1."""
    middle = (one + other) / 2
    return math.sqrt(max(0.0, (_relative(one, middle) + _relative(other, middle)) / 2))


def _relative(one: Floats, other: Floats) -> float:
    some = one > 0
    return float((one[some] * np.log2(one[some] / other[some])).sum())
