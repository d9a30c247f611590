"""What a relationship is taken for: derived while reading from evidence that merges as a set.

Most messages say nothing, so each counts as the mixture log(ρ e^LLR + 1 − ρ). Older evidence weighs less in two ways:
slowly with time, and fast with every newer message, so that eight new messages outweigh fifty old ones.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from relationships.pack import RelationshipPack

UNKNOWN = "unknown"
#: Below these nothing is acted upon.
LEAST_OF_TYPE = 0.8
LEAST_OF_FAMILY = 0.7
#: Older evidence than this weighs a thousandth: it need not be kept.
MOST_EVIDENCE = 50
_SAYS_SOMETHING = 0.4
_MOST_RATIO = 4.0
_SLOW_MS = 90 * 86_400_000
_FAST_MESSAGES = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """What one message said: by stance, its log-likelihood ratio against saying nothing. The text is gone."""

    at_ms: int
    id: bytes
    ratios: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Relationship:
    """What is believed. `type` and `family` are unknown unless they may be acted upon."""

    type: str
    family: str
    declared: bool
    posterior: Mapping[str, float]


def gather(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return the newest evidence, each once: the same in any order and any split."""
    return tuple(sorted(set(evidence))[-MOST_EVIDENCE:])


def relationship(
    pack: RelationshipPack, evidence: Iterable[Evidence], at_ms: int, *, declared: str | None = None
) -> Relationship:
    """Return what a persona's relationship is taken for. What the persona declared outranks what was inferred."""
    believed = _posterior(pack, gather(evidence), at_ms)
    if declared in pack.types:
        return Relationship(declared, pack.types[declared].family, declared=True, posterior=believed)
    best = max(believed, key=believed.__getitem__)
    if believed[best] >= LEAST_OF_TYPE:
        return Relationship(best, pack.types[best].family, declared=False, posterior=believed)
    families = _summed(believed, lambda name: pack.types[name].family)
    family = max(families, key=families.__getitem__)
    known = family if families[family] >= LEAST_OF_FAMILY else UNKNOWN
    return Relationship(UNKNOWN, known, declared=False, posterior=believed)


def _posterior(pack: RelationshipPack, evidence: tuple[Evidence, ...], at_ms: int) -> dict[str, float]:
    scores = {name: math.log(each.prior.share) for name, each in pack.types.items()}
    for newer, each in enumerate(reversed(evidence)):
        age = max(0, at_ms - each.at_ms) / _SLOW_MS
        weight = 2.0 ** -(age + newer / _FAST_MESSAGES)
        ratios = dict(each.ratios)
        for name, kind in pack.types.items():
            scores[name] += weight * _tempered(ratios.get(name, ratios.get(kind.stance, 0.0)))
    return _normalised(scores)


def _tempered(ratio: float) -> float:
    clipped = max(-_MOST_RATIO, min(_MOST_RATIO, ratio))
    return math.log(_SAYS_SOMETHING * math.exp(clipped) + 1 - _SAYS_SOMETHING)


def _normalised(scores: Mapping[str, float]) -> dict[str, float]:
    most = max(scores.values())
    total = sum(math.exp(score - most) for score in scores.values())
    return {name: math.exp(score - most) / total for name, score in scores.items()}


def _summed(believed: Mapping[str, float], group: Callable[[str], str]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for name, probability in believed.items():
        sums[group(name)] += probability
    return sums
