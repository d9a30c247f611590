"""What a person says they want: not to be offered, not to be inferred, to be met in a relationship of their choice.

Nobody infers it, so it is kept apart from traits.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

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


class Unwanted(NamedTuple):
    """What is to be removed or restored; `grounds` are items and topics that an offer rested on: they go with it."""

    what: What
    ref: str = ""
    grounds: tuple[str, ...] = ()


class Removal(msgspec.Struct, array_like=True, frozen=True):
    """One thing that is not to be offered, and since when; `ref` names an offer."""

    what: What
    ref: str
    at_ms: int
    #: Nothing is told or inferred from these while the removal stands.
    grounds: tuple[str, ...] = ()


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

    @property
    def forgone(self) -> frozenset[str]:
        """Items and topics that went with an offer that rested on them."""
        return frozenset(ground for each in self.removals for ground in each.grounds)

    def objects_to(self, inference: Inference, ref: str) -> bool:
        """Tell whether something that follows is neither told nor used. No offer rests on habits."""
        return inference in self.objections or (inference != "habits" and ref in self.forgone)

    def find(self, unwanted: Unwanted) -> Removal | None:
        return next((each for each in self.removals if (each.what, each.ref) == unwanted[:2]), None)

    def remove(self, unwanted: Unwanted, at_ms: int) -> "Choices":
        """Return them with a removal; one that is there gains what else it takes along. Raises RemovalsFullError."""
        before = self.find(unwanted)
        if before is None and len(self.removals) >= MOST_REMOVALS:
            raise RemovalsFullError("too many removals: remove the brand", field="removal", limit=str(MOST_REMOVALS))
        added = Removal(*unwanted[:2], at_ms, unwanted.grounds)
        if before is None:
            return msgspec.structs.replace(self, removals=(*self.removals, added))
        whole = _joined(before, added)
        return msgspec.structs.replace(
            self, removals=tuple(whole if each is before else each for each in self.removals)
        )

    def restore(self, unwanted: Unwanted) -> "Choices":
        """Return them without a removal: what went with it is there again, unless another one took it along too."""
        left = tuple(each for each in self.removals if (each.what, each.ref) != unwanted[:2])
        return msgspec.structs.replace(self, removals=left)

    def decided(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return decisions as they are told: who removed all that the brand offers is offered nothing."""
        if not self._has("brand"):
            return list(decisions)
        return [_refused(each) if each.purpose == OFFER and each.is_allowed else each for each in decisions]

    def told(self, view: View) -> View:
        """Return the view without what is objected to."""
        if not self.objections and not self.forgone:
            return view
        likes = tuple(each for each in view.likes if not self.objects_to("likes", each))
        dislikes = tuple(each for each in view.dislikes if not self.objects_to("dislikes", each))
        wishes = tuple(each for each in view.wishes if not self.objects_to("wishes", each.ref))
        told = replace(view, likes=likes, dislikes=dislikes, wishes=wishes)
        if "habits" in self.objections:
            return replace(told, recency_periods=0, kinds=(), channels=(), day_part="")
        return told

    def ranked(self, signals: list[Signal]) -> list[Signal]:
        """Return what may rank offers: an item met is not offered again, but with no weight it ranks none."""
        if "ranking" in self.objections:
            return [_met(each) for each in signals]
        forgone = self.forgone
        return [_without(each, forgone) for each in signals] if forgone else signals

    def liked(self, likes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the likes that may rank offers."""
        if "ranking" in self.objections:
            return ()
        return tuple(each for each in likes if not self.objects_to("likes", each))

    def _has(self, what: What) -> bool:
        return any(each.what == what for each in self.removals)


def merge(all_of: Collection[Choices]) -> Choices:
    """Return what holds for facets that are read as one: what any of them carries."""
    removals: dict[tuple[What, str], Removal] = {}
    for each in (removal for choices in all_of for removal in choices.removals):
        before = removals.get((each.what, each.ref))
        removals[each.what, each.ref] = each if before is None else _joined(before, each)
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


def _joined(before: Removal, after: Removal) -> Removal:
    grounds = dict.fromkeys((*before.grounds, *after.grounds))
    return msgspec.structs.replace(before, grounds=tuple(grounds))


def _met(signal: Signal) -> Signal:
    return replace(signal, weight=0.0, topics=())


def _without(signal: Signal, forgone: frozenset[str]) -> Signal:
    if signal.item in forgone:
        return _met(signal)
    return replace(signal, topics=tuple(each for each in signal.topics if each not in forgone))


def _refused(decision: Decision) -> Decision:
    return replace(decision, is_allowed=False, reason=_REMOVED)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Choices)


def encode(choices: Choices) -> bytes:
    return _encoder.encode(choices)


def decode(body: bytes) -> Choices:
    return _decoder.decode(body)
