"""Bandits from their papers, for the game of maskenball/evaluate/bandit.py: each learns from what it showed alone."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from maskenball.evaluate.showing import Outcome, Shower

Numbers = NDArray[np.float64]
Items = NDArray[np.int64]

_PRIOR = 5.0
_OPTIMISM = 0.1


class Random:
    """Shows any of the candidates."""

    def __init__(self, items: int, users: int) -> None:
        self.shown: list[list[int]] = [[] for _ in range(users)]
        self._users, self._items = (np.zeros((2, size)) for size in (users, items))

    def meet(self, user: int, items: Items) -> None:
        """Learn nothing from what came up."""

    def show(self, user: int, items: Items, accepted: NDArray[np.bool_], lot: float) -> Outcome:
        """Show one of the items."""
        action, score = self._choose(user, items, lot)
        item, outcome = int(items[action]), bool(accepted[action])
        self.shown[user].append(item)
        self._items[:, item] += (1.0, outcome)
        self._users[:, user] += (1.0, outcome)
        self._learn(action, outcome)
        return Outcome(min(max(score, 0.0), 1.0), score, outcome)

    def _choose(self, _user: int, items: Items, lot: float) -> tuple[int, float]:
        return int(lot * len(items)), 0.5

    def _learn(self, action: int, outcome: bool) -> None:  # noqa: FBT001  # it is the reward
        """Learn from what was shown."""

    def _rates(self, items: Items) -> Numbers:
        shown, accepted = self._items
        mean = (accepted.sum() + 1.0) / (shown.sum() + 2.0)
        return np.asarray((accepted[items] + _PRIOR * mean) / (shown[items] + _PRIOR))


class ItemRate(Random):
    """Shows what was accepted most often, counts shrunk towards the mean of all."""

    def _choose(self, _user: int, items: Items, _lot: float) -> tuple[int, float]:
        rates = self._rates(items)
        return int(rates.argmax()), float(rates.max())


class LinUcb(Random):
    """LinUCB with shared parameters (Li et al. 2010): rate of the item, rate of the user, and how sure both are."""

    def __init__(self, items: int, users: int) -> None:
        super().__init__(items, users)
        self._inverse = np.eye(5)
        self._sums = np.zeros(5)
        self._rows = np.zeros((0, 5))

    def _choose(self, user: int, items: Items, _lot: float) -> tuple[int, float]:
        shown, accepted = self._users[:, user]
        rates = self._rates(items)
        own = (accepted + _PRIOR * rates.mean()) / (shown + _PRIOR)
        unsure = 1.0 / np.sqrt(self._items[0, items] + 1.0)
        ones = np.ones(len(items))
        self._rows = np.column_stack([ones, rates, unsure, own * ones, own * rates])
        expected = self._rows @ (self._inverse @ self._sums)
        spread = np.sqrt(np.einsum("kd,de,ke->k", self._rows, self._inverse, self._rows))
        action = int((expected + _OPTIMISM * spread).argmax())
        return action, float(expected[action])

    def _learn(self, action: int, outcome: bool) -> None:  # noqa: FBT001  # it is the reward
        row = self._rows[action]
        moved = self._inverse @ row
        self._inverse -= np.outer(moved, moved) / (1.0 + row @ moved)
        self._sums += outcome * row


BANDITS: Mapping[str, Callable[[int, int], Shower]] = {
    "random": Random,
    "item_rate": ItemRate,
    "linucb": LinUcb,
}
