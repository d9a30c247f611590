"""Scores every item for one history: what was met, what follows it, popularity, topics.

Pure numpy over plain arrays. Each component is standardised over the candidates, so that weights of a mix compare and
what contributed can be told. choosing.py weighs the very same components.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Abstention, Blend, Met, Mix, Mixes, Offer, Ranking, Reason, Situation
from services.recommendation.fitting import Weights
from services.recommendation.sums import WEEK_MS, WEEKS, Sums

Scores = NDArray[np.float64]

#: An item met p items ago weighs 2^(-p / half-life), in each profile and each sequence.
PROFILE_HALF_LIVES = (math.inf, 30.0, 8.0, 2.0)
SEQUENCE_HALF_LIVES = (1.0, 4.0)

#: Evidence is shrunk by this many meetings, so that a pair met once together does not look inseparable.
_TRANSITION_SHRINKAGE = 10.0
#: Transitions of older items weigh less than a hundredth.
_SEQUENCE_LENGTH = 30
_REASONS = 3


class Fitted(NamedTuple):
    """Item-to-item weights over the slots that existed at the fit, the version it raised, the brand's own mixes."""

    weights: Weights
    version: int
    #: None until they were chosen.
    mixes: Mixes | None = None


class History(NamedTuple):
    """Known and wanted items of one persona, oldest first, with how much each counts: a row for each half-life."""

    slots: NDArray[np.intp]
    profile: Scores
    sequence: Scores


class Asked(NamedTuple):
    """One question: who asks, what is known of them, what may be answered, how components are mixed."""

    situation: Situation
    history: History
    candidates: NDArray[np.bool_]
    mix: Mix


class Component(NamedTuple):
    """Scores of a kind, a row for each half-life; what row i of `rows` gave is told by `refs[i]` and column i."""

    scores: Scores
    refs: list[str]
    rows: NDArray[np.number]
    strengths: Scores


class Contribution(NamedTuple):
    """One component's part of every score, standardised and weighted; row i times strength i is what `refs[i]` gave."""

    scores: Scores
    refs: list[str]
    rows: NDArray[np.number]
    strengths: Scores


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

    def named(self) -> tuple[tuple[str, Contribution], ...]:
        """Return what refs contributed to, by the kind of reason they are."""
        return (("because_of_item", self.profile), ("followed_item", self.sequence), ("liked_topic", self.topic))


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
    total = np.where(candidates, scored.total(), -np.inf)
    best = best_of(total, min(situation.count, int(candidates.sum())))
    if _trust(history, mix) >= blend.least_trust and scored.personal()[best[0]] <= blend.least_gain:
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


def candidates_of(sums: Sums, situation: Situation, least_met: int) -> NDArray[np.bool_]:
    """Return which slots may be offered."""
    candidates = sums.met >= least_met
    met = {met.item for met in situation.history} | situation.exclude
    candidates[[sums.slots[item] for item in met if item in sums.slots]] = False
    removed = [sums.topics.index(topic) for topic in situation.removed_topics if topic in sums.topics]
    if removed:
        candidates &= ~sums.about[:, removed].any(axis=1)
    return np.asarray(candidates)


def history_of(sums: Sums, met: tuple[Met, ...]) -> History:
    """Return what counts of a history."""
    unwanted = {each.item for each in met if each.weight <= 0}
    # Met again moves an item to where it was met last.
    newest: dict[str, Met] = {}
    for each in met:
        newest.pop(each.item, None)
        newest[each.item] = each
    known = [each for each in newest.values() if each.item in sums.slots and each.item not in unwanted]
    ages = np.arange(len(known))[::-1].astype(np.float64)
    strengths = np.array([each.weight for each in known], dtype=np.float64)
    return History(
        slots=np.array([sums.slots[each.item] for each in known], dtype=np.intp),
        profile=strengths * _decayed(ages, PROFILE_HALF_LIVES),
        sequence=strengths * _decayed(ages, SEQUENCE_HALF_LIVES),
    )


def trust(known: Scores, caution: float) -> Scores:
    """Return what share of the answer is owed to histories of so many known items: half at `caution`."""
    return np.asarray(1.0 - np.exp2(-known / caution))


def profile_of(sums: Sums, weights: Weights, history: History) -> Component:
    """Score by what was met."""
    # Slots taken after the fit have no weights yet; they count through transitions and popularity until the next one.
    size = len(weights)
    within = history.slots < size
    rows = weights[history.slots[within]]
    strengths = history.profile[:, within]
    scores = np.zeros((len(strengths), sums.size))
    scores[:, :size] = strengths.astype(np.float32) @ rows
    return Component(scores, [sums.items[slot] for slot in history.slots[within]], rows, strengths)


def sequence_of(sums: Sums, history: History) -> Component:
    """Score by what followed the newest items."""
    slots = history.slots[-_SEQUENCE_LENGTH:]
    scale = 1.0 / np.sqrt(np.maximum(sums.met, 0) + _TRANSITION_SHRINKAGE)
    strengths = history.sequence[:, -_SEQUENCE_LENGTH:] * scale[slots]
    rows = sums.followed[slots].astype(np.float32)
    scores = (strengths.astype(np.float32) @ rows) * scale
    return Component(scores, [sums.items[slot] for slot in slots], rows, strengths)


