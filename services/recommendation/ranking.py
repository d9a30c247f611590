"""Scores every item for one history: EASE^R (Steck 2019) on a recent profile, transitions, popularity, topics.

Pure numpy over plain arrays. Each component is standardised over the candidates, so that blend weights compare and
what contributed can be told.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Abstention, Blend, Met, Offer, Ranking, Reason, Situation
from services.recommendation.sums import WEEK_MS, WEEKS, Counts, Sums

Scores = NDArray[np.float64]
Weights = NDArray[np.float32]

#: Evidence is shrunk by this many meetings, so that a pair met once together does not look inseparable.
_TRANSITION_SHRINKAGE = 10.0
#: Transitions of older items weigh less than a thousandth.
_SEQUENCE_LENGTH = 30
_REASONS = 3


class Fitted(NamedTuple):
    """Item-to-item weights over the slots that existed at the fit, and the version that this fit raised."""

    weights: Weights
    version: int


class History(NamedTuple):
    """Known and wanted items of one persona, oldest first, with how much each counts."""

    slots: NDArray[np.intp]
    profile: Scores
    sequence: Scores


class Asked(NamedTuple):
    """One question: who asks, what is known of them, what may be answered, how components are mixed."""

    situation: Situation
    history: History
    candidates: NDArray[np.bool_]
    blend: Blend


class Contribution(NamedTuple):
    """One component's part of every score, standardised and weighted; row i times strength i is what `refs[i]` gave."""

    scores: Scores
    refs: list[str]
    rows: NDArray[np.number]
    strengths: NDArray[np.floating]


class Scored(NamedTuple):
    """Every item's score, by component."""

    profile: Contribution
    sequence: Contribution
    popular: Scores
    topic: Contribution

    def personal(self) -> Scores:
        """Return what is owed to the persona's own history and likes."""
        return self.profile.scores + self.sequence.scores + self.topic.scores

    def total(self) -> Scores:
        """Return the sum of all components."""
        return self.personal() + self.popular


def fit(together: Counts, regularisation: float) -> Weights:
    """Return EASE^R weights: the ridge regression of every item on all others, in closed form.

    `together` is square and symmetric with the item counts on its diagonal. Costs one dense inverse in float64.
    """
    gram = together.astype(np.float64)
    diagonal = np.diag_indices(len(gram))
    gram[diagonal] += regularisation
    precision = np.linalg.inv(gram)
    weights: Scores = precision / -np.diag(precision)
    weights[diagonal] = 0.0
    return weights.astype(np.float32)


def rank(sums: Sums, fitted: Fitted, situation: Situation, blend: Blend) -> Ranking:
    """Return the best `situation.count` items that were not met and not excluded, or why nothing is offered."""
    if not sums.interactions:
        return Ranking((), Abstention.NOTHING_LEARNT, fitted.version)
    candidates = _candidates(sums, situation, blend)
    if not candidates.any():
        return Ranking((), Abstention.NOTHING_GOOD_ENOUGH, fitted.version)
    history = _history(sums, situation, blend)
    scored = _score(sums, fitted, Asked(situation, history, candidates, blend))
    total = np.where(candidates, scored.total(), -np.inf)
    best = _best(total, min(situation.count, int(candidates.sum())))
    if _trust(history, blend) >= blend.least_trust and scored.personal()[best[0]] <= blend.least_gain:
        return Ranking((), Abstention.NOTHING_GOOD_ENOUGH, fitted.version)
    reasons = _reasons(scored, best)
    offers = (Offer(sums.items[slot], float(total[slot]), why) for slot, why in zip(best, reasons, strict=True))
    return Ranking(tuple(offers), None, fitted.version)


