"""A small made-up town: two circles of people who each move through their own items, in order."""

import random

from services.recommendation.domain import Blend, Bounds, Choosing, Learnt, Lesson, Mix, Mixes
from services.recommendation.sums import WEEK_MS, Sums

BOUNDS = Bounds(items=200, waiting=100, topics=8)
MIX = Mix(profile=(0.3, 0.7, 0.0, 0.0), sequence=(0.0, 0.5), popular=0.1, topic=0.1, caution=2.0)
BLEND = Blend(
    regularisation=10.0,
    nearness=0.0,
    mixes=Mixes(MIX, MIX),
    popular_half_life_days=30.0,
    least_met=2,
    least_trust=0.5,
    least_gain=0.0,
)
CHOOSING = Choosing(least=100, growth=2.0)
START_MS = 2_800 * WEEK_MS


def lesson(*items: str, before: tuple[str, ...] = (), at_ms: int = START_MS, weight: float = 1.0) -> Lesson:
    return Lesson(before, tuple(Learnt(item, at_ms + i, weight) for i, item in enumerate(items)))


def walks(seed: int = 7, people: int = 400, length: int = 8) -> list[list[str]]:
    """Everybody starts somewhere in their circle of twenty items and mostly goes on to the next one."""
    rng = random.Random(seed)
    paths = []
    for person in range(people):
        circle, place = "ab"[person % 2], rng.randrange(20)
        path = []
        for _ in range(length):
            path.append(f"{circle}{place}")
            place = (place + (1 if rng.random() < 0.9 else rng.randrange(2, 5))) % 20
        paths.append(list(dict.fromkeys(path)))
    return paths


def taught(paths: list[list[str]]) -> Sums:
    sums = Sums(BOUNDS)
    for path in paths:
        sums.learn(lesson(*path))
    return sums
