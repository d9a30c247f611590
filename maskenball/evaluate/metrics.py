"""Ranking metrics over the full ranking, averaged over users."""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

SHORT = 10
LONG = 20


class Metrics(NamedTuple):
    """nDCG, hit rate and reciprocal rank of the first ten, recall of the first twenty."""

    ndcg: float
    hit_rate: float
    reciprocal_rank: float
    recall: float

    def named(self) -> dict[str, float]:
        """Return the metrics under their public names."""
        return {
            f"ndcg@{SHORT}": self.ndcg,
            f"hr@{SHORT}": self.hit_rate,
            f"recall@{LONG}": self.recall,
            f"mrr@{SHORT}": self.reciprocal_rank,
        }


def measure(ranked: Sequence[int], right: AbstractSet[int]) -> Metrics:
    """Return one user's metrics; a ranking that is short or empty has no hits further down."""
    hits = [item in right for item in ranked[:LONG]]
    gains = [1 / math.log2(place + 2) for place in range(SHORT)]
    gained = sum(gain for gain, hit in zip(gains, hits, strict=False) if hit)
    first = next((place for place, hit in enumerate(hits[:SHORT]) if hit), None)
    return Metrics(
        ndcg=gained / sum(gains[: len(right)]),
        hit_rate=float(first is not None),
        reciprocal_rank=0.0 if first is None else 1 / (first + 1),
        recall=sum(hits) / len(right),
    )


def mean(measured: Sequence[Metrics]) -> Metrics:
    """Return the average over users."""
    return Metrics(*(sum(column) / len(measured) for column in zip(*measured, strict=True)))
