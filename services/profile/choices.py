"""What a person says they want: not to be offered, not to be inferred, to be met in a relationship of their choice.

Nobody infers it, so it is kept apart from traits.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Literal

import msgspec

from services.profile.domain import OFFER, Decision
from services.profile.domain.errors import RemovalsFullError, RemovalUnknownError, UndoExpiredError
from services.profile.views import Signal, View

#: Removals of one facet; whoever removes more offers than that may remove all.
MOST_REMOVALS = 500
GIFT_TOPIC = "gift"
_REMOVED = "REMOVED"

What = Literal["offer", "brand", "gifts"]
Inference = Literal["likes", "dislikes", "wishes", "habits", "ranking", "relationship"]
WHAT: tuple[What, ...] = ("offer", "brand", "gifts")
#: Kinds of inference: what is told of a person, offers ranked by what it did, and how it wants to be met.
INFERENCES: tuple[Inference, ...] = ("likes", "dislikes", "wishes", "habits", "ranking", "relationship")


class Removal(msgspec.Struct, array_like=True, frozen=True):
    """One thing that is not to be offered, and since when; `ref` names an offer."""

    what: What
    ref: str
    at_ms: int


class Declaration(msgspec.Struct, array_like=True, frozen=True):
    """The relationship that the person wants: a type of the brand's pack, and the family that all packs know."""

    type: str
    family: str
    at_ms: int


class Choices(msgspec.Struct, array_like=True, frozen=True):
    """All that one facet carries, as it is kept."""

    removals: tuple[Removal, ...] = ()
    objections: tuple[Inference, ...] = ()
    declared: Declaration | None = None

    @property
    def removed_items(self) -> tuple[str, ...]:
        return tuple(each.ref for each in self.removals if each.what == "offer")

    @property
    def removed_topics(self) -> tuple[str, ...]:
        return (GIFT_TOPIC,) if self._has("gifts") else ()

    def find(self, what: What, ref: str) -> Removal | None:
        return next((each for each in self.removals if (each.what, each.ref) == (what, ref)), None)

    def remove(self, what: What, ref: str, at_ms: int) -> "Choices":
        """Return them with a removal; one that is there stays as it is. Raises RemovalsFullError."""
        if self.find(what, ref) is not None:
            return self
        if len(self.removals) >= MOST_REMOVALS:
            raise RemovalsFullError("too many removals: remove the brand", field="removal", limit=str(MOST_REMOVALS))
        return msgspec.structs.replace(self, removals=(*self.removals, Removal(what, ref, at_ms)))

    def restore(self, what: What, ref: str) -> "Choices":
        """Return them without a removal."""
        left = tuple(each for each in self.removals if (each.what, each.ref) != (what, ref))
        return msgspec.structs.replace(self, removals=left)

    def decided(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return decisions as they are told: who removed all that the brand offers is offered nothing."""
        if not self._has("brand"):
            return list(decisions)
        return [_refused(each) if each.purpose == OFFER and each.is_allowed else each for each in decisions]

    def told(self, view: View) -> View:
        """Return the view without what is objected to."""
        silent: dict[str, object] = {name: () for name in ("likes", "dislikes", "wishes") if name in self.objections}
        if "habits" in self.objections:
            silent |= {"recency_periods": 0, "kinds": (), "channels": (), "day_part": ""}
        return replace(view, **silent) if silent else view  # type: ignore[arg-type]

    def ranked(self, signals: list[Signal]) -> list[Signal]:
        """Return what may rank offers: an item met is not offered again, but with no weight it ranks none."""
        if "ranking" not in self.objections:
            return signals
        return [replace(each, weight=0.0, topics=()) for each in signals]

    def liked(self, likes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the likes that may rank offers."""
        return () if {"likes", "ranking"} & set(self.objections) else likes

    def _has(self, what: What) -> bool:
        return any(each.what == what for each in self.removals)


def merge(all_of: Collection[Choices]) -> Choices:
    """Return what holds for facets that are read as one: what any of them carries."""
    removals = {(each.what, each.ref): each for choices in all_of for each in choices.removals}
    objections = dict.fromkeys(each for choices in all_of for each in choices.objections)
    declared = [choices.declared for choices in all_of if choices.declared is not None]
    newest = max(declared, key=lambda each: (each.at_ms, each.type), default=None)
    return Choices(tuple(removals.values()), tuple(objections), newest)


def refuse_late(removal: Removal | None, now_ms: int, within_ms: int) -> None:
    """Raise RemovalUnknownError for none, UndoExpiredError for one that is too old."""
    if removal is None:
        raise RemovalUnknownError("there is no such removal", field="removal")
    if within_ms and now_ms - removal.at_ms > within_ms:
        raise UndoExpiredError("it is too late to undo this", field="removal", limit=f"{within_ms} ms")


def _refused(decision: Decision) -> Decision:
    return replace(decision, is_allowed=False, reason=_REMOVED)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Choices)


def encode(choices: Choices) -> bytes:
    return _encoder.encode(choices)


def decode(body: bytes) -> Choices:
    return _decoder.decode(body)
