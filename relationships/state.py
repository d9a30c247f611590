"""What a relationship is taken for: derived while reading from evidence that merges as a set.

Most messages say nothing, so each counts as the mixture log(ρ e^LLR + 1 − ρ). Older evidence weighs less in two ways:
slowly with time, and fast with every newer message, so that eight new messages outweigh fifty old ones. What somebody
did counts alike and fades more slowly; all of it together says no more than two clear messages.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from relationships.pack import UNKNOWN, RelationshipPack

#: Below these nothing is acted upon.
LEAST_OF_TYPE = 0.8
LEAST_OF_FAMILY = 0.7
#: Older evidence than this weighs a thousandth: it need not be kept.
MOST_EVIDENCE = 50
#: Beyond this a message says no more.
MOST_RATIO = 4.0
_SAYS_SOMETHING = 0.4
_SLOW_MS = 90 * 86_400_000
_FAST_MESSAGES, _FAST_ACTIONS = 5.0, 20.0
_MOST_OF_ACTIONS = 2.0


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """What one message said: by stance, its log-likelihood ratio against saying nothing. The text is gone."""

    at_ms: int
    id: bytes
    ratios: tuple[tuple[str, float], ...]


class Action(NamedTuple):
    """One thing that was done, by its kind; where it came with a text, that has the same id.

    A tuple, since dozens are put in order with each read.
    """

    at_ms: int
    id: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Declared:
    """The type that a person wants, and its family, which other packs know too."""

    type: str
    family: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """What is believed. `type` and `family` are unknown unless they may be acted upon.

    `confidence` is how likely the finer of the two is, 0 where both are unknown, 1 where it was declared.
    """

    type: str
    family: str
    declared: bool
    posterior: Mapping[str, float]
    confidence: float = 0.0


#: While nothing is known, or nothing may be.
NOTHING_KNOWN = Relationship(UNKNOWN, UNKNOWN, declared=False, posterior={})


def gather(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return the newest evidence, each once: the same in any order and any split."""
    return tuple(sorted(set(evidence))[-MOST_EVIDENCE:])


def relationship(
    pack: RelationshipPack,
    evidence: Iterable[Evidence],
    at_ms: int,
    *,
    actions: Iterable[Action] = (),
    declared: Declared | None = None,
) -> Relationship:
    """Return what a persona's relationship is taken for. What the persona declared outranks what was inferred."""
    believed = _posterior(pack, gather(evidence), actions, at_ms)
    if declared is not None:
        known = pack.types.get(declared.type)
        family = declared.family if known is None else known.family
        return Relationship(declared.type if known else UNKNOWN, family, True, believed, 1.0)
    best = max(believed, key=believed.__getitem__)
    if believed[best] >= LEAST_OF_TYPE:
        return Relationship(best, pack.types[best].family, False, believed, believed[best])
    families = _summed(believed, lambda name: pack.types[name].family)
    family = max(families, key=families.__getitem__)
    if families[family] < LEAST_OF_FAMILY:
        return Relationship(UNKNOWN, UNKNOWN, False, believed)
    return Relationship(UNKNOWN, family, False, believed, families[family])


def _posterior(
    pack: RelationshipPack, evidence: tuple[Evidence, ...], actions: Iterable[Action], at_ms: int
) -> dict[str, float]:
    scores = {name: math.log(each.prior.share) for name, each in pack.types.items()}
    for newer, each in enumerate(reversed(evidence)):
        weight = _weight(at_ms - each.at_ms, newer / _FAST_MESSAGES)
        ratios = dict(each.ratios)
        for name, kind in pack.types.items():
            scores[name] += weight * tempered(ratios.get(name, ratios.get(kind.stance, 0.0)))
    # What came with a text has been heard.
    heard = {each.id for each in evidence}
    done = _done((each for each in actions if each.id not in heard), at_ms)
    for name, kind in pack.types.items():
        said = sum(weight * tempered(kind.behaviours.get(each, 0.0)) for each, weight in done.items())
        scores[name] += max(-_MOST_OF_ACTIONS, min(_MOST_OF_ACTIONS, said))
    return _normalised(scores)


def _done(actions: Iterable[Action], at_ms: int) -> dict[str, float]:
    """Return by kind how much was done."""
    done: defaultdict[str, float] = defaultdict(float)
    for newer, each in enumerate(sorted(set(actions), reverse=True)):
        done[each.kind] += _weight(at_ms - each.at_ms, newer / _FAST_ACTIONS)
    return done


def _weight(age_ms: int, newer: float) -> float:
    return math.pow(2.0, -max(0, age_ms) / _SLOW_MS - newer)


@lru_cache(maxsize=256)
def tempered(ratio: float) -> float:
    """Return what a message says on the whole, when most messages say nothing."""
    clipped = max(-MOST_RATIO, min(MOST_RATIO, ratio))
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
