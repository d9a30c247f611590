"""Reads personas from the profile service, under consent, each time anew."""

from grpc.aio import Channel

from contracts.common.v1.subject_pb2 import Subject as SubjectMessage
from contracts.profile.v1.profile_pb2 import ReadSignalsRequest
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from kit.errors import UnavailableError
from services.recommendation.domain import Decision, Met, Signals, Subject


class Personas:
    """The profile service, as far as ranking needs it; without a channel it is never there."""

    def __init__(self, channel: Channel | None) -> None:
        self._stub = None if channel is None else ProfileServiceStub(channel)

    async def read_signals(self, subject: Subject) -> Signals:
        """Return the persona's recent items and liked topics, oldest first, or a decision that denies them."""
        if self._stub is None:
            raise UnavailableError("no profile service was named")
        request = ReadSignalsRequest(
            subject=SubjectMessage(brand=subject.brand, audience=subject.audience, eid=subject.eid)
        )
        answer = await self._stub.ReadSignals(request)
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
        )
