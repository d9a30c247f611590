"""What happens to a persona whatever is done: when it turns up, what is on offer, and whether that would help.

Everything random is drawn here, once: all policies meet the same moments and the same luck.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.polite.kinds import (
    ACTIVITIES,
    ACTIVITY_SHARES,
    BUSY,
    CHANNEL_FITS,
    CHANNEL_SHARES,
    CHANNELS,
    KINDS,
    NEEDS,
    NO_INTEREST,
    TOPICS,
    WRONG_HOUR,
    Kind,
)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Share of what is offered that fits the persona's interests: the ranker is good, not perfect.
_RANKED_RIGHT = 0.5
_IN_HOURS = 0.7
_DRIFT_DAYS = 60.0
_MOMENTS_A_DAY = (1.5, 4.0)

Floats = NDArray[np.float64]


class Seen(NamedTuple):
    """What a decider sees of a moment; `at_ms` counts from the start of the simulation, which is midnight."""

    persona: int
    at_ms: int
    channel: str
    activity: str
    topic: str

    @property
    def hour(self) -> int:
        """The hour of the day."""
        return self.at_ms // HOUR_MS % 24


class Moment(NamedTuple):
    """One moment, by its number in a life: what is seen, and what is hidden."""

    number: int
    seen: Seen
    #: Chance that the offer helps, and whether it does.
    chance: float
    helps: bool
    is_busy: bool
    #: Uniform draws that decide how an unwanted offer is answered.
    luck: tuple[float, float, float]


class Life(NamedTuple):
    """A persona: its kind, and all its moments in the order of time."""

    kind: Kind
    moments: list[Moment]


def live(personas: int, days: int, seed: int) -> list[Life]:
    """Return so many lives; the same seed gives the same lives."""
    return [_life(number, days, np.random.default_rng([seed, number])) for number in range(personas)]


def _life(number: int, days: int, rng: np.random.Generator) -> Life:
    kind = KINDS[rng.choice(len(KINDS), p=[each.share for each in KINDS])]
    stays = min(float(days), rng.exponential(1 / kind.leaves_a_day) if kind.leaves_a_day else np.inf)
    count = rng.poisson(rng.uniform(*_MOMENTS_A_DAY) * stays)
    first_hour = kind.first_hour + int(rng.integers(-2, 3))
    at_ms = _times(rng, kind, first_hour, stays, count)
    fits = rng.permutation(len(CHANNELS))
    activities = rng.choice(len(ACTIVITIES), size=count, p=ACTIVITY_SHARES)
    places = rng.choice(len(CHANNELS), size=count, p=CHANNEL_SHARES)
    topics, interests = _topics(rng, at_ms)
    is_right_hour = (at_ms // HOUR_MS - first_hour) % 24 < kind.hours
    chances = (
        np.array(NEEDS)[activities]
        * np.array(CHANNEL_FITS)[places]
        * interests
        * np.where(is_right_hour, 1.0, WRONG_HOUR)
    )
    is_busy = rng.random(count) < np.array(BUSY)[activities]
    chances = np.where(is_busy, 0.0, chances)
    helps = rng.random(count) < chances
    luck = rng.random((count, 3))
    moments = [
        Moment(
            i,
            Seen(number, int(at_ms[i]), CHANNELS[fits[places[i]]], ACTIVITIES[activities[i]], f"t{topics[i]}"),
            float(chances[i]),
            bool(helps[i]),
            bool(is_busy[i]),
            (float(luck[i, 0]), float(luck[i, 1]), float(luck[i, 2])),
        )
        for i in range(count)
    ]
    return Life(kind, moments)


def _times(rng: np.random.Generator, kind: Kind, first_hour: int, days: float, count: int) -> NDArray[np.int64]:
    start_ms = rng.integers(0, max(1, int(days)), size=count) * DAY_MS
    inside = first_hour + rng.uniform(0, kind.hours, size=count)
    anywhere = rng.uniform(0, 24, size=count)
    hours = np.where(rng.random(count) < _IN_HOURS, inside, anywhere) % 24
    return np.sort(start_ms + (hours * HOUR_MS).astype(np.int64))


def _topics(rng: np.random.Generator, at_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Return what is on offer in each moment, and how much the persona cares for it then.

    Of two to four interests one is given up for another every 60 days or so.
    """
    liked = rng.permutation(TOPICS)[: rng.integers(2, 5)]
    strengths = np.full(TOPICS, NO_INTEREST)
    strengths[liked] = rng.uniform(0.6, 1.0, size=len(liked))
    is_right, draws = rng.random(len(at_ms)) < _RANKED_RIGHT, rng.random(len(at_ms))
    topics = (draws * TOPICS).astype(np.int64)
    interests = np.zeros(len(at_ms))
    turns_ms = rng.exponential(_DRIFT_DAYS) * DAY_MS
    for place, now_ms in enumerate(at_ms):
        while now_ms >= turns_ms:
            strengths = _drifted(rng, strengths)
            turns_ms += rng.exponential(_DRIFT_DAYS) * DAY_MS
        if is_right[place]:
            cared_for = np.flatnonzero(strengths > NO_INTEREST)
            topics[place] = cared_for[int(draws[place] * len(cared_for))]
        interests[place] = strengths[topics[place]]
    return topics, interests


def _drifted(rng: np.random.Generator, strengths: Floats) -> Floats:
    cared_for, others = np.flatnonzero(strengths > NO_INTEREST), np.flatnonzero(strengths <= NO_INTEREST)
    drifted = strengths.copy()
    drifted[rng.choice(cared_for)] = NO_INTEREST
    drifted[rng.choice(others)] = rng.uniform(0.6, 1.0)
    return drifted
