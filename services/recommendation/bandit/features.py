"""What tells whether an offer will be accepted: how often it was, whom it is met by, and what the persona answered.

Everything is learnt online: from items that were met, and from outcomes of what was shown. A persona is described by
the caller with each question; nothing of it stays here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.bandit.regression import Prior, Regression
from services.recommendation.bandit.vectors import FACTORS, Meetings, Numbers, embed

Slots = NDArray[np.intp]

#: A rate counts for so many showings before an item was shown at all.
_RATE_STRENGTH = 8.0
_FIRST_RATE = 0.6
_LEAST_RATE, _MOST_RATE = 0.1, 0.95
#: Ridge of what popularity and place in taste say about the rate of an item.
_POPULARITY_RIDGE, _PLACE_RIDGE = 3.0, 8.0
#: Ridges of what a persona's own answers say: about all offers, and about each factor.
_OWN_RIDGE, _TASTE_RIDGE = 4.0, 6.0
#: Items met count for a place in taste once there are more than so many.
_FEW_MET = 5.0
_PLACE_SCALE = 3.0
#: Logarithm of a usual count, that features lie around 0.
_USUAL = 3.0

_GENERAL = ("one", "rate", "unsure", "rate_unsure", "popular", "popular_squared", "active", "active_popular")
_OWN = ("own", "own_unsure", "own_taste", "own_shrunk")
_PLACES = 2 * FACTORS
_OWN_AT = len(_GENERAL) + _PLACES
_SHARED_STRENGTH, _CROSSED_STRENGTH = 6.0, 10.0


class Persona(NamedTuple):
    """What is known of a persona: items met, items shown to it, and by how much its answers surprised (see below)."""

    met: Slots
    shown: Slots
    surprises: Numbers


class Items:
    """A brand's items: showings and acceptances of each, their vectors, and the rate expected before any showing."""

    def __init__(self, size: int) -> None:
        self.shown = np.zeros(size, np.int64)
        self.accepted = np.zeros(size, np.int64)
        self.met = np.zeros(size, np.int64)
        self.vectors = np.zeros((size, FACTORS))
        self.prior = np.full(size, _FIRST_RATE)

    def learn(self, slot: int, *, accepted: bool) -> None:
        """Count an outcome."""
        self.shown[slot] += 1
        self.accepted[slot] += accepted

    def fit(self, meetings: Meetings) -> None:
        """Make vectors of the meetings, and expectations of what items alike were accepted: by ridge on item sums."""
        self.met = meetings.met
        self.vectors = embed(meetings, self.vectors)
        if not self.shown.any():
            return
        mean = self.accepted.sum() / self.shown.sum()
        popular = _popularity(self.met)
        known = np.column_stack([np.ones(len(popular)), popular, np.square(popular) / 4, self.vectors])
        ridge = np.diag([1.0, _POPULARITY_RIDGE, _POPULARITY_RIDGE, *[_PLACE_RIDGE] * FACTORS])
        products = (known * self.shown[:, np.newaxis]).T @ known + ridge
        weights = np.linalg.solve(products, known.T @ (self.accepted - mean * self.shown))
        self.prior = np.clip(mean + known @ weights, _LEAST_RATE, _MOST_RATE)

    def rates(self, slots: Slots) -> Numbers:
        """Return how often offers are accepted, by their own showings and by what is expected (empirical Bayes)."""
        prior = _RATE_STRENGTH * self.prior[slots]
        return np.asarray((self.accepted[slots] + prior) / (self.shown[slots] + _RATE_STRENGTH))


def prior() -> Prior:
    """Return the weights before anything was shown: rates and a persona's own answers are believed."""
    believed = {"one": _FIRST_RATE, "rate": 1.0, "own": 1.0, "own_taste": 1.0}
    named = [*_GENERAL, *[""] * _PLACES, *_OWN, *[""] * FACTORS**2]
    strength = np.full(len(named), _SHARED_STRENGTH)
    strength[-(FACTORS**2) :] = _CROSSED_STRENGTH
    return Prior(np.array([believed.get(name, 0.0) for name in named]), strength)


def describe(items: Items, persona: Persona, candidates: Slots) -> Numbers:
    """Return a row of features for each candidate."""
    vectors = items.vectors[candidates]
    place = _PLACE_SCALE * items.vectors[persona.met].sum(axis=0) / (len(persona.met) + _FEW_MET)
    rows = np.empty((len(candidates), _OWN_AT + len(_OWN) + FACTORS**2))
    rows[:, : len(_GENERAL)] = _general(items, len(persona.met), candidates)
    rows[:, len(_GENERAL) : len(_GENERAL) + FACTORS] = place
    rows[:, len(_GENERAL) + FACTORS : _OWN_AT] = vectors
    rows[:, _OWN_AT : _OWN_AT + len(_OWN)] = _own(items, persona, vectors)
    rows[:, _OWN_AT + len(_OWN) :] = (vectors[:, :, np.newaxis] * place).reshape(len(candidates), -1)
    return rows


def surprise(regression: Regression, row: Numbers, reward: float) -> float:
    """Return how much more came of a showing than is expected of everybody else in its place: part of a Persona."""
    weights = regression.weights.copy()
    weights[_OWN_AT : _OWN_AT + len(_OWN)] = 0.0
    return float(reward - row @ weights)


def _general(items: Items, active: int, candidates: Slots) -> Numbers:
    rate = items.rates(candidates) - _FIRST_RATE
    unsure = 1.0 / np.sqrt(items.shown[candidates] + 4.0)
    popular = _popularity(items.met[candidates])
    activity = np.full(len(candidates), np.log1p(active) - _USUAL)
    columns = (np.ones(len(candidates)), rate, unsure, rate * unsure, popular, np.square(popular) / 4)
    return np.column_stack([*columns, activity, activity * popular / 2])


def _own(items: Items, persona: Persona, vectors: Numbers) -> Numbers:
    """Share a persona's answers out: what it accepts of anything, and what of things that stand where these do."""
    shown = items.vectors[persona.shown]
    own = persona.surprises.sum() / (len(persona.surprises) + _OWN_RIDGE)
    products = shown.T @ shown + _TASTE_RIDGE * np.eye(FACTORS)
    taste = vectors @ np.linalg.solve(products, shown.T @ (persona.surprises - own))
    unsure = 1.0 / np.sqrt(len(persona.surprises) + 3.0)
    flat = np.full(len(vectors), own)
    return np.column_stack([flat, np.full(len(vectors), unsure), taste, flat * unsure])


def _popularity(met: NDArray[np.int64]) -> Numbers:
    return np.asarray(np.log1p(met) - _USUAL)
