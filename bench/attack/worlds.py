"""Two worlds out of one public log: each persona's ratings are cut in time, and folded by the platform's own code."""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from contracts.interaction.v1.payload import Interaction
from maskenball.demo.dataset import Dataset, Rating
from services.profile.domain import Kind
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

# Cut somewhere near the middle, so that both worlds know about as much.
_CUT = (0.4, 0.6)
#: The last part of what a persona did in a world is what its view is to foretell.
_HELD_OUT = 0.1
SECOND_MS = 1000
_MID_BYTES = 16


class Stay(NamedTuple):
    """One persona in one world: what was folded, of which ratings, and what came after."""

    traits: Traits
    ratings: Sequence[Rating]
    held_out: Sequence[Rating]


class Worlds(NamedTuple):
    """Both worlds; place n is the same persona in each."""

    here: list[Stay]
    there: list[Stay]


def histories(dataset: Dataset) -> list[list[Rating]]:
    """Return each visitor's ratings, oldest first."""
    by_visitor: dict[str, list[Rating]] = {}
    for rating in dataset.ratings:
        by_visitor.setdefault(rating.visitor, []).append(rating)
    return list(by_visitor.values())


def split(dataset: Dataset, lives: Sequence[Sequence[Rating]], weights: Weights, seed: int) -> Worlds:
    """Cut every life in time at a place of its own, and fold both parts."""
    rng = random.Random(seed)
    worlds = Worlds([], [])
    for life in lives:
        cut = int(len(life) * rng.uniform(*_CUT))
        for world, part in zip(worlds, (life[:cut], life[cut:]), strict=True):
            known = len(part) - max(1, int(len(part) * _HELD_OUT))
            world.append(Stay(_folded(dataset, part[:known], weights), part[:known], part[known:]))
    return worlds


def _folded(dataset: Dataset, ratings: Iterable[Rating], weights: Weights) -> Traits:
    traits = Traits()
    absorb(traits, (interaction(dataset, rating, place) for place, rating in enumerate(ratings)), weights)
    return traits


def interaction(dataset: Dataset, rating: Rating, place: int) -> Interaction:
    """Return the rating as a door would translate it."""
    return Interaction(
        source="app:shop",
        eid=bytes(_MID_BYTES),
        mid=place.to_bytes(_MID_BYTES, "big"),
        kind=Kind.RATED,
        at_ms=int(rating.at * SECOND_MS),
        channel="web",
        item=rating.item,
        topics=dataset.films[rating.item].topics,
        value=value_of(rating),
    )


def value_of(rating: Rating) -> float:
    """Return the stars from 0 to 1."""
    return (rating.stars - 1) / 4