def popularity(sums: Sums, at_ms: int, half_life_days: float) -> Scores:
    """Return decayed interactions per item; weeks after `at_ms` do not count, and with none before it all meetings do.

    Ages count from the newest week that does, so that a long silence changes no order.
    """
    last = min(at_ms // WEEK_MS, sums.newest_week)
    # Between two lessons it is the same for everybody who asks in the same week.
    question = (sums.interactions, sums.size, last, half_life_days)
    if sums.popularity is not None and sums.popularity[0] == question:
        return sums.popularity[1]
    kept = np.arange(sums.newest_week - WEEKS + 1, last + 1)
    decayed = sums.weeks[:, kept % WEEKS] @ np.exp2((kept - last) * 7.0 / half_life_days)
    answer: Scores = np.asarray(decayed if decayed.any() else sums.met, dtype=np.float64)
    sums.popularity = (question, answer)
    return answer


def _candidates(sums: Sums, situation: Situation, blend: Blend) -> NDArray[np.bool_]:
    candidates = sums.met >= blend.least_met
    met = {met.item for met in situation.history} | situation.exclude
    candidates[[sums.slots[item] for item in met if item in sums.slots]] = False
    removed = [sums.topics.index(topic) for topic in situation.removed_topics if topic in sums.topics]
    if removed:
        candidates &= ~sums.about[:, removed].any(axis=1)
    return np.asarray(candidates)


def _history(sums: Sums, situation: Situation, blend: Blend) -> History:
    unwanted = {met.item for met in situation.history if met.weight <= 0}
    # Met again moves an item to where it was met last.
    newest: dict[str, Met] = {}
    for met in situation.history:
        newest.pop(met.item, None)
        newest[met.item] = met
    known = [met for met in newest.values() if met.item in sums.slots and met.item not in unwanted]
    ages = np.arange(len(known))[::-1].astype(np.float64)
    strengths = np.array([met.weight for met in known], dtype=np.float64)
    return History(
        slots=np.array([sums.slots[met.item] for met in known], dtype=np.intp),
        profile=strengths * (blend.profile_floor + np.exp2(-ages / blend.profile_half_life)),
        sequence=strengths * np.exp2(-ages / blend.sequence_half_life),
    )


def _trust(history: History, blend: Blend) -> float:
    return len(history.slots) / (len(history.slots) + blend.caution)


def _score(sums: Sums, fitted: Fitted, asked: Asked) -> Scored:
    situation, history, candidates, blend = asked
    trust = _trust(history, blend)
    popular = np.log1p(popularity(sums, situation.at_ms, blend.popular_half_life_days))
    return Scored(
        profile=_contribution(_profile(sums, fitted, history), trust * blend.profile, candidates),
        sequence=_contribution(_sequence(sums, history), trust * blend.sequence, candidates),
        popular=(1.0 - trust + blend.popular) * _standardised(popular, candidates),
        topic=_contribution(_topics(sums, situation.likes), blend.topic, candidates),
    )


def _contribution(raw: Contribution, weight: float, candidates: NDArray[np.bool_]) -> Contribution:
    return raw._replace(scores=weight * _standardised(raw.scores, candidates))


def _profile(sums: Sums, fitted: Fitted, history: History) -> Contribution:
    # Slots taken after the fit have no weights yet; they count through transitions and popularity until the next one.
    size = len(fitted.weights)
    within = history.slots < size
    rows = fitted.weights[history.slots[within]]
    strengths = history.profile[within].astype(np.float32)
    scores = np.zeros(sums.size)
    scores[:size] = strengths @ rows
    return Contribution(scores, [sums.items[slot] for slot in history.slots[within]], rows, strengths)


def _sequence(sums: Sums, history: History) -> Contribution:
    slots = history.slots[-_SEQUENCE_LENGTH:]
    scale = 1.0 / np.sqrt(sums.met + _TRANSITION_SHRINKAGE)
    strengths = history.sequence[-_SEQUENCE_LENGTH:] * scale[slots]
    rows = sums.followed[slots]
    return Contribution((strengths @ rows) * scale, [sums.items[slot] for slot in slots], rows, strengths)


def _topics(sums: Sums, likes: tuple[str, ...]) -> Contribution:
    known = [topic for topic in likes if topic in sums.topics]
    rows = sums.about[:, [sums.topics.index(topic) for topic in known]].T / np.maximum(sums.met, 1)
    return Contribution(rows.sum(axis=0), known, rows, np.ones(len(known)))


def _standardised(scores: Scores, candidates: NDArray[np.bool_]) -> Scores:
    among = scores[candidates]
    spread = among.std()
    # A component that cannot tell candidates apart has nothing to say.
    return np.asarray((scores - among.mean()) / spread) if spread > 1e-9 else np.zeros_like(scores)  # noqa: PLR2004


def _best(total: Scores, count: int) -> list[int]:
    top = np.argpartition(-total, count - 1)[:count]
    # Ties by slot: the same question has the same answer.
    return [int(slot) for slot in sorted(top.tolist(), key=lambda slot: (-total[slot], slot))]


def _reasons(scored: Scored, best: list[int]) -> list[tuple[Reason, ...]]:
    """Return the strongest reasons for each of these items, all at once: numpy's calls cost more than its sums."""
    slots = np.array(best, dtype=np.intp)
    popular = np.maximum(scored.popular[slots], 0.0)
    whole = popular.copy()
    found = [[(gain, "popular_now", "")] for gain in popular.tolist()]
    for kind, contribution in (
        ("because_of_item", scored.profile),
        ("followed_item", scored.sequence),
        ("liked_topic", scored.topic),
    ):
        parts = _gains(contribution, slots)
        whole += parts.sum(axis=0)
        strongest = np.argsort(-parts, axis=0, kind="stable")[:_REASONS]
        gains = np.take_along_axis(parts, strongest, axis=0)
        for each, places, strengths in zip(found, strongest.T.tolist(), gains.T.tolist(), strict=True):
            each += [(gain, kind, contribution.refs[place]) for gain, place in zip(strengths, places, strict=True)]
    return [_named(each, total) for each, total in zip(found, whole.tolist(), strict=True)]


def _named(found: list[tuple[float, str, str]], whole: float) -> tuple[Reason, ...]:
    named = sorted((each for each in found if each[0] > 0), key=lambda each: -each[0])[:_REASONS]
    return tuple(Reason(kind, ref, gain / whole) for gain, kind, ref in named)


def _gains(contribution: Contribution, slots: NDArray[np.intp]) -> Scores:
    """Share what the component adds to each item's score among what made it: a row for each ref, a column an item."""
    parts = np.zeros((len(contribution.refs), len(slots)))
    known = slots < contribution.rows.shape[1]
    rows = contribution.rows[:, slots[known]].astype(np.float64)
    parts[:, known] = np.maximum(rows * contribution.strengths[:, np.newaxis], 0.0)
    totals = parts.sum(axis=0)
    gains = np.maximum(contribution.scores[slots], 0.0)
    return np.asarray(parts * np.divide(gains, totals, out=np.zeros_like(gains), where=totals > 0))
