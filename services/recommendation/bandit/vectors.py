"""Where items stand in taste: leading directions of what is met with what, normalised by how often each was met."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

Numbers = NDArray[np.float64]

FACTORS = 8
#: So many meetings are added to each item's, that what was met once does not stand far out.
_SHRINKAGE = 5.0
#: Root mean square of each factor over meetings, and how long a vector may be.
_SCALE = 0.5
_LONGEST = 3.0


class Meetings(NamedTuple):
    """How many personas met each item, and how much each two items were met by the same: square, or what multiplies so.

    Best where personas count alike in `together`: those who met a thousand items say little about any two of them.
    """

    met: NDArray[np.int64]
    together: LinearOperator


def embed(meetings: Meetings, earlier: Numbers) -> Numbers:
    """Return a vector for each item, turned towards the `earlier` ones so that learnt weights keep their meaning."""
    size = len(meetings.met)
    factors = min(FACTORS, size - 1)
    vectors = np.zeros((size, FACTORS))
    if factors < 1 or not meetings.met.any():
        return vectors
    scale = 1.0 / np.sqrt(meetings.met + _SHRINKAGE)
    normalised = LinearOperator((size, size), matvec=lambda v: scale * (meetings.together @ (scale * v.ravel())))
    # A fixed start: the same meetings have the same vectors.
    _, directions = eigsh(normalised, k=factors, which="LA", v0=scale)
    vectors[:, :factors] = directions[:, ::-1] * scale[:, np.newaxis]
    return _turned(_sized(vectors, meetings.met), meetings.met, earlier)


def _sized(vectors: Numbers, met: NDArray[np.int64]) -> Numbers:
    spread = np.sqrt(np.square(vectors).T @ met / met.sum())
    sized = vectors * np.divide(_SCALE, spread, out=np.zeros_like(spread), where=spread > 1e-9)  # noqa: PLR2004
    lengths = np.linalg.norm(sized, axis=1, keepdims=True)
    return np.asarray(sized * np.minimum(1.0, _LONGEST / np.maximum(lengths, _LONGEST)))


def _turned(vectors: Numbers, met: NDArray[np.int64], earlier: Numbers) -> Numbers:
    if not earlier.any():
        return vectors
    left, _, right = np.linalg.svd((vectors * met[:, np.newaxis]).T @ earlier)
    return np.asarray(vectors @ (left @ right))
