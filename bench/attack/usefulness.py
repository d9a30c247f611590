"""Whether coarse views and offers are still good for something."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.attack.exports import Export
from bench.attack.information import GOOD, Sums, information, liked_topics
from bench.attack.worlds import Stay
from maskenball.demo.dataset import Dataset

_BOOTSTRAPS = 2_000
_TOP = 10


class Usefulness(NamedTuple):
    """Share of personas with a like; of each persona, how often a like, or a popular topic, named what came next.

    And how many items it liked next, and how many bits in all the view said of their topics.
    """

    with_a_like: float
    foretold: Sums
    by_popularity: Sums
    liked_next: Sums
    bits: Sums


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
            if likes and rating.stars >= GOOD:
                topics = set(dataset.films[rating.item].topics)
                foretold[place] += len(topics & set(likes)) / len(likes)
                by_popularity[place] += len(topics & set(popular[: len(likes)])) / len(likes)
    with_a_like = np.mean([bool(export.view.likes) for export in exports])
    before, after = (liked_topics(dataset, [getattr(stay, part) for stay in world]) for part in ("ratings", "held_out"))
    bits = information([export.view for export in exports], before, after)
    return Usefulness(float(with_a_like), foretold, by_popularity, after.sum(axis=1), bits)


def over_popularity(games: Sequence[Usefulness], rng: np.random.Generator) -> Interval:
    """Return how many times as well likes foretell as popularity does."""
    return _ratio([game.foretold for game in games], [game.by_popularity for game in games], rng)


def bits_per_like(games: Sequence[Usefulness], rng: np.random.Generator) -> Interval:
    """Return how many bits views say of the topic of one item liked next, beyond what popularity says."""
    return _ratio([game.bits for game in games], [game.liked_next for game in games], rng)


def ndcg(world: Sequence[Stay], exports: Sequence[Export]) -> float:
    """Return nDCG@10 of the offers against what came next and was liked."""
    gains = []
    for stay, export in zip(world, exports, strict=True):
        wanted = {rating.item for rating in stay.held_out if rating.stars >= GOOD}
        if wanted:
            best = sum(_discount(place) for place in range(min(_TOP, len(wanted))))
            found = (_discount(place) for place, item in enumerate(export.offers[:_TOP]) if item in wanted)
            gains.append(sum(found) / best)
    return float(np.mean(gains))


def _ratio(above: Sequence[Sums], below: Sequence[Sums], rng: np.random.Generator) -> Interval:
    """Return a ratio of sums over personas; games share their people, so those are drawn anew."""
    dividend, divisor = np.sum(above, axis=0), np.sum(below, axis=0)
    drawn = rng.integers(len(dividend), size=(_BOOTSTRAPS, len(dividend)))
    low, high = np.quantile(dividend[drawn].sum(axis=1) / divisor[drawn].sum(axis=1), (0.025, 0.975))
    return Interval(float(dividend.sum() / divisor.sum()), float(low), float(high))


def _liked_topics(dataset: Dataset, world: Sequence[Stay]) -> Counter[str]:
    rated = (rating for stay in world for rating in stay.ratings if rating.stars >= GOOD)
    return Counter(topic for rating in rated for topic in dataset.films[rating.item].topics)


def _discount(place: int) -> float:
    return float(1.0 / np.log2(place + 2))
