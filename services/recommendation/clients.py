"""Reads personas from the profile service, under consent, each time anew, and removes what they want removed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from grpc.aio import Channel

from contracts.common.v1.subject_pb2 import FormerId, KeyedPersona
from contracts.common.v1.subject_pb2 import Subject as SubjectMessage
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1.profile_pb2 import Bearing as BearingMessage
from contracts.profile.v1.profile_pb2 import Bought as BoughtMessage
from contracts.profile.v1.profile_pb2 import ReadCircleRequest, ReadSignalsRequest, Relationship, Removal, RemoveRequest
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from kit.errors import UnavailableError
from services.recommendation.domain import (
    Bearing,
    Bought,
    Circle,
    Decision,
    JourneyState,
    Keyed,
    Met,
    Persona,
    Signals,
    Subject,
)

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub

_METHOD = "rest"
_UNKNOWN = "unknown"
_STATES: dict[str, JourneyState] = {state: state for state in get_args(JourneyState)}


@dataclass(frozen=True, slots=True)
class CircleRead:
    """Whom decisions about a subject are kept for, and whether models may learn from what became of them."""

    circle: Circle
    may_learn: bool


class Personas:
    """The profile service, as far as ranking needs it; without a channel it is never there."""

    def __init__(self, channel: Channel | None) -> None:
        self._stub: ProfileServiceAsyncStub | None = None if channel is None else ProfileServiceStub(channel)

    async def read_signals(self, subject: Subject) -> Signals:
        """Return the persona's recent items and liked topics, oldest first, or a decision that denies them."""
        answer = await self._known().ReadSignals(ReadSignalsRequest(subject=_subject(subject)))
        decision = answer.decision
        return Signals(
            decision=Decision(
                decision.purpose, decision.is_allowed, decision.reason, decision.sequence, decision.record_id
            ),
            history=tuple(Met(signal.item, signal.weight) for signal in answer.signals),
            likes=tuple(answer.likes),
            draw_key=answer.draw_key,
            removed=frozenset(answer.removed_items),
            removed_topics=tuple(answer.removed_topics),
            circle=circle_from_proto(answer.circle),
            relationship=_relationship(answer.relationship),
            bought=bought_from_proto(answer.bought) if answer.HasField("bought") else None,
            bearing=bearing_from_proto(answer.bearing),
        )

    async def read_circle(self, subject: Subject) -> CircleRead:
        """Return whom decisions are kept for, whatever they allow; nobody for a subject nobody knows."""
        answer = await self._known().ReadCircle(ReadCircleRequest(subject=_subject(subject)))
        may_learn = bool(answer.decisions) and all(decision.is_allowed for decision in answer.decisions)
        return CircleRead(circle_from_proto(answer.circle), may_learn)

    async def remove(self, subject: Subject, item: str) -> None:
        """Remove an item for good, everywhere; in force when this returns."""
        removal, statement = Removal(what="offer", ref=item), Statement(method=_METHOD)
        await self._known().Remove(RemoveRequest(subject=_subject(subject), removal=removal, statement=statement))

    def _known(self) -> "ProfileServiceAsyncStub":
        if self._stub is None:
            raise UnavailableError("no profile service was named")
        return self._stub


def circle_from_proto(circle: Iterable[KeyedPersona]) -> Circle:
    return tuple(
        Keyed(Persona(each.persona.brand, each.persona.shard, each.persona.pid), each.decision_key) for each in circle
    )


def bought_from_proto(told: BoughtMessage) -> Bought:
    return Bought(told.days, told.first_day, told.last_day, told.spend)


def bearing_from_proto(told: BearingMessage) -> Bearing:
    risk = told.switching_risk if told.HasField("switching_risk") else None
    return Bearing(_STATES.get(told.journey, "unknown"), risk, tuple(told.play))


def _relationship(told: Relationship) -> str:
    return "" if told.type in {"", _UNKNOWN} else f"{told.pack}.{told.type}"


def _subject(subject: Subject) -> SubjectMessage:
    former = [FormerId(version=version, eid=eid) for version, eid in subject.former]
    return SubjectMessage(
        brand=subject.brand, audience=subject.audience, eid=subject.eid, version=subject.version, former=former
    )
