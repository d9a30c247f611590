"""What a persona holds against whoever speaks to it."""

from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.polite.kinds import ACTIVITIES, STINGS, Kind
from bench.polite.lives import HOUR_MS, Moment, Seen

#: An offer that helps leaves so much of what was felt.
RELIEF = 0.5
_LEAST_DISMISSED, _MOST_DISMISSED = 0.15, 0.8
_MOST_REMOVED = 0.5

Annoyance = TypeVar("Annoyance", float, NDArray[np.float64])


class Answer(StrEnum):
    """What became of an offer, as a decider is told."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DISMISSED = "dismissed"
    REMOVED = "removed"
    COMPLAINED = "complained"


class Memory:
    """One persona's annoyance, what it removed, and whether it has complained."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._annoyance = 0.0
        self._at_ms = 0
        self._removed: set[str] = set()
        self._has_complained = False

    def annoyance_at(self, at_ms: int) -> float:
        """Return what is left of it."""
        return faded(self._annoyance, at_ms - self._at_ms, self._kind)

    def admits(self, seen: Seen) -> bool:
        """Tell whether the law lets anybody speak: not about what was removed, and never after a complaint."""
        return not self._has_complained and seen.topic not in self._removed

    def answer(self, moment: Moment) -> Answer:
        """Return what the persona does, and remember it. Beyond its limit it overlooks what would help."""
        annoyance = self.annoyance_at(moment.seen.at_ms)
        self._at_ms = moment.seen.at_ms
        if moment.helps and annoyance < self._kind.limit:
            self._annoyance = annoyance * RELIEF
            return Answer.ACCEPTED
        self._annoyance = annoyance + sting(moment)
        return self._unwanted(moment)

    def _unwanted(self, moment: Moment) -> Answer:
        full = self._annoyance / self._kind.limit
        to_complain, to_remove, to_dismiss = moment.luck
        if to_complain < 0.1 * (full - 2.0):
            self._has_complained = True
            return Answer.COMPLAINED
        if to_remove < min(_MOST_REMOVED, 0.3 * (full - 1.0)):
            self._removed.add(moment.seen.topic)
            return Answer.REMOVED
        return Answer.DISMISSED if to_dismiss < min(_MOST_DISMISSED, _LEAST_DISMISSED + 0.4 * full) else Answer.IGNORED


def faded(annoyance: Annoyance, gap_ms: int, kind: Kind) -> Annoyance:
    """Return what is left of annoyance after so long."""
    return annoyance * 2.0 ** (-gap_ms / (kind.half_life_h * HOUR_MS))


def sting(moment: Moment) -> float:
    """Return what an unwanted offer adds to annoyance."""
    return STINGS[ACTIVITIES.index(moment.seen.activity)] * (2.0 if moment.is_busy else 1.0)
