"""Translates what worlds report into interactions of the closed vocabulary."""

import re
from dataclasses import dataclass
from pathlib import Path

from avatar_adapter.domain import UnknownEventError, Visit
from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.interaction.v1.payload import Interaction
from kit.packs import Pack, PackError, load

WORLDS = Path(__file__).parent / "packs" / "worlds.yaml"
_SAYS = {"likes": 1.0, "dislikes": 0.0, "neither": 0.5}
_WORD = re.compile(r"\w+")


class _WorldsPack(Pack, frozen=True, kw_only=True):
    channel: str
    observed: dict[str, str | None]
    stepped: dict[str, str | None]
    meant: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened in a visit, ready to be told: in which audience, under which name, when, about what."""

    audience: str
    visit: Visit
    mid: bytes
    at_ms: int
    item: str
    topics: tuple[str, ...] = ()


class Vocabulary:
    """The pack of the worlds, read once."""

    def __init__(self, path: Path = WORLDS) -> None:
        """Read the pack; raises PackError when it names a kind that does not exist."""
        pack = load(path, _WorldsPack)
        self.version = f"{pack.id}/{pack.version}"
        self._channel = pack.channel
        self._observed = {event: _kind(name) for event, name in pack.observed.items()}
        self._stepped = {outcome: _kind(name) for outcome, name in pack.stepped.items()}
        self._meant = pack.meant

    def knows(self, event: str) -> None:
        """Raise UnknownEventError for an event that the pack does not have."""
        if event not in self._observed:
            raise UnknownEventError("the pack has no such event", field="e")

    def observed(self, event: str, happening: Happening) -> Interaction | None:
        """Return the interaction that an observed event is, None when it is not one."""
        self.knows(event)
        return self._interaction(self._observed[event], happening)

    def stepped(self, outcome: str, happening: Happening) -> Interaction | None:
        """Return the interaction that the outcome of a step is, None when it is not one."""
        return self._interaction(self._stepped.get(outcome), happening) if happening.item else None

    def corrected(self, says: str, happening: Happening) -> Interaction:
        """Return what the visitor says of the one topic of `happening`: "likes", "dislikes" or "neither"."""
        return Interaction(
            source=happening.audience,
            eid=happening.visit.eid,
            mid=happening.mid,
            kind=int(Kind.KIND_CORRECTED),
            at_ms=happening.at_ms,
            channel=self._channel,
            topics=happening.topics,
            value=_SAYS[says],
            version=happening.visit.version,
        )

    def played(self, much: float, happening: Happening) -> Interaction:
        """Return how much of the one topic of `happening` there was in the visitor's play."""
        return Interaction(
            source=happening.audience,
            eid=happening.visit.eid,
            mid=happening.mid,
            kind=int(Kind.KIND_PLAYED),
            at_ms=happening.at_ms,
            channel=self._channel,
            topics=happening.topics,
            value=much,
            version=happening.visit.version,
        )

    def meant(self, question: str) -> str:
        """Return the kind of answer that a question asks for when the world does not say."""
        if not question:
            return "rec"
        words = set(_WORD.findall(question.lower()))
        return next((kind for kind, signs in self._meant.items() if not words.isdisjoint(signs)), "faq")

    def _interaction(self, kind: int | None, happening: Happening) -> Interaction | None:
        if kind is None:
            return None
        return Interaction(
            source=happening.audience,
            eid=happening.visit.eid,
            mid=happening.mid,
            kind=kind,
            at_ms=happening.at_ms,
            channel=self._channel,
            item=happening.item or None,
            topics=happening.topics,
            version=happening.visit.version,
        )


def _kind(name: str | None) -> int | None:
    if name is None:
        return None
    try:
        return int(Kind.Value(f"KIND_{name.upper()}"))
    except ValueError:
        raise PackError(f"there is no kind {name}") from None
