"""Whether coarse views and offers are still good for something."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.attack.exports import Export
from bench.attack.worlds import Stay
from maskenball.demo.dataset import Dataset

Sums = NDArray[np.float64]
_GOOD = 4
_BOOTSTRAPS = 2_000
_TOP = 10


class Usefulness(NamedTuple):
    """Share of personas with a like; of each persona, how often a like, or a popular topic, named what came next."""

    with_a_like: float
    foretold: Sums
    by_popularity: Sums


class Interval(NamedTuple):
    """A figure, and where 95 % of its bootstraps lie."""

    value: float
    low: float
    high: float


def judge(dataset: Dataset, world: Sequence[Stay], exports: Sequence[Export]) -> Usefulness:
    """Return what the likes foretell of what their personas liked afterwards."""
    popular = [topic for topic, _ in _liked_topics(dataset, world).most_common()]
    foretold, by_popularity = np.zeros(len(world)), np.zeros(len(world))
    for place, (stay, export) in enumerate(zip(world, exports, strict=True)):
        likes = export.view.likes
        for rating in stay.held_out:
            if likes and rating.stars >= _GOOD:
                topics = set(dataset.films[rating.item].topics)
                foretold[place] += len(topics & set(likes)) / len(likes)
                by_popularity[place] += len(topics & set(popular[: len(likes)])) / len(likes)
    with_a_like = np.mean([bool(export.view.likes) for export in exports])
    return Usefulness(float(with_a_like), foretold, by_popularity)


def over_popularity(games: Sequence[Usefulness], rng: np.random.Generator) -> Interval:
    """Return how much better likes foretell than popularity does; games share their people, so those are drawn anew."""
    foretold = np.sum([game.foretold for game in games], axis=0)
    by_popularity = np.sum([game.by_popularity for game in games], axis=0)
    drawn = rng.integers(len(foretold), size=(_BOOTSTRAPS, len(foretold)))
    low, high = np.quantile(foretold[drawn].sum(axis=1) / by_popularity[drawn].sum(axis=1), (0.025, 0.975))
    return Interval(float(foretold.sum() / by_popularity.sum()), float(low), float(high))


def ndcg(world: Sequence[Stay], exports: Sequence[Export]) -> float:
    """Return nDCG@10 of the offers against what came next and was liked."""
    gains = []
    for stay, export in zip(world, exports, strict=True):
        wanted = {rating.item for rating in stay.held_out if rating.stars >= _GOOD}
        if wanted:
            best = sum(_discount(place) for place in range(min(_TOP, len(wanted))))
            found = (_discount(place) for place, item in enumerate(export.offers[:_TOP]) if item in wanted)
            gains.append(sum(found) / best)
    return float(np.mean(gains))


def _liked_topics(dataset: Dataset, world: Sequence[Stay]) -> Counter[str]:
    rated = (rating for stay in world for rating in stay.ratings if rating.stars >= _GOOD)
    return Counter(topic for rating in rated for topic in dataset.films[rating.item].topics)


def _discount(place: int) -> float:
    return float(1.0 / np.log2(place + 2))
