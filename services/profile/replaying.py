"""The pure part of a replay: what is stored of a facet, folded under the live pack and under a candidate."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from services.profile.candidate import Candidate, Rule
from services.profile.stored import Stored, decode
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

# Trimming costs as much for one interaction as for a thousand; more would only wait in memory.
_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Window:
    """Which event times count, in milliseconds since 1970 UTC; the end does not belong to it. None is open."""

    from_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.from_ms is None and self.until_ms is None

    def chosen(self, interactions: list[Stored]) -> list[Stored]:
        if self.is_whole:
            return interactions
        least = -1 if self.from_ms is None else self.from_ms
        most = self.until_ms
        return [each for each in interactions if each.at_ms >= least and (most is None or each.at_ms < most)]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a replay folds with, and of which time; without a candidate it only recomputes.

    Views are compared as they stand at `at_ms`.
    """

    weights: Weights
    window: Window
    at_ms: int
    candidate: Candidate | None = None


@dataclass(slots=True)
class Refolded:
    """What became of one facet's blocks under both packs."""

    live: Traits = field(default_factory=Traits)
    candidate: Traits = field(default_factory=Traits)
    interactions: int = 0
    folded: int = 0
    _waiting: list[Stored] = field(default_factory=list)

    def add(self, block: bytes, trial: Trial) -> None:
        """Take one opened block in; `settle` when it was the last."""
        interactions = decode(block)
        self.interactions += len(interactions)
        self._waiting += trial.window.chosen(interactions)
        if len(self._waiting) >= _AT_ONCE:
            self.settle(trial)

    def settle(self, trial: Trial) -> None:
        waiting, self._waiting = self._waiting, []
        self.folded += len(waiting)
        absorb(self.live, waiting, trial.weights)
        if trial.candidate is not None:
            absorb(self.candidate, translated(waiting, trial.candidate), trial.candidate.weights)


def translated(interactions: Sequence[Stored], candidate: Candidate) -> Iterable[Stored]:
    """Return what the candidate makes of stored interactions; the first rule that fits one counts."""
    if not candidate.rules and not candidate.topics:
        return interactions
    rules: dict[int, list[Rule]] = {}
    for rule in candidate.rules:
        rules.setdefault(rule.kind, []).append(rule)
    return _translated(interactions, rules, candidate.topics)


def _translated(
    interactions: Iterable[Stored], rules: Mapping[int, list[Rule]], topics: Mapping[str, str | None]
) -> Iterator[Stored]:
    for each in interactions:
        kind = _kind_of(each, rules)
        if kind is None:
            continue
        told = _topics_of(each.topics, topics)
        if kind == each.kind and told is each.topics:
            yield each
        else:
            yield msgspec.structs.replace(each, kind=kind, topics=told)


def _kind_of(each: Stored, rules: Mapping[int, list[Rule]]) -> int | None:
    for rule in rules.get(each.kind, ()):
        if rule.source in (None, each.source) and rule.channel in (None, each.channel):
            return rule.to
    return each.kind


def _topics_of(told: tuple[str, ...], topics: Mapping[str, str | None]) -> tuple[str, ...]:
    if topics.keys().isdisjoint(told):
        return told
    renamed = (topics.get(topic, topic) for topic in told)
    return tuple(dict.fromkeys(topic for topic in renamed if topic is not None))
