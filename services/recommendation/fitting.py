"""Fits item-to-item weights: EASE^R (Steck 2019) on meetings and on nearness in their order, in one inverse."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from services.recommendation.sums import DISTANCES, Counts

Weights = NDArray[np.float32]

_ROWS_AT_ONCE = 512


def fit(together: Counts, followed: Counts, regularisation: float, nearness: float) -> Weights:
    """Return the ridge regression of every item on all others, in closed form.

    `together` is square and symmetric with the item counts on its diagonal; `followed` adds, `nearness` times, pairs
    that were met close to one another. Costs one dense inverse in float32. Rounded to half floats, which is how
    weights are kept.
    """
    try:
        precision = _inverse(_gram(together, followed, regularisation, nearness))
    except np.linalg.LinAlgError:
        # What was taken back before it was taught leaves less than nothing for a while.
        precision = np.linalg.inv(_gram(together, followed, regularisation, nearness))
    precision /= -np.diag(precision).copy()
    precision[np.diag_indices(len(precision))] = 0.0
    return precision.astype(np.float16).astype(np.float32)


def _gram(together: Counts, followed: Counts, regularisation: float, nearness: float) -> Weights:
    gram = together.astype(np.float32)
    diagonal = np.diag_indices(len(gram))
    gram[diagonal] += regularisation + nearness * gram[diagonal]
    for rows in _rows(len(gram) if nearness else 0):
        gram[rows] += (followed[rows] + followed[:, rows].T) * np.float32(nearness / DISTANCES[0])
    return gram


def _inverse(gram: Weights) -> Weights:
    """Return the inverse of a symmetric positive definite matrix, in its own memory; raises LinAlgError for others.

    By Cholesky: less than half of what the inverse of any matrix costs.
    """
    # Transposed is how LAPACK lays out the same matrix, so that nothing is copied.
    lower, refused = lapack.spotrf(gram.T, lower=1, clean=0, overwrite_a=1)
    if refused:
        raise np.linalg.LinAlgError
    inverse: Weights = lapack.spotri(lower, lower=1, overwrite_c=1)[0].T
    for rows in _rows(len(inverse)):
        inverse[rows, : rows.start] = inverse[: rows.start, rows].T
        upper = np.triu(inverse[rows, rows])
        inverse[rows, rows] = upper + np.triu(upper, 1).T
    return inverse


def _rows(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
