"""Fits item-to-item weights: EASE^R (Steck 2019) on meetings and on nearness in their order, in one inverse."""

import numpy as np
from numpy.typing import NDArray

from services.recommendation.sums import DISTANCES, Counts

Weights = NDArray[np.float32]

_ROWS_AT_ONCE = 512


def fit(together: Counts, followed: Counts, regularisation: float, nearness: float) -> Weights:
    """Return the ridge regression of every item on all others, in closed form.

    `together` is square and symmetric with the item counts on its diagonal; `followed` adds, `nearness` times, pairs
    that were met close to one another. Costs one dense inverse in float32, and three more arrays of that size while
    it runs. Rounded to half floats, which is how weights are kept.
    """
    gram = together.astype(np.float32)
    diagonal = np.diag_indices(len(gram))
    gram[diagonal] += regularisation + nearness * gram[diagonal]
    for start in range(0, len(gram) if nearness else 0, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        gram[rows] += (followed[rows] + followed[:, rows].T) * np.float32(nearness / DISTANCES[0])
    precision = np.linalg.inv(gram)
    precision /= -np.diag(precision).copy()
    precision[diagonal] = 0.0
    return precision.astype(np.float16).astype(np.float32)
