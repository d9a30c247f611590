"""At which hours somebody likes to be spoken to: one stretch of the day, of which neither begin nor length is known."""

import itertools
import math
from collections.abc import Sequence

#: Hours are told apart in bands of two.
BAND_HOURS = 2
BANDS = 24 // BAND_HOURS
#: Lengths that are thought of, in bands: 4 to 16 hours.
_LENGTHS = range(2, 9)
#: Nobody is ever sure.
_SUREST = 1e-3


def fits(presence: Sequence[float], evidence: Sequence[float], band: int, inside: float) -> float:
    """Return how likely a band lies in the stretch.

    By band: moments there were, and log odds by answers that offers are welcome. `inside` is the share of all moments
    that lies in the stretch for being it; the rest is anywhere.
    """
    odds = _odds(presence, evidence, inside)
    firmest = max(odd for _, _, odd in odds)
    weights = [(begin, length, math.exp(odd - firmest)) for begin, length, odd in odds]
    held = sum(weight for begin, length, weight in weights if (band - begin) % BANDS < length)
    share = held / sum(weight for _, _, weight in weights)
    return min(1.0 - _SUREST, max(_SUREST, share))


def _odds(presence: Sequence[float], evidence: Sequence[float], inside: float) -> list[tuple[int, int, float]]:
    """Return every begin and length with its log odds, against no stretch at all."""
    found = []
    for length in _LENGTHS:
        denser = math.log1p(inside / (1.0 - inside) * BANDS / length)
        speaks = [denser * met + answered for met, answered in zip(presence, evidence, strict=True)]
        sums = list(itertools.accumulate(speaks + speaks[: length - 1], initial=0.0))
        found += [(begin, length, sums[begin + length] - sums[begin]) for begin in range(BANDS)]
    return found
