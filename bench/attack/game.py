"""The rules: for every persona here the attacker names one there, or ten; what counts is how often they are right."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bench.attack.attackers import UNTAUGHT, Attacker, Scores, Side, train

_TOP = 10
# Two-sided 95 %, of which the upper end counts.
_BEYOND = 0.025
# Sums of the same numbers in another order differ in their last digits.
_EQUAL = 1e-9


class Outcome(NamedTuple):
    """How often the attacker was right, and how that compares with a guess."""

    top_1: float
    top_1_over_chance: float
    top_10_over_chance: float


def play(here: Side, there: Side, rng: np.random.Generator) -> dict[str, Outcome]:
    """Let every attacker play; places in `here` and `there` are shuffled first, so that none of them can tell."""
    places = rng.permutation(len(here))
    known, unknown = places[: len(places) // 2], places[len(places) // 2 :]
    told = train(*(_only(side, known) for side in (here, there)))
    outcomes = {name: _judge(attacker, here, there, rng) for name, attacker in UNTAUGHT.items()}
    outcomes["trained"] = _judge(told, _only(here, unknown), _only(there, unknown), rng)
    return outcomes


def upper_95(values: Sequence[float], among: int = 1) -> float:
    """Return the upper end of the 95 % interval of the mean over independent games.

    `among` so many that the best is chosen from: the bounds of all hold together (Bonferroni), so the best one does.
    """
    mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
    return float(mean + NormalDist().inv_cdf(1 - _BEYOND / among) * error)


def _judge(attacker: Attacker, here: Side, there: Side, rng: np.random.Generator) -> Outcome:
    order = rng.permutation(len(there))
    shuffled = attacker(here, [there[place] for place in order])
    # What an attacker cannot tell apart, it guesses.
    ranks = _ranks(shuffled, np.argsort(order), rng)
    top_1, top_10 = float((ranks < 1).mean()), float((ranks < _TOP).mean())
    return Outcome(top_1, top_1 * len(there), top_10 * len(there) / _TOP)


def _ranks(scores: Scores, right: Scores, rng: np.random.Generator) -> Scores:
    found = scores[np.arange(len(scores)), right][:, np.newaxis]
    above, equal = scores > found + _EQUAL, np.abs(scores - found) <= _EQUAL
    return above.sum(axis=1) + (equal.sum(axis=1) * rng.random(len(scores))).astype(int)


def _only(side: Side, places: Sequence[int]) -> Side:
    return [side[place] for place in places]
