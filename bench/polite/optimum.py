"""What can be reached by whoever knows all that is hidden but the luck: the optimum, by dynamic programming.

Kind, interests, hours, channels, who is busy, how annoyed a persona is and when it will turn up are known; whether an
offer will help is known as a chance alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.polite.lives import HOUR_MS, Life, Moment
from bench.polite.memory import RELIEF, sting
from bench.polite.playing import Outcome, play_knowing

#: Annoyance is planned for in so many levels, up to so many limits; more of it is as bad.
_LEVELS = 200
_MOST = 2.0
#: What is gained by less is rounding.
_GAIN = 1e-9

Floats = NDArray[np.float64]


def optimum(lives: Sequence[Life]) -> Outcome:
    """Play it: the reachable benefit, with the luck there was.

    Exact but for the levels, between which what may come is interpolated, and for removals and complaints, which are
    not planned for: there are hardly any.
    """
    plan = _plan(lives)

    def speaks(moment: Moment, annoyance: float) -> bool:
        persona = moment.seen.persona
        level = annoyance / lives[persona].kind.limit * _LEVELS / _MOST
        return bool(plan[moment.number, persona, min(_LEVELS - 1, round(level))])

    return play_knowing(lives, speaks)


def _plan(lives: Sequence[Life]) -> NDArray[np.bool_]:
    """Return when to speak, by number of moment, persona and level of annoyance."""
    chances, stings, kept = _padded(lives)
    # In levels: every persona has its own scale.
    levels = np.arange(_LEVELS, dtype=np.float64)
    bears = levels < _LEVELS / _MOST
    later = np.zeros((len(lives), _LEVELS))
    speaks = np.zeros((len(chances), len(lives), _LEVELS), dtype=np.bool_)
    for number in reversed(range(len(chances))):
        left = kept[number][:, np.newaxis]
        helped = chances[number][:, np.newaxis] * bears
        silent = _worth(later, levels * left)
        spoken = helped * (1.0 + _worth(later, levels * RELIEF * left))
        spoken += (1.0 - helped) * _worth(later, (levels + stings[number][:, np.newaxis]) * left)
        speaks[number] = spoken > silent + _GAIN
        later = np.maximum(spoken, silent)
    return speaks


def _padded(lives: Sequence[Life]) -> tuple[Floats, Floats, Floats]:
    """Return by number of moment and persona: the chance, the sting in levels, what is left until the next moment.

    Shorter lives end with moments in which nothing can be won.
    """
    longest = max(len(life.moments) for life in lives)
    chances, stings, kept = (np.zeros((longest, len(lives))) for _ in range(3))
    for persona, life in enumerate(lives):
        count = len(life.moments)
        at_ms = np.array([moment.seen.at_ms for moment in life.moments])
        chances[:count, persona] = [moment.chance for moment in life.moments]
        stings[:count, persona] = [sting(moment) / life.kind.limit * _LEVELS / _MOST for moment in life.moments]
        kept[: max(0, count - 1), persona] = np.exp2(-np.diff(at_ms) / (life.kind.half_life_h * HOUR_MS))
    return chances, stings, kept


def _worth(later: Floats, levels: Floats) -> Floats:
    places = np.minimum(levels, _LEVELS - 1)
    lower = places.astype(np.int64)
    below, above = (np.take_along_axis(later, each, axis=1) for each in (lower, np.minimum(lower + 1, _LEVELS - 1)))
    return np.asarray(below + (places - lower) * (above - below))
