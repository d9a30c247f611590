"""Differentially private counts: noise, and a threshold below which a key is not told.

Keys are not a closed list: topics and items are whatever sources send, and a key that one persona alone has would name
them by being there. So keys below a threshold stay away, and `delta` bounds the chance that one persona shows as a key.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: For each unit of epsilon: so one number is spent, and delta never adds up to more than this times the budget.
DELTA_PER_EPSILON = 1e-8
#: Beyond any audience; where the search for a threshold ends.
_MOST = 1 << 30


@dataclass(frozen=True, slots=True)
class Noisy:
    """Keys whose noisy counts reach the threshold."""

    counts: dict[str, int]
    threshold: int
    scale: float


def publish(counts: Mapping[str, int], keys: int, epsilon: float, least: int) -> Noisy:
    """Return counts that differ by the presence of one persona by a factor e^epsilon in their chances, at most.

    One persona is in the counts of at most so many `keys`, once in each. A noisy count below `least` is not told
    either. Takes seconds for the first time in a process, because opendp is loaded then.
    """
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=int))
    metric = dp.l01inf_distance(dp.absolute_distance(T=int))
    # So many keys change, so much in all, so much in one.
    presence = (keys, keys, 1)
    # A hair wider: rounded down, the noise would cost a hair more than was paid.
    scale = math.nextafter(keys / epsilon, math.inf)

    def over(threshold: int) -> Any:
        return dp.m.make_laplace_threshold(domain, metric, scale=scale, threshold=threshold)

    def is_paid(threshold: int) -> bool:
        lost, delta = over(threshold).map(presence)
        return bool(lost <= epsilon and delta <= DELTA_PER_EPSILON * epsilon)

    # From 2 on: what one persona alone has is told at no price.
    stable: int = dp.binary_search(lambda threshold: threshold > 1 and is_paid(threshold), bounds=(1, _MOST))
    threshold = max(least, stable)
    told: dict[str, int] = over(threshold)(dict(counts))
    return Noisy(told, threshold, scale)