def standardised(scores: Scores, candidates: NDArray[np.bool_]) -> tuple[Scores, Scores]:
    """Return each row with mean 0 and spread 1 over the candidates, and what it was divided by."""
    # By a product, not by picking them out, which would copy nearly everything.
    share = candidates / max(1, int(np.count_nonzero(candidates)))
    centred = scores - (scores @ share)[:, np.newaxis]
    spread = np.sqrt(np.square(centred) @ share)[:, np.newaxis]
    # A component that cannot tell candidates apart has nothing to say.
    says = spread > 1e-9  # noqa: PLR2004
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=says)
    centred *= scale
    return centred, scale


def _decayed(ages: Scores, half_lives: tuple[float, ...]) -> Scores:
    return np.asarray(np.exp2(-ages / np.array(half_lives)[:, np.newaxis]))


def _trust(history: History, mix: Mix) -> float:
    return float(trust(np.array(len(history.slots), dtype=np.float64), mix.caution))


def mix_of(mixes: Mixes, situation: Situation) -> Mix:
    """Return the mix for the kind of question that this is."""
    return mixes.missing if situation.at_ms < situation.newest_at_ms else mixes.following


def score(sums: Sums, fitted: Fitted, asked: Asked, half_life_days: float) -> Scored:
    """Score every item by component."""
    situation, history, candidates, mix = asked
    trusted = _trust(history, mix)
    popular = np.log1p(popularity(sums, situation.at_ms, half_life_days))
    # Most mixes use half of the half-lives: the others need not be worked out.
    profiles, sequences = np.array(mix.profile), np.array(mix.sequence)
    used = history._replace(profile=history.profile[profiles != 0], sequence=history.sequence[sequences != 0])
    return Scored(
        profile=_contribution(profile_of(sums, fitted.weights, used), trusted * profiles[profiles != 0], candidates),
        sequence=_contribution(sequence_of(sums, used), trusted * sequences[sequences != 0], candidates),
        popular=(1.0 - trusted + mix.popular) * standardised(popular[np.newaxis], candidates)[0][0],
        topic=_contribution(_topics(sums, situation.likes), np.array([mix.topic]), candidates),
    )


def _contribution(component: Component, weights: Scores, candidates: NDArray[np.bool_]) -> Contribution:
    scores, scale = standardised(component.scores, candidates)
    strengths = (weights * scale[:, 0]) @ component.strengths
    return Contribution(weights @ scores, component.refs, component.rows, strengths)


def _topics(sums: Sums, likes: tuple[str, ...]) -> Component:
    known = [topic for topic in likes if topic in sums.topics]
    rows = sums.about[:, [sums.topics.index(topic) for topic in known]].T / np.maximum(sums.met, 1)
    return Component(rows.sum(axis=0)[np.newaxis], known, rows, np.ones((1, len(known))))


def best_of(total: Scores, count: int) -> list[int]:
    """Return the places of the highest scores, best first."""
    top = np.argpartition(-total, count - 1)[:count]
    # Ties by slot: the same question has the same answer.
    return [int(slot) for slot in sorted(top.tolist(), key=lambda slot: (-total[slot], slot))]


def _reasons(scored: Scored, best: list[int]) -> list[tuple[Reason, ...]]:
    """Return the strongest reasons for each of these items, all at once: numpy's calls cost more than its sums."""
    slots = np.array(best, dtype=np.intp)
    popular = np.maximum(scored.popular[slots], 0.0)
    whole = popular.copy()
    found = [[(gain, "popular_now", "")] for gain in popular.tolist()]
    for kind, contribution in scored.named():
        parts = _gains(contribution, slots)
        whole += parts.sum(axis=0)
        strongest = np.argsort(-parts, axis=0, kind="stable")[:_REASONS]
        gains = np.take_along_axis(parts, strongest, axis=0)
        for each, places, strengths in zip(found, strongest.T.tolist(), gains.T.tolist(), strict=True):
            each += [(gain, kind, contribution.refs[place]) for gain, place in zip(strengths, places, strict=True)]
    return [_named(each, total) for each, total in zip(found, whole.tolist(), strict=True)]


def parts_of(scored: Scored, slot: int) -> list[tuple[str, str, float]]:
    """Return what an item's score is made of: kind, what it names, how much. They add up to the score.

    "usual" is what the same history and likes give an average candidate, which standardising takes away.
    """
    parts = [("popular_now", "", float(scored.popular[slot]))]
    usual = 0.0
    for kind, contribution in scored.named():
        known = slot < contribution.rows.shape[1]
        amounts = contribution.rows[:, slot] * contribution.strengths if known else np.zeros(0)
        parts += [(kind, ref, amount) for ref, amount in zip(contribution.refs, amounts.tolist(), strict=False)]
        usual += float(contribution.scores[slot] - amounts.sum())
    return [*parts, ("usual", "", usual)]


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
