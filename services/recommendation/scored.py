"""Every item's score, and what it is made of: told for the few that are asked about."""

from typing import NamedTuple

import numpy as np

from services.recommendation.components import Numbers, Scores, Source
from services.recommendation.domain import Reason
from services.recommendation.sums import Slots

_REASONS = 3
_POPULAR = "popular_now"


class Contribution(NamedTuple):
    """What refs gave: `amounts` times what the matrix and the scale of the source have for a slot."""

    kind: str
    source: Source
    amounts: Numbers
    #: Its rows of the scores.
    place: slice

    def parts(self, slots: Slots) -> Numbers:
        """Return what each ref gave to each of these slots: a row for each ref."""
        refs, matrix, rows, _, scale = self.source
        if not refs:
            return np.zeros((0, len(slots)))
        # Weights may be older than the newest slots.
        there = np.minimum(slots, len(scale) - 1)
        entries = matrix[rows[:, np.newaxis], there] * self.amounts[:, np.newaxis]
        return np.asarray(entries * (scale[there] * (there == slots)))


class Scored(NamedTuple):
    """Standardised rows of scores, and how each is weighted; popularity is the last."""

    rows: Scores
    weights: Numbers
    contributions: tuple[Contribution, ...]

    def total(self) -> Scores:
        """Return the score of every item."""
        return np.asarray(self.weights.astype(np.float32) @ self.rows)

    def popular(self, slots: Slots) -> Numbers:
        """Return what popularity gives to each of these."""
        return np.asarray(self.weights[-1] * self.rows[-1, slots])

    def personal(self, slot: int) -> float:
        """Return what is owed to the persona's own history and likes."""
        return float(self.weights[:-1] @ self.rows[:-1, slot])


def parts_of(scored: Scored, slot: int, score: float) -> list[tuple[str, str, float]]:
    """Return what an item's score is made of: kind, what it names, how much. They add up to the score.

    "usual" is what the same history and likes give an average candidate, which standardising takes away.
    """
    slots = np.array([slot])
    parts = [(_POPULAR, "", float(scored.popular(slots)[0]))]
    for each in scored.contributions:
        amounts = each.parts(slots)[:, 0].tolist()
        parts += [(each.kind, ref, amount) for ref, amount in zip(each.source.refs, amounts, strict=True)]
    return [*parts, ("usual", "", score - sum(amount for _, _, amount in parts))]


def reasons_of(scored: Scored, best: list[int]) -> list[tuple[Reason, ...]]:
    """Return the strongest reasons for each of these items, all at once: numpy's calls cost more than its sums."""
    slots = np.array(best, dtype=np.intp)
    popular = np.maximum(scored.popular(slots), 0.0)
    whole = popular.copy()
    found = [[(gain, _POPULAR, "")] for gain in popular.tolist()]
    for each in scored.contributions:
        gains = _gains(scored, each, slots)
        whole += gains.sum(axis=0)
        strongest = np.argsort(-gains, axis=0, kind="stable")[:_REASONS]
        most = np.take_along_axis(gains, strongest, axis=0)
        for told, places, amounts in zip(found, strongest.T.tolist(), most.T.tolist(), strict=True):
            refs = each.source.refs
            told += [(amount, each.kind, refs[place]) for amount, place in zip(amounts, places, strict=True)]
    return [_named(each, total) for each, total in zip(found, whole.tolist(), strict=True)]


def _gains(scored: Scored, contribution: Contribution, slots: Slots) -> Numbers:
    """Share what the component adds to each item's score among what made it: a row for each ref, a column an item."""
    parts = np.maximum(contribution.parts(slots), 0.0)
    totals = parts.sum(axis=0)
    gains = np.maximum(scored.weights[contribution.place] @ scored.rows[contribution.place, slots], 0.0)
    return np.asarray(parts * np.divide(gains, totals, out=np.zeros_like(gains), where=totals > 0))


def _named(found: list[tuple[float, str, str]], whole: float) -> tuple[Reason, ...]:
    named = sorted((each for each in found if each[0] > 0), key=lambda each: -each[0])[:_REASONS]
    return tuple(Reason(kind, ref, gain / whole) for gain, kind, ref in named)
