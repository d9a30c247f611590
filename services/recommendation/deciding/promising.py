"""What the bandit promises of acts: how likely they are accepted, by coarse signs, learnt from outcomes alone.

A showing is counted in the cell of its signs. All that is learnt are counts by cell, and by what had been promised:
they merge exactly, are taken back exactly, and say no more of whoever taught one than that so many others have the same
signs.
"""

import math
from collections.abc import Mapping
from functools import reduce

import numpy as np

from services.recommendation.bandit import Calibration, Prior, Regression
from services.recommendation.deciding.columns import Numbers, Places, Pool, Signs, Worth
from services.recommendation.deciding.gathering import Ranked
from services.recommendation.deciding.habits import Habits
from services.recommendation.deciding.interruption import leanings, topic_leanings
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.speaking import occasion
from services.recommendation.deciding.valuing import BUCKETS, Answers, Taught, expected_by_bucket, worth
from services.recommendation.deciding.words import Initiative, Moment, Rules

#: How many values each sign has: bucket, popularity, what answers say of topic, hour and channel, who begins, strain.
_SIGNS = (BUCKETS, 4, 3, 3, 3, 2, 3)
_OFFSETS = np.cumsum((0, *_SIGNS[:-1]))
#: Cells are numbered with the last sign counting fastest.
_STRIDES = tuple(math.prod(_SIGNS[place + 1 :]) for place in range(len(_SIGNS)))
#: Numbers under which answers are counted, behind those of buckets.
FIRST_CELL, FIRST_BIN = 100, 20_000
#: How many times as often as usual an item is met.
_POPULAR = 4.0
#: Log odds from which answers lean to a side.
_LEANS = 0.5
_NEITHER = 1
_STRAINED = 3
#: Weights of signs other than the bucket are 0, as if so many showings had said so.
_STRENGTH = 10.0


class Promise:
    """The bandit of one brand: what it promises is worked out for every cell once, when something was learnt."""

    def __init__(self, taught: Taught, rules: Rules) -> None:
        cells = {number: each for number, each in taught.items() if FIRST_CELL <= number < FIRST_BIN}
        #: How many answers it has learnt from.
        self.answers = sum(each.seen for each in cells.values())
        self._promised = np.clip(_by_cell(_weights(cells, rules)), 0.0, 1.0)
        self._chance = _calibration(taught).chance(self._promised)

    def weigh(self, pool: Pool, cells: Places, cost: float) -> tuple[Signs, Worth]:
        """Return where a pool's candidates are counted and what is promised of them; the lower bound is of 95 %."""
        numbers = cells - FIRST_CELL
        promised = worth(self._chance.mean[numbers], self._chance.low[numbers], pool.candidates.benefits, cost)
        return Signs(pool.signs.buckets, cells, self._promised[numbers]), promised


def cells_of(ranked: Ranked, manners: Manners, habits: Habits, moment: Moment, pool: Pool) -> Places:
    """Return in which cell each candidate is counted."""
    leans = {topic: _side(each) for topic, each in topic_leanings(manners, habits, moment.at_ms).items()}
    (hour, channel), strain = leanings(manners, habits, occasion(moment, ""))
    signs = (_side(hour), _side(channel), int(moment.initiative is Initiative.BRAND), _step(strain))
    alike = FIRST_CELL + sum(sign * stride for sign, stride in zip(signs, _STRIDES[3:], strict=True))
    topics = [leans.get(topic, _NEITHER) for topic in pool.candidates.topics] if leans else _NEITHER
    several = (pool.signs.buckets, _popularity(ranked, pool.candidates.slots), np.asarray(topics))
    return np.asarray(sum((sign * stride for sign, stride in zip(several, _STRIDES, strict=False)), alike), np.intp)


def bin_of(promised: float) -> int:
    """Return the number under which it is counted whether such a promise came true."""
    return FIRST_BIN + Calibration.place(promised)


def _side(odds: float) -> int:
    return int(odds > -_LEANS) + int(odds > _LEANS)


def _step(strain: int) -> int:
    return int(strain > 0) + int(strain >= _STRAINED)


def _popularity(ranked: Ranked, slots: Places) -> Places:
    sums = ranked.sums
    if not sums.size:
        return np.zeros(len(slots), np.intp)
    met, usual = sums.met[slots], sums.interactions / sums.size
    return np.asarray((slots >= 0) * (1 + (met > usual) + (met > _POPULAR * usual)), np.intp)


def _calibration(taught: Taught) -> Calibration:
    found = Calibration()
    for place in range(len(found.shown)):
        each = taught.get(FIRST_BIN + place, Answers())
        found.shown[place], found.accepted[place] = each.seen, each.accepted
    return found


def _weights(cells: Mapping[int, Answers], rules: Rules) -> Numbers:
    regression = Regression(_prior(rules))
    if cells:
        seen, accepted = (np.array([each[place] for each in cells.values()], np.float64) for place in (0, 1))
        regression.learn_many(_rows(np.array(list(cells))), seen, accepted)
    return regression.weights


def _by_cell(weights: Numbers) -> Numbers:
    """Return the sum of the weights of each cell's signs."""
    every = np.split(weights, _OFFSETS[1:])
    return np.asarray(reduce(np.add.outer, every).reshape(-1))


def _rows(cells: Places) -> Numbers:
    signs = np.column_stack(np.unravel_index(cells - FIRST_CELL, _SIGNS))
    rows = np.zeros((len(cells), sum(_SIGNS)))
    np.put_along_axis(rows, signs + _OFFSETS, 1.0, axis=1)
    return rows


def _prior(rules: Rules) -> Prior:
    others = sum(_SIGNS) - BUCKETS
    weights = np.concatenate([expected_by_bucket(rules), np.zeros(others)])
    return Prior(weights, np.concatenate([np.full(BUCKETS, rules.strength), np.full(others, _STRENGTH)]))
