"""Recommenders from their papers: each takes who met what, users by items, and scores every item for every user."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Recommender = Callable[[Matrix], Matrix]


def popularity(met: Matrix) -> Matrix:
    """Score by how many have met the item."""
    return np.tile(met.sum(axis=0), (len(met), 1))


def item_knn(met: Matrix, neighbours: int, shrinkage: float) -> Matrix:
    """Score by the cosine of the nearest items (Sarwar et al. 2001), shrunk."""
    together = met.T @ met
    norms = np.sqrt(np.diag(together))
    cosine = together / (np.outer(norms, norms) + shrinkage + 1e-9)
    np.fill_diagonal(cosine, 0.0)
    least = -np.partition(-cosine, neighbours, axis=0)[neighbours]
    return np.asarray(met @ np.where(cosine > least, cosine, 0.0))


def ease(met: Matrix, regularisation: float) -> Matrix:
    """Score by the ridge regression of every item on all others (EASE^R, Steck 2019)."""
    precision = np.linalg.inv(met.T @ met + regularisation * np.eye(met.shape[1]))
    weights = precision / -np.diag(precision)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(met @ weights)


def ials(met: Matrix, unobserved: float, regularisation: float, factors: int = 64, rounds: int = 12) -> Matrix:
    """Score by factors of users and items (iALS, Hu et al. 2008, regularised as Rendle et al. 2021)."""
    rng = np.random.default_rng(0)
    users, items = (rng.normal(0, 0.1 / np.sqrt(factors), (size, factors)) for size in met.shape)
    for _ in range(rounds):
        users = _half(met, items, unobserved, regularisation)
        items = _half(met.T, users, unobserved, regularisation)
    return np.asarray(users @ items.T)


def _half(met: Matrix, others: Matrix, unobserved: float, regularisation: float) -> Matrix:
    everybody = unobserved * (others.T @ others)
    solved = np.zeros((len(met), others.shape[1]))
    for row, which in enumerate(met > 0):
        known = others[which]
        ridge = regularisation * (len(known) + unobserved * len(others)) * np.eye(others.shape[1])
        solved[row] = np.linalg.solve(everybody + known.T @ known + ridge, known.sum(axis=0))
    return solved


#: Each with the settings among which validation chooses.
GRID: Mapping[str, list[Recommender]] = {
    "popularity": [popularity],
    "item_knn": [
        partial(item_knn, neighbours=neighbours, shrinkage=shrinkage)
        for neighbours in (50, 200)
        for shrinkage in (0.0, 20.0)
    ],
    "ease": [partial(ease, regularisation=regularisation) for regularisation in (100.0, 200.0, 300.0, 500.0)],
    "ials": [partial(ials, unobserved=unobserved, regularisation=0.003) for unobserved in (0.05, 0.2)],
}
