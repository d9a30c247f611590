"""How much of each dimension a persona's play shows: a score with an interval on every one, and never one label."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from scipy.special import betaincinv

from players.pack import Behaviour, PlayerPack

#: Before anything was seen a score may be anywhere.
_PRIOR = 1.0
_BEYOND = 0.05


class Played(NamedTuple):
    """What a persona did in so many hours in worlds. Sums: those of two worlds add up."""

    hours: float
    counts: Mapping[Behaviour, float]

    def plus(self, other: "Played") -> "Played":
        """Return both together."""
        names = self.counts.keys() | other.counts.keys()
        counts = {name: self.counts.get(name, 0.0) + other.counts.get(name, 0.0) for name in names}
        return Played(self.hours + other.hours, counts)


class Score(NamedTuple):
    """From 0 to 1, one half where play is typical or nothing is known; it lies within low and high with 90 %."""

    mean: float
    low: float
    high: float


def scores(pack: PlayerPack, played: Played) -> dict[str, Score]:
    """Return the score of every dimension."""
    return {name: _score(pack, dimension.evidence, played) for name, dimension in pack.dimensions.items()}


def _score(pack: PlayerPack, evidence: Mapping[Behaviour, float], played: Played) -> Score:
    for_it = against = _PRIOR
    # Twice as many hours tell a little more, not twice as much: an evening's acts hang together.
    told = math.log2(1.0 + played.hours)
    for behaviour, weight in evidence.items():
        expected = pack.typical_an_hour[behaviour] * played.hours
        count = played.counts.get(behaviour, 0.0)
        share = count / (count + expected) if expected else 0.5
        for_it += abs(weight) * told * (share if weight > 0 else 1.0 - share)
        against += abs(weight) * told * (1.0 - share if weight > 0 else share)
    low, high = (float(betaincinv(for_it, against, tail)) for tail in (_BEYOND, 1.0 - _BEYOND))
    return Score(for_it / (for_it + against), low, high)
