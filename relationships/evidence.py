"""What a text said, as it leaves a door: a whole number for each stance. Of the text nothing else goes on.

Numbers are log-likelihood ratios against saying nothing, in halves and clipped: five small ones that many texts share.
"""

from collections.abc import Sequence

from relationships.corpus import STANCES
from relationships.state import MOST_RATIO, Evidence

#: What one text said; empty where no text was judged.
Stances = tuple[int, ...]

#: The order of the numbers.
_TOLD = STANCES[:-1]
_IN_ONE = 2
_MOST = round(MOST_RATIO * _IN_ONE)


def told(ratios: Sequence[float]) -> Stances:
    """Return log-likelihood ratios, in the order of stances, as they go on."""
    return tuple(max(-_MOST, min(_MOST, round(ratio * _IN_ONE))) for ratio in ratios)


def is_sound(stances: Stances) -> bool:
    """Tell whether a door of ours may have said this."""
    return not stances or (len(stances) == len(_TOLD) and all(-_MOST <= each <= _MOST for each in stances))


def evidence(at_ms: int, name: bytes, stances: Stances) -> Evidence:
    """Return the evidence of one text."""
    return Evidence(at_ms, name, tuple((stance, each / _IN_ONE) for stance, each in zip(_TOLD, stances, strict=True)))
