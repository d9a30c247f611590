"""The offer bandit on rated interactions: who arrives is shown one of ten things, and only that outcome is seen.

Arrivals are drawn from the interactions and come in the order of time. Candidates are ten of the arriving user's own
rated items, drawn anew each time.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kit.errors import Status, TypedError
from maskenball.evaluate.interactions import Indices, Interactions
from maskenball.evaluate.showing import Learner, Outcome, Shower
from maskenball.evaluate.splits import Reading

_SEEDS = (0, 1, 2)
_ARRIVALS = 20_000
_CANDIDATES = 10
_BINS = 10
#: One to five stars: four are an acceptance. On other scales it is the upper quarter of what the file uses.
_STARS, _FOUR_STARS = 5.0, 4.0
_UPPER = 0.75


class UnratedError(TypedError):
    """The file has nothing that could be accepted or not."""

    reason = "RATINGS_UNUSABLE"
    status = Status.INVALID


class Rated(NamedTuple):
    """Distinct pairs of user and item in the order of time, and whether the user accepts the item."""

    users: Indices
    items: Indices
    accepted: NDArray[np.bool_]
    least: float


class Played(NamedTuple):
    """What each showing promised, by chance and by score, what became of it, and what a random one would bring."""

    chances: NDArray[np.float64]
    scores: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    random: NDArray[np.float64]


def evaluate(interactions: Interactions, reading: Reading = Reading.REPEATS) -> dict[str, Any]:
    """Return the means of three games; raises UnratedError."""
    return play(interactions, reading, Learner)


def play(interactions: Interactions, reading: Reading, made: Callable[[int, int], Shower]) -> dict[str, Any]:
    """Return the same of any other who shows, made for so many items and users."""
    rated = rate(interactions)
    games = [_play(rated, reading, seed, made) for seed in _SEEDS]
    named = [_figures(game) for game in games]
    return {
        **{name: round(float(np.mean([each[name] for each in named])), 4) for name in named[0]},
        "reading": reading.value,
        "accepted_from": rated.least,
        "arrivals": [len(game.accepted) for game in games],
    }


def rate(interactions: Interactions) -> Rated:
    """Return the last rating of each pair; stars are accepted from four on, other scales in their upper quarter."""
    ratings = interactions.ratings
    missing = np.flatnonzero(~np.isfinite(ratings))
    if len(missing):
        raise UnratedError(f"line {missing[0] + 1} has no number as its rating", field="rating")
    least = _least(float(ratings.min()), float(ratings.max()))
    ordered = interactions.in_order(np.arange(len(ratings)))
    pairs = interactions.users[ordered] * interactions.item_count + interactions.items[ordered]
    # The last of a pair is the first from behind.
    _, behind = np.unique(pairs[::-1], return_index=True)
    kept = ordered[np.sort(len(pairs) - 1 - behind)]
    return Rated(interactions.users[kept], interactions.items[kept], ratings[kept] >= least, least)


def _least(lowest: float, highest: float) -> float:
    if lowest == highest:
        raise UnratedError("all ratings are the same", field="rating")
    has_stars = lowest > 0 and _FOUR_STARS <= highest <= _STARS
    return _FOUR_STARS if has_stars else lowest + _UPPER * (highest - lowest)


def _arrivals(rated: Rated, seed: int) -> Indices:
    """Return entries at which somebody arrives, of users who have rated enough to be shown one of ten."""
    able = np.flatnonzero(np.bincount(rated.users)[rated.users] >= _CANDIDATES)
    if not len(able):
        raise UnratedError(
            f"no user has rated {_CANDIDATES} items", field="rating", limit=f"at least {_CANDIDATES} for one user"
        )
    return np.sort(np.random.default_rng(seed).choice(able, min(_ARRIVALS, len(able)), replace=False))


def _play(rated: Rated, reading: Reading, seed: int, made: Callable[[int, int], Shower]) -> Played:
    rng = np.random.default_rng([seed, 1])
    learner = made(int(rated.items.max()) + 1, int(rated.users.max()) + 1)
    outcomes: list[Outcome] = []
    random: list[float] = []
    passed = 0
    for arrival, user, candidates in _candidates(rated, reading, seed, learner.shown):
        if reading is Reading.HISTORY:
            for entry in range(passed, arrival):
                learner.meet(int(rated.users[entry]), rated.items[entry : entry + 1])
            passed = arrival
        if reading is not Reading.OUTCOMES:
            learner.meet(user, rated.items[candidates])
        random.append(float(rated.accepted[candidates].mean()))
        outcomes.append(learner.show(user, rated.items[candidates], rated.accepted[candidates], rng.random()))
    chances, scores, accepted = zip(*outcomes, strict=True)
    return Played(np.array(chances), np.array(scores), np.array(accepted), np.array(random))


def _candidates(
    rated: Rated, reading: Reading, seed: int, shown: list[list[int]]
) -> Iterator[tuple[int, int, Indices]]:
    rng = np.random.default_rng([seed, 2])
    order = np.argsort(rated.users, kind="stable")
    own = np.split(order, np.cumsum(np.bincount(rated.users))[:-1])
    for arrival in _arrivals(rated, seed).tolist():
        user = int(rated.users[arrival])
        left = own[user]
        if reading is not Reading.REPEATS:
            left = left[~np.isin(rated.items[left], shown[user])]
        if len(left) >= _CANDIDATES:
            yield arrival, user, rng.choice(left, _CANDIDATES, replace=False)


def _figures(game: Played) -> dict[str, float]:
    accepted = game.accepted.astype(np.float64)
    # The surest first; between two of one chance by what was expected of them.
    ranked = accepted[np.lexsort((-game.scores, -game.chances))]
    covered = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    best = np.cumsum(np.sort(accepted)[::-1]) / np.arange(1, len(ranked) + 1)
    possible = best.mean() - accepted.mean()
    return {
        "accept": accepted.mean(),
        "accept_last_quarter": accepted[-math.ceil(len(accepted) / 4) :].mean(),
        "abstain_gain": (covered.mean() - accepted.mean()) / possible if possible else 0.0,
        "ece": _calibration_error(game.chances, accepted),
        "accept_at_10": covered[math.ceil(len(ranked) / 10) - 1],
        "accept_at_25": covered[math.ceil(len(ranked) / 4) - 1],
        "random": game.random.mean(),
    }


def _calibration_error(chances: NDArray[np.float64], accepted: NDArray[np.float64]) -> float:
    bins = np.minimum((chances * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.bincount(bins, chances - accepted, _BINS)
    return float(np.abs(gaps).sum() / len(accepted))
