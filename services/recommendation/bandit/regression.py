"""Shared parameters of a linear contextual bandit (LinUCB, Li et al. 2010): sums A and b, and the inverse kept beside.

Features and rewards are rounded to a grid on which float64 adds without rounding. So sums of workers merge exactly, in
any order, and what one persona taught is taken back without residue.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: Features and rewards lie within ± this, on a grid of 2^-12: 2^26 products of the largest still add exactly.
LARGEST = 8.0
MOST_FEATURES = 128
_GRID = 4096.0
#: Sherman-Morrison gathers rounding errors; from time to time the inverse is made anew.
_RENEWED_EVERY = 1_000


class Prior(NamedTuple):
    """What weights are before anything was shown, and how many showings each prior weight counts for."""

    weights: Numbers
    strength: Numbers


class Expected(NamedTuple):
    """What candidates promise, and one standard deviation of not knowing the weights (in units of the noise)."""

    reward: Numbers
    spread: Numbers


class _Packed(msgspec.Struct, array_like=True):
    count: int
    products: bytes
    rewards: bytes
    inverse: bytes


class Regression:
    """Bayesian ridge regression of the reward on features. Learning costs d²."""

    def __init__(self, prior: Prior) -> None:
        self._prior = prior
        size = len(prior.weights)
        self.count = 0
        self.products = np.zeros((size, size))
        self.rewards = np.zeros(size)
        self._inverse = np.diag(1.0 / prior.strength)
        self._weights = prior.weights.copy()

    @property
    def weights(self) -> Numbers:
        """Mean of the weights."""
        return self._weights

    def expect(self, features: Numbers) -> Expected:
        """Return what is expected of candidates, a row of features each."""
        rows = _gridded(features)
        variance = np.einsum("kd,kd->k", rows @ self._inverse, rows)
        return Expected(rows @ self._weights, np.sqrt(np.maximum(variance, 0.0)))

    def learn(self, features: Numbers, reward: float) -> None:
        """Add what became of the candidate that was shown; the next expectation knows it."""
        row = _gridded(features)
        self._add(row, float(_gridded(np.array(reward))), 1)
        direction = self._inverse @ row
        self._inverse -= np.outer(direction, direction / (1.0 + row @ direction))
        if self.count % _RENEWED_EVERY == 0:
            self._renew()
        self._weigh()

    def learn_many(self, features: Numbers, shown: Numbers, rewards: Numbers) -> None:
        """Add showings by their features: of each row how many there were, and what came of all of them."""
        rows = _gridded(features)
        self.count += int(shown.sum())
        self.products += (rows * shown[:, np.newaxis]).T @ rows
        self.rewards += rows.T @ rewards
        self._renew()
        self._weigh()

    def unlearn(self, features: Numbers, reward: float) -> None:
        """Take back what was learnt from a showing: afterwards sums are as if it had never been."""
        self._add(_gridded(features), float(_gridded(np.array(reward))), -1)
        self._renew()
        self._weigh()

    def merge(self, other: "Regression") -> None:
        """Add the showings of another worker; the order of merging changes no bit."""
        self.count += other.count
        self.products += other.products
        self.rewards += other.rewards
        self._renew()
        self._weigh()

    def pack(self) -> bytes:
        """Return the state; whoever unpacks it with the same prior decides the same, bit for bit."""
        arrays = (self.products, self.rewards, self._inverse)
        return msgspec.msgpack.encode(_Packed(self.count, *(each.astype("<f8").tobytes() for each in arrays)))

    @classmethod
    def unpack(cls, prior: Prior, packed: bytes) -> "Regression":
        """Return the regression that was packed."""
        body = msgspec.msgpack.decode(packed, type=_Packed)
        self = cls(prior)
        self.count = body.count
        self.products = _array(body.products, self.products.shape)
        self.rewards = _array(body.rewards, self.rewards.shape)
        self._inverse = _array(body.inverse, self._inverse.shape)
        self._weigh()
        return self

    def _add(self, row: Numbers, reward: float, sign: int) -> None:
        self.count += sign
        self.products += sign * np.outer(row, row)
        self.rewards += sign * reward * row

    def _renew(self) -> None:
        # Of the sums alone: however they came about, the same sums have the same inverse.
        self._inverse = np.asarray(np.linalg.inv(self.products + np.diag(self._prior.strength)), dtype=np.float64)

    def _weigh(self) -> None:
        self._weights = self._inverse @ (self.rewards + self._prior.strength * self._prior.weights)


def _gridded(values: Numbers) -> Numbers:
    return np.asarray(np.rint(np.clip(values, -LARGEST, LARGEST) * _GRID) / _GRID)


def _array(packed: bytes, shape: tuple[int, ...]) -> Numbers:
    return np.frombuffer(packed, "<f8").reshape(shape).astype(np.float64)
