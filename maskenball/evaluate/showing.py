"""Who shows one of ten things and learns from what became of it: the service's bandit, with personas beside it."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

from maskenball.evaluate.interactions import Indices
from services.recommendation.bandit import Calibration, Exploration, Regression, choose
from services.recommendation.bandit.features import Items, Persona, describe, prior, surprise
from services.recommendation.bandit.vectors import Meetings

#: A hundredth of all showings is exploration.
_EXPLORATION = Exploration(optimism=0.0, floor=0.001)
_FIRST_FITS = (100, 200, 400, 700)
_FIT_EVERY = 1_000
#: Personas that met much count less in what is met together.
_ACTIVITY = 5.0


class Outcome(NamedTuple):
    """What a showing promised, by chance and by score, and whether it was accepted."""

    chance: float
    score: float
    accepted: bool


class Shower(Protocol):
    """Whoever shows one of ten things: users and items are numbers, `shown` has those of each user."""

    shown: list[list[int]]

    def meet(self, user: int, items: Indices) -> None:
        """Note that these came up for the user."""

    def show(self, user: int, items: Indices, accepted: NDArray[np.bool_], lot: float) -> Outcome:
        """Show one of the items by a lot in [0, 1); nothing but its own outcome may be looked at."""


class Learner:
    """What the recommendation service would know by then, and what each persona would bring along."""

    def __init__(self, items: int, users: int) -> None:
        self._items = Items(items)
        self._regression = Regression(prior())
        self._calibration = Calibration()
        self._met: list[dict[int, None]] = [{} for _ in range(users)]
        self._surprises: list[list[float]] = [[] for _ in range(users)]
        self.shown: list[list[int]] = [[] for _ in range(users)]
        self._count = 0

    def meet(self, user: int, items: Indices) -> None:
        """Note that these came up for the user."""
        met = self._met[user]
        new = [item for item in items.tolist() if item not in met]
        met.update(dict.fromkeys(new))
        self._items.met[new] += 1

    def show(self, user: int, items: Indices, accepted: NDArray[np.bool_], lot: float) -> Outcome:
        """Show one of the items; nothing but its own outcome is looked at."""
        rows = describe(self._items, self._persona(user), items)
        expected = self._regression.expect(rows)
        action = choose(expected, _EXPLORATION, lot).action
        score, outcome = float(expected.reward[action]), bool(accepted[action])
        chance = float(self._calibration.chance(np.array([score])).mean[0])
        self._learn(user, int(items[action]), rows[action], accepted=outcome)
        self._calibration.learn(score, accepted=outcome)
        return Outcome(chance, score, outcome)

    def _persona(self, user: int) -> Persona:
        met = np.fromiter(self._met[user], np.intp, len(self._met[user]))
        return Persona(met, np.array(self.shown[user], np.intp), np.array(self._surprises[user]))

    def _learn(self, user: int, item: int, row: NDArray[np.float64], *, accepted: bool) -> None:
        self.meet(user, np.array([item]))
        self._surprises[user].append(surprise(self._regression, row, float(accepted)))
        self.shown[user].append(item)
        self._regression.learn(row, float(accepted))
        self._items.learn(item, accepted=accepted)
        self._count += 1
        if self._count in _FIRST_FITS or self._count % _FIT_EVERY == 0:
            self._items.fit(self._meetings())

    def _meetings(self) -> Meetings:
        sizes = [len(met) for met in self._met]
        columns = np.fromiter((item for met in self._met for item in met), np.intp, sum(sizes))
        weights = np.repeat(1.0 / np.sqrt(np.array(sizes) + _ACTIVITY), sizes)
        shape = (len(sizes), len(self._items.met))
        met = sparse.csr_matrix((weights, columns, np.concatenate([[0], np.cumsum(sizes)])), shape)
        return Meetings(self._items.met, aslinearoperator(met.T.tocsr()) @ aslinearoperator(met))
