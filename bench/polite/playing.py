"""Lets a policy meet all personas in the order of time, who remember what it did to them."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from bench.polite.lives import Life, Moment, Seen
from bench.polite.memory import Answer, Memory


class Policy(Protocol):
    """Decides by what is seen and told; what is hidden in a moment is kept from it."""

    def speaks(self, seen: Seen) -> bool: ...

    def told(self, seen: Seen, answer: Answer) -> None: ...


class Outcome(NamedTuple):
    """What came of a policy: offers that helped, contacts, removals with complaints, moments there were."""

    benefit: int = 0
    contacts: int = 0
    removals: int = 0
    complaints: int = 0
    moments: int = 0

    def plus(self, other: "Outcome") -> "Outcome":
        """Return both together."""
        return Outcome(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def play(lives: Sequence[Life], policy: Policy) -> Outcome:
    """Let a policy that sees what can be seen meet everybody."""
    return _play(lives, lambda moment, _annoyance: policy.speaks(moment.seen), policy.told)


def play_knowing(lives: Sequence[Life], speaks: Callable[[Moment, float], bool]) -> Outcome:
    """Let somebody meet everybody who knows what is hidden in a moment, and how annoyed the persona is."""
    return _play(lives, speaks, lambda _seen, _answer: None)


def _play(
    lives: Sequence[Life], speaks: Callable[[Moment, float], bool], told: Callable[[Seen, Answer], None]
) -> Outcome:
    memories = [Memory(life.kind) for life in lives]
    counts = dict.fromkeys(Answer, 0)
    moments = sorted((moment for life in lives for moment in life.moments), key=attrgetter("seen.at_ms"))
    for moment in moments:
        memory = memories[moment.seen.persona]
        if memory.admits(moment.seen) and speaks(moment, memory.annoyance_at(moment.seen.at_ms)):
            answer = memory.answer(moment)
            counts[answer] += 1
            told(moment.seen, answer)
    return Outcome(
        benefit=counts[Answer.ACCEPTED],
        contacts=sum(counts.values()),
        removals=counts[Answer.REMOVED] + counts[Answer.COMPLAINED],
        complaints=counts[Answer.COMPLAINED],
        moments=len(moments),
    )
