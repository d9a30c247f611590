"""What the bandit promises of acts: how likely they are accepted, by coarse signs, learnt from outcomes alone.

A showing is counted in the cell of its signs. All that is learnt are counts by cell, and by what had been promised:
they merge exactly, are taken back exactly, and say no more of whoever taught one than that so many others have the same
signs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.recommendation.bandit import Calibration, Prior, Regression
from services.recommendation.deciding.gathering import Ranked
from services.recommendation.deciding.habits import Habits
from services.recommendation.deciding.interruption import leaning, leanings
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.speaking import occasion
from services.recommendation.deciding.valuing import BUCKETS, Answers, Taught, expected_by_bucket
from services.recommendation.deciding.words import Initiative, Moment, Rules, Weighed

Cells = NDArray[np.intp]
#: How many values each sign has: bucket, popularity, what answers say of topic, hour and channel, who begins, strain.
_SIGNS = (BUCKETS, 4, 3, 3, 3, 2, 3)
_OFFSETS = np.cumsum((0, *_SIGNS[:-1]))
#: Numbers under which answers are counted, behind those of buckets.
FIRST_CELL, FIRST_BIN = 100, 20_000
#: How many times as often as usual an item is met.
_POPULAR = 4.0
#: Log odds from which answers lean to a side.
_LEANS = 0.5
_STRAINED = 3
#: Weights of signs other than the bucket are 0, as if so many showings had said so.
_STRENGTH = 10.0


class Promise:
    """The bandit of one brand."""

    def __init__(self, taught: Taught, rules: Rules) -> None:
        self._regression, self._calibration = Regression(_prior(rules)), Calibration()
        cells = {number: each for number, each in taught.items() if FIRST_CELL <= number < FIRST_BIN}
        #: How many answers it has learnt from.
        self.answers = sum(each.seen for each in cells.values())
        if cells:
            seen, accepted = (np.array([each[place] for each in cells.values()], np.float64) for place in (0, 1))
            self._regression.learn_many(_rows(np.array(list(cells))), seen, accepted)
        for place in range(len(self._calibration.shown)):
            each = taught.get(FIRST_BIN + place, Answers())
            self._calibration.shown[place], self._calibration.accepted[place] = each.seen, each.accepted

    def weigh(self, weighed: Sequence[Weighed], cells: Cells, cost: float) -> list[Weighed]:
        """Return the same acts by what is promised of them; the lower bound is one-sided, 95 %."""
        promised = np.clip(self._regression.expect(_rows(cells)).reward, 0.0, 1.0)
        chance = self._calibration.chance(promised)
        benefits = np.array([each.candidate.benefit for each in weighed])
        columns = (
            chance.mean,
            chance.low,
            chance.mean * benefits - cost,
            chance.low * benefits - cost,
            cells,
            promised,
        )
        expected = zip(*(each.tolist() for each in columns), strict=True)
        return [Weighed(one.candidate, one.bucket, *each) for one, each in zip(weighed, expected, strict=True)]


def cells_of(ranked: Ranked, manners: Manners, habits: Habits, moment: Moment, weighed: Sequence[Weighed]) -> Cells:
    """Return in which cell each act is counted."""
    topics = [each.candidate.topic for each in weighed]
    leans = {topic: _side(leaning(manners, habits, topic, moment.at_ms)) for topic in set(topics)}
    (hour, channel), strain = leanings(manners, habits, occasion(moment, ""))
    signs = (
        [each.bucket for each in weighed],
        _popularity(ranked, [each.candidate.item for each in weighed]),
        [leans[topic] for topic in topics],
        _side(hour),
        _side(channel),
        int(moment.initiative is Initiative.BRAND),
        int(strain > 0) + int(strain >= _STRAINED),
    )
    return np.asarray(FIRST_CELL + np.ravel_multi_index(np.broadcast_arrays(*signs), _SIGNS), np.intp)


def bin_of(promised: float) -> int:
    """Return the number under which it is counted whether such a promise came true."""
    return FIRST_BIN + Calibration.place(promised)


def _side(odds: float) -> int:
    return int(odds > -_LEANS) + int(odds > _LEANS)


def _popularity(ranked: Ranked, items: Sequence[str]) -> Cells:
    sums = ranked.sums
    slots = np.array([sums.slots.get(item, -1) for item in items])
    met, usual = sums.met[slots] if sums.size else slots, sums.interactions / max(1, sums.size)
    return np.where(slots < 0, 0, 1 + (met > usual) + (met > _POPULAR * usual))


def _rows(cells: Cells) -> NDArray[np.float64]:
    signs = np.column_stack(np.unravel_index(cells - FIRST_CELL, _SIGNS))
    rows = np.zeros((len(cells), sum(_SIGNS)))
    np.put_along_axis(rows, signs + _OFFSETS, 1.0, axis=1)
    return rows


def _prior(rules: Rules) -> Prior:
    others = sum(_SIGNS) - BUCKETS
    weights = np.concatenate([expected_by_bucket(rules), np.zeros(others)])
    return Prior(weights, np.concatenate([np.full(BUCKETS, rules.strength), np.full(others, _STRENGTH)]))
