"""What visitors do for themselves from inside a world: see, correct, object, remove. The visit is the proof."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from avatar_adapter import frames
from avatar_adapter.clients import subject_message, told
from avatar_adapter.cutting import Answer
from avatar_adapter.domain import Visit, World
from contracts.common.v1.subject_pb2 import Subject
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2
from doors.proofs import PERSON, Proofs, Proven

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

#: How long the key that a visit hands out opens the rest, at the gateway.
KEY_S = 3_600
UNDO_S = 10


class _Trait(msgspec.Struct):
    trait: str
    value: str


class _Reader(msgspec.Struct):
    audience: str
    purpose: str
    count: int


class _Benefit(msgspec.Struct):
    gave: dict[str, int]


class _Related(msgspec.Struct):
    family: str
    source: str


class _Seen(msgspec.Struct):
    """Of the person's document what fits into a frame; the rest is not read."""

    inferred: list[_Trait] = []
    readers: list[_Reader] = []
    benefits: list[_Benefit] = []
    objected: list[str] = []
    relationship: _Related | None = None


_document = msgspec.json.Decoder(_Seen)


@dataclass(frozen=True, slots=True)
class Persons:
    """The service that keeps personas, and what makes proofs. The service may be unknown, as to Names."""

    profiles: "ProfileServiceAsyncStub | None"
    proofs: Proofs

    async def answer(self, world: World, visit: Visit, frame: frames.PersonFrame, now_ms: int) -> Iterator[Answer]:
        """Carry out one frame of a visit; raises typed errors."""
        subject = subject_message(world, visit)
        match frame:
            case frames.See():
                return await self._see(subject)
            case frames.Object():
                return await self._object(subject, frame, now_ms)
            case frames.Remove():
                return await self._remove(subject, frame, now_ms)
            case frames.Relate():
                return await self._relate(subject, frame, now_ms)

    async def _see(self, subject: Subject) -> Iterator[Answer]:
        answer = await told(self.profiles).See(profile_pb2.SeeRequest(subject=subject))
        key, _ = self.proofs.issue(Proven(subject), PERSON, KEY_S)
        return _shown(_document.decode(answer.document), {"ok": 1, "key": key})

    async def _object(self, subject: Subject, frame: frames.Object, now_ms: int) -> Iterator[Answer]:
        request = profile_pb2.ObjectRequest(subject=subject, inferences=frame.inf, statement=_said(now_ms))
        await told(self.profiles).Object(request)
        return iter([{"ok": 1}])

    async def _remove(self, subject: Subject, frame: frames.Remove, now_ms: int) -> Iterator[Answer]:
        removal = profile_pb2.Removal(what=frame.what, ref=frame.ref, grounds=frame.on)
        if frame.undo:
            request = profile_pb2.RestoreRequest(
                subject=subject, removal=removal, within_ms=UNDO_S * 1000, statement=_said(now_ms)
            )
            await told(self.profiles).Restore(request)
            return iter([{"ok": 1}])
        asked = profile_pb2.RemoveRequest(subject=subject, removal=removal, statement=_said(now_ms))
        removed = await told(self.profiles).Remove(asked)
        left_s = UNDO_S - max(0, now_ms - removed.removed_at_ms) // 1000
        return iter([{"ok": 1, "undo": max(0, left_s)}])

    async def _relate(self, subject: Subject, frame: frames.Relate, now_ms: int) -> Iterator[Answer]:
        request = profile_pb2.DeclareRelationshipRequest(subject=subject, type=frame.type, statement=_said(now_ms))
        answer = await told(self.profiles).DeclareRelationship(request)
        return iter([{"ok": 1} | ({"rel": answer.family} if answer.family else {}), {"ok": 1}])


def _said(now_ms: int) -> Statement:
    return Statement(stated_at_ms=now_ms, method="frame")


def _shown(seen: _Seen, least: Answer) -> Iterator[Answer]:
    """Yield what is inferred, read and given beside a key; at last the key alone."""
    traits: dict[str, Any] = {}
    for each in seen.inferred:
        traits.setdefault(each.trait, []).append(each.value)
    read: dict[str, int] = {}
    for reader in seen.readers:
        who = f"{reader.audience} {reader.purpose}"
        read[who] = read.get(who, 0) + reader.count
    gave: dict[str, int] = {}
    for benefit in seen.benefits:
        for what, count in benefit.gave.items():
            gave[what] = gave.get(what, 0) + count
    if seen.relationship is not None and seen.relationship.family != "unknown":
        traits["rel"] = [seen.relationship.family, seen.relationship.source]
    shown = {"inf": traits, "read": read, "gave": gave, "obj": seen.objected}
    full = {key: value for key, value in shown.items() if value}
    yield least | full
    yield least | {key: value for key, value in full.items() if key != "read"}
    yield least
