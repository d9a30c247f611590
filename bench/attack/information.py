"""How much a view says of what its persona likes next, in bits: the logarithmic score, beside that of popularity."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from maskenball.demo.dataset import Dataset, Rating

Sums = NDArray[np.float64]
#: Stars from which an item is liked.
GOOD = 4
_FOLDS = 5
#: Liked items that popularity weighs as much as, where it is asked what personas with one view like.
_DOUBT = 50.0


def information(views: Sequence[Hashable], before: Sums, after: Sums) -> Sums:
    """Return for each persona the bits that its view gave of all it liked afterwards, beyond popularity.

    `before` and `after` have a row a persona and a column a topic. What a view stands for is learnt from other personas
    with the same view and what they liked before, so none foretells itself, and a view that says nothing gives nothing.
    """
    folds = np.arange(len(views)) % _FOLDS
    bits = np.zeros(len(views))
    for fold in range(_FOLDS):
        popular = _shares(before[folds != fold].sum(axis=0) + 1)
        alike: dict[Hashable, Sums] = defaultdict(lambda: np.zeros(before.shape[1]))
        for place in np.flatnonzero(folds != fold):
            alike[views[place]] += before[place]
        for place in np.flatnonzero(folds == fold):
            expected = _shares(alike[views[place]] + _DOUBT * popular)
            bits[place] = after[place] @ np.log2(expected / popular)
    return bits


def liked_topics(dataset: Dataset, lives: Sequence[Sequence[Rating]]) -> Sums:
    """Return how many liked items speak for each topic, a row a life; an item of several is shared among them."""
    columns = {topic: column for column, topic in enumerate(sorted(_topics(dataset)))}
    liked = np.zeros((len(lives), len(columns)))
    for row, life in zip(liked, lives, strict=True):
        for topics in (dataset.films[rating.item].topics for rating in life if rating.stars >= GOOD):
            row[[columns[topic] for topic in topics]] += 1 / max(1, len(topics))
    return liked


def _topics(dataset: Dataset) -> set[str]:
    return {topic for film in dataset.films.values() for topic in film.topics}


def _shares(weights: Sums) -> Sums:
    return np.asarray(weights / weights.sum())
