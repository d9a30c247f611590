"""Ranks every item for one history: what was met, what follows it, popularity, topics.

Each component is standardised over the candidates, so that weights of a mix compare and what contributed can be told.
choosing.py weighs the very same components.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from services.recommendation.components import (
    History,
    Mask,
    Numbers,
    Scores,
    centred,
    history_of,
    popular_of,
    profile_of,
    sequence_of,
    topics_of,
)
from services.recommendation.domain import Abstention, Blend, Mix, Mixes, Offer, Ranking, Situation
from services.recommendation.fitting import Weights
from services.recommendation.scored import Contribution, Scored, reasons_of
from services.recommendation.sums import Slots, Sums

#: Of so many strips for each that is wanted the best are compared, before items are.
_STRIPS = 3


class Fitted(NamedTuple):
    """Item-to-item weights over the slots that existed at the fit, the version it raised, the brand's own mixes."""

    weights: Weights
    version: int
    #: None until they were chosen.
    mixes: Mixes | None = None


class Asked(NamedTuple):
    """One question: who asks, what is known of them, what may be answered, how components are mixed."""

    situation: Situation
    history: History
    candidates: Mask
    mix: Mix


class _Used(NamedTuple):
    """What a mix uses: its half-lives by place, and of each row of scores the weight: always, and by trust."""

    profiles: Slots
    sequences: Slots
    trusted: Numbers
    always: Numbers


def rank(sums: Sums, fitted: Fitted, situation: Situation, blend: Blend) -> Ranking:
    """Return the best `situation.count` items that were not met and not excluded, or why nothing is offered."""
    if not sums.interactions:
        return Ranking((), Abstention.NOTHING_LEARNT, fitted.version)
    candidates = candidates_of(sums, situation, blend.least_met)
    if not candidates.any():
        return Ranking((), Abstention.NOTHING_GOOD_ENOUGH, fitted.version)
    history = history_of(sums, situation.history)
    mix = mix_of(fitted.mixes or blend.mixes, situation)
    scored = score(sums, fitted, Asked(situation, history, candidates, mix), blend.popular_half_life_days)
    total = scored.total()
    total[~candidates] = -np.inf
    best = best_of(total, min(situation.count, int(np.count_nonzero(candidates))))
    if _trust(history, mix) >= blend.least_trust and scored.personal(best[0]) <= blend.least_gain:
        return Ranking((), Abstention.NOTHING_GOOD_ENOUGH, fitted.version)
    reasons = reasons_of(scored, best)
    offers = (Offer(sums.items[slot], float(total[slot]), why) for slot, why in zip(best, reasons, strict=True))
    return Ranking(tuple(offers), None, fitted.version)


def candidates_of(sums: Sums, situation: Situation, least_met: int) -> Mask:
    """Return which slots may be offered."""
    candidates = sums.met >= least_met
    met = {met.item for met in situation.history} | situation.exclude
    candidates[[sums.slots[item] for item in met if item in sums.slots]] = False
    candidates[of_topics(sums, situation.removed_topics)] = False
    return np.asarray(candidates)


def of_topics(sums: Sums, topics: tuple[str, ...]) -> Mask:
    """Return which slots are about any of these, by what was done with them."""
    places = [sums.topics.index(topic) for topic in topics if topic in sums.topics]
    return np.asarray(sums.about[:, places].any(axis=1))


def trust(known: Numbers, caution: float) -> Numbers:
    """Return what share of the answer is owed to histories of so many known items: half at `caution`."""
    return np.asarray(1.0 - np.exp2(-known / caution))


def mix_of(mixes: Mixes, situation: Situation) -> Mix:
    """Return the mix for the kind of question that this is."""
    return mixes.missing if situation.at_ms < situation.newest_at_ms else mixes.following


def score(sums: Sums, fitted: Fitted, asked: Asked, half_life_days: float) -> Scored:
    """Score every item by component."""
    situation, history, candidates, mix = asked
    used = _used(mix)
    history = history._replace(profile=history.profile[used.profiles], sequence=history.sequence[used.sequences])
    rows = np.empty((len(used.always), sums.size), np.float32)
    profiles, sequences, topics = _places(used)
    sources = {
        "because_of_item": (profiles, profile_of(sums, fitted.weights, history, rows[profiles])),
        "followed_item": (sequences, sequence_of(sums, history, rows[sequences])),
        "liked_topic": (topics, topics_of(sums, situation.likes, rows[topics])),
    }
    rows[-1] = popular_of(sums, situation.at_ms, half_life_days)
    weights = (used.always + used.trusted * _trust(history, mix)) * centred(rows, candidates)
    named = (
        Contribution(kind, source, weights[place] @ source.strengths, place)
        for kind, (place, source) in sources.items()
    )
    return Scored(rows, weights, tuple(named))


@lru_cache(256)
def _used(mix: Mix) -> _Used:
    # Most mixes use half of the half-lives: the others need not be worked out.
    profile, sequence = np.array(mix.profile), np.array(mix.sequence)
    profiles, sequences = np.flatnonzero(profile), np.flatnonzero(sequence)
    personal = [*profile[profiles], *sequence[sequences]]
    trusted = np.array([*personal, 0.0, -1.0])
    return _Used(profiles, sequences, trusted, np.array([*np.zeros_like(personal), mix.topic, 1.0 + mix.popular]))


def _places(used: _Used) -> tuple[slice, slice, slice]:
    profiles, personal = len(used.profiles), len(used.always) - 2
    return slice(0, profiles), slice(profiles, personal), slice(personal, personal + 1)


def _trust(history: History, mix: Mix) -> float:
    return float(trust(np.array(len(history.slots), dtype=np.float64), mix.caution))


def best_of(total: Scores, count: int) -> list[int]:
    """Return the places of the highest scores, best first."""
    top = _among(total, count)
    top = top[np.argpartition(-total[top], count - 1)[:count]]
    # Ties by slot: the same question has the same answer.
    best: list[int] = top[np.lexsort((top, -total[top]))].tolist()
    return best


def _among(total: Scores, count: int) -> Slots:
    """Return few places with the highest scores among them: each is the best of its strip, or better than such."""
    height = len(total) // (_STRIPS * count)
    if height <= 1:
        return np.arange(len(total))
    strips = total[: len(total) // height * height].reshape(height, -1).max(axis=0)
    least = np.partition(strips, len(strips) - count)[len(strips) - count]
    return np.flatnonzero(total >= least)
