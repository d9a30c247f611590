"""How often what was expected came true: turns scores into chances, with a lower bound, from past predictions alone.

Showings are counted by score. What is told is monotone in the score (isotonic regression, pool adjacent violators),
and a score of which little is known is believed. Counts are integers: they merge exactly and can be taken back.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Numbers = NDArray[np.float64]
#: Centres of the bins, the chance at each, and its lower bound.
Curve = tuple[Numbers, Numbers, Numbers]

_BINS = 40
#: A bin's own score counts for so many showings.
_BELIEF = 10.0
#: One-sided.
_CONFIDENCE = 0.95


class Chance(NamedTuple):
    """The chance that candidates are accepted, and what it is at least, with 95 % confidence."""

    mean: Numbers
    low: Numbers


class _Packed(msgspec.Struct, array_like=True):
    shown: list[int]
    accepted: list[int]


class Calibration:
    """Counts of showings and acceptances by score, from 0 to 1."""

    def __init__(self) -> None:
        self.shown = np.zeros(_BINS, np.int64)
        self.accepted = np.zeros(_BINS, np.int64)
        self._curve: Curve | None = None

    def chance(self, scores: Numbers) -> Chance:
        """Return the chances of candidates by their expected rewards; between two bins they go over evenly."""
        if self._curve is None:
            self._curve = _curve(self.shown, self.accepted)
        centres, mean, low = self._curve
        return Chance(np.interp(scores, centres, mean), np.interp(scores, centres, low))

    def learn(self, score: float, *, accepted: bool, sign: int = 1) -> None:
        """Count what became of a showing, by the score it was predicted with; `sign` -1 takes it back."""
        place = self.place(score)
        self.shown[place] += sign
        self.accepted[place] += sign * accepted
        self._curve = None

    @staticmethod
    def place(score: float) -> int:
        """Return the bin of a score."""
        return int(np.clip(score * _BINS, 0, _BINS - 1))

    def merge(self, other: "Calibration") -> None:
        """Add the counts of another worker."""
        self.shown += other.shown
        self.accepted += other.accepted
        self._curve = None

    def pack(self) -> bytes:
        """Return the state."""
        return msgspec.msgpack.encode(_Packed(self.shown.tolist(), self.accepted.tolist()))

    @classmethod
    def unpack(cls, packed: bytes) -> "Calibration":
        """Return the calibration that was packed."""
        body = msgspec.msgpack.decode(packed, type=_Packed)
        self = cls()
        self.shown[:], self.accepted[:] = body.shown, body.accepted
        return self


def _curve(shown: NDArray[np.int64], accepted: NDArray[np.int64]) -> Curve:
    centres = (np.arange(_BINS) + 0.5) / _BINS
    trials = np.asarray(shown + _BELIEF, dtype=np.float64)
    successes = accepted + _BELIEF * centres
    mean, pooled = _isotonic(successes, trials)
    return centres, mean, betaincinv(pooled * mean, pooled * (1.0 - mean), 1.0 - _CONFIDENCE)


def _isotonic(successes: Numbers, trials: Numbers) -> tuple[Numbers, Numbers]:
    """Return the rising rates nearest to those of the bins, and of how many trials each was made."""
    blocks: list[tuple[float, float, int]] = []
    for success, trial in zip(successes.tolist(), trials.tolist(), strict=True):
        block = (success, trial, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    widths = [width for _, _, width in blocks]
    rates = np.array([success / trial for success, trial, _ in blocks])
    pooled = np.array([trial for _, trial, _ in blocks])
    return rates.repeat(widths), pooled.repeat(widths)
