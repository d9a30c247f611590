"""What the profile service asks of others: consent, from the truth."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc

from contracts.avatar.v1 import avatar_pb2
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from contracts.profile.v1 import events_pb2
from contracts.recommendation.v1 import recommendation_pb2
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.fence import Stream, Wire
from services.profile.domain import Confirmed, ConsentRecord, Decision, Intent, Masks, Named, Persona, Statement
from services.profile.person import DecidedPage, Remembered

if TYPE_CHECKING:
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub
    from contracts.consent.v1.consent_pb2_grpc import ConsentServiceAsyncStub
    from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceAsyncStub

_MANY = 20_000
_MANY_GRANTS = 1_000
# Folders are patient; an RPC on whose behalf this is done ends earlier.
_PATIENT_S = 10.0
_PROJECTION_S = 2.0


class ConsentClient:
    """The consent service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        # The generated stub works on both kinds of channel; its type for this one exists in the annotations alone.
        self._stub: ConsentServiceAsyncStub = ConsentServiceStub(channel)

    async def check(self, persona: Persona, audience: str, purposes: Sequence[str]) -> list[Decision]:
        """Return one decision per purpose, in the order asked."""
        request = consent_pb2.CheckRequest(persona=persona_to_proto(persona), audience=audience, purposes=purposes)
        answer = await self._stub.Check(request)
        return [decision_from_proto(decision) for decision in answer.decisions]

    async def check_many(
        self, brand: str, audience: str, purposes: Sequence[str], personas: Sequence[Persona]
    ) -> Masks:
        """Return one mask per persona: bit i says whether purposes[i] is allowed."""
        chunks = [personas[start : start + _MANY] for start in range(0, len(personas), _MANY)]
        requests = [
            consent_pb2.CheckManyRequest(
                brand=brand,
                audience=audience,
                purposes=purposes,
                shards=[persona.shard for persona in chunk],
                pids=[persona.pid for persona in chunk],
            )
            for chunk in chunks
        ]
        answers = await asyncio.gather(*(self._stub.CheckMany(request, timeout=_PATIENT_S) for request in requests))
        # The answers come from several snapshots in any order: of a shard that several name, the oldest counts.
        newest_first = sorted((-head.sequence, head.shard) for answer in answers for head in answer.heads)
        return Masks(
            [mask for answer in answers for mask in answer.allowed],
            [until_ms for answer in answers for until_ms in answer.holds_until_ms],
            {shard: -negative for negative, shard in newest_first},
        )

    def hold(self) -> Wire:
        """Open a connection to the authority of the fence."""
        return Stream(self._stub.Hold(), consent_pb2, "Hold")

    async def grant(
        self, persona: Persona, audience: str, purposes: Sequence[str], statement: Statement
    ) -> list[ConsentRecord]:
        request = consent_pb2.GrantRequest(
            persona=persona_to_proto(persona),
            audience=audience,
            purposes=purposes,
            statement=statement_to_proto(statement),
        )
        answer = await self._stub.Grant(request, timeout=_PATIENT_S)
        return [record_from_proto(record) for record in answer.records]

    async def grant_many(
        self, grants: Sequence[tuple[Persona, int]], audience: str, purposes: Sequence[str], statement: Statement
    ) -> None:
        """Record the same of many personas of one brand, each with the time at which it was said."""
        for start in range(0, len(grants), _MANY_GRANTS):
            chunk = grants[start : start + _MANY_GRANTS]
            request = consent_pb2.GrantManyRequest(
                brand=chunk[0][0].brand,
                audience=audience,
                purposes=purposes,
                statement=statement_to_proto(statement),
                shards=[persona.shard for persona, _ in chunk],
                pids=[persona.pid for persona, _ in chunk],
                stated_at_ms=[at_ms for _, at_ms in chunk],
            )
            await self._stub.GrantMany(request, timeout=_PATIENT_S)

    async def withdraw(
        self, persona: Persona, audience: str, purposes: Sequence[str], statement: Statement
    ) -> list[ConsentRecord]:
        """Return the records now in force; no purposes means all."""
        request = consent_pb2.WithdrawRequest(
            persona=persona_to_proto(persona),
            audience=audience,
            purposes=purposes,
            statement=statement_to_proto(statement),
        )
        answer = await self._stub.Withdraw(request, timeout=_PATIENT_S)
        return [record_from_proto(record) for record in answer.records]

    async def confirm(self, whose: Named, intent: Intent, purposes: Sequence[str], statement: Statement) -> Confirmed:
        """State a grant or a withdrawal; return what is in force, and a receipt under the name the audience has."""
        request = consent_pb2.GrantRequest(
            persona=persona_to_proto(whose.persona),
            audience=whose.audience,
            purposes=purposes,
            statement=statement_to_proto(statement),
            handle=whose.handle,
        )
        if intent is Intent.GRANT:
            granted = await self._stub.Grant(request, timeout=_PATIENT_S)
            return Confirmed([record_from_proto(record) for record in granted.records], granted.receipt)
        # The two requests have the same fields under the same numbers.
        taking = consent_pb2.WithdrawRequest.FromString(request.SerializeToString())
        answer = await self._stub.Withdraw(taking, timeout=_PATIENT_S)
        return Confirmed([record_from_proto(record) for record in answer.records], answer.receipt)

    async def explain(self, whose: Named, purpose: str) -> bytes:
        """Return why a purpose is allowed or denied, as the consent service says it: nothing here reads it."""
        request = consent_pb2.ExplainRequest(
            persona=persona_to_proto(whose.persona), audience=whose.audience, purpose=purpose, handle=whose.handle
        )
        return (await self._stub.Explain(request)).SerializeToString()

    async def document(self, whose: Named, purpose: str) -> str:
        """Return the record in force as JSON-LD, "" for none."""
        request = consent_pb2.ExplainRequest(
            persona=persona_to_proto(whose.persona), audience=whose.audience, purpose=purpose, handle=whose.handle
        )
        return (await self._stub.Explain(request)).document

    async def issue_receipt(self, whose: Named) -> str:
        """Return a signed receipt of everything in force."""
        request = consent_pb2.IssueReceiptRequest(
            persona=persona_to_proto(whose.persona), audience=whose.audience, handle=whose.handle
        )
        return (await self._stub.IssueReceipt(request)).receipt

    async def erase(self, personas: Sequence[Persona], statement: Statement) -> None:
        """Have everything denied that was ever recorded of these, who are of one brand; no reader can use it then."""
        request = consent_pb2.EraseRequest(
            brand=personas[0].brand,
            shards=[persona.shard for persona in personas],
            pids=[persona.pid for persona in personas],
            statement=statement_to_proto(statement),
        )
        await self._stub.Erase(request, timeout=_PATIENT_S)

    async def note_choice(self, personas: Sequence[Persona], statement: Statement) -> None:
        """Record that these, who are of one brand, have chosen; no reader uses then what it kept of them before."""
        request = consent_pb2.NoteChoiceRequest(
            brand=personas[0].brand,
            shards=[persona.shard for persona in personas],
            pids=[persona.pid for persona in personas],
            statement=statement_to_proto(statement),
        )
        await self._stub.NoteChoice(request, timeout=_PATIENT_S)

    async def list_consents(self, persona: Persona, audience: str) -> list[ConsentRecord]:
        request = consent_pb2.ListConsentsRequest(persona=persona_to_proto(persona), audience=audience)
        answer = await self._stub.ListConsents(request)
        return [record_from_proto(record) for record in answer.records]


class Rankings:
    """The recommendation service, which learnt from some."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: RecommendationServiceAsyncStub = RecommendationServiceStub(channel)

    async def unlearn(self, brand: str, batch_id: bytes, lessons: bytes) -> None:
        """Have lessons taken back, durably; taking a batch back twice changes nothing."""
        request = recommendation_pb2.UnlearnRequest(
            brand=brand, batch_id=batch_id, lessons=events_pb2.Lessons.FromString(lessons)
        )
        await self._stub.Unlearn(request, timeout=_PATIENT_S)

    async def erase(self, personas: Sequence[Persona]) -> None:
        """Have everything deleted that was decided about these; deleting twice is harmless."""
        request = recommendation_pb2.ErasePersonasRequest(personas=map(persona_to_proto, personas))
        await self._stub.ErasePersonas(request, timeout=_PROJECTION_S)

    async def decided(self, keyed: Sequence[tuple[Persona, bytes]], after: bytes = b"") -> DecidedPage:
        """Return a page of what was decided about these, each with the key of what is kept of it."""
        personas = [
            subject_pb2.KeyedPersona(persona=persona_to_proto(persona), decision_key=key) for persona, key in keyed
        ]
        request = recommendation_pb2.ListDecisionsRequest(personas=personas, after=after)
        answer = await self._stub.ListDecisions(request, timeout=_PROJECTION_S)
        return DecidedPage(tuple(answer.documents), answer.next, answer.habits or b"[]")


class Avatars:
    """The avatar service, which met and remembers some."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: AvatarServiceAsyncStub = AvatarServiceStub(channel)

    async def erase(self, personas: Sequence[Persona]) -> None:
        """Have everything deleted that avatars have of these; deleting twice is harmless."""
        request = avatar_pb2.ErasePersonasRequest(personas=map(persona_to_proto, personas))
        # Others wait behind a service that hangs; it is asked again.
        await self._stub.ErasePersonas(request, timeout=_PROJECTION_S)

    async def memories(self, audience: str, keyed: Sequence[tuple[Persona, bytes]]) -> tuple[Remembered, ...]:
        """Return what avatars of that audience remember of these, each with the key of what is remembered of it."""
        personas = [
            avatar_pb2.KeyedPersona(persona=persona_to_proto(persona), memory_key=key) for persona, key in keyed
        ]
        request = avatar_pb2.ReadMemoriesRequest(audience=audience, personas=personas)
        answer = await self._stub.ReadMemories(request, timeout=_PROJECTION_S)
        return tuple(_remembered(each.avatar, each.memory) for each in answer.memories)


def _remembered(avatar: str, memory: avatar_pb2.Memory) -> Remembered:
    refs = (tuple(memory.asked), tuple(memory.tried), tuple(memory.dismissed))
    return Remembered(avatar, memory.last_met_at_ms, *refs)


def persona_to_proto(persona: Persona) -> subject_pb2.Persona:
    return subject_pb2.Persona(brand=persona.brand, shard=persona.shard, pid=persona.pid)


def statement_to_proto(statement: Statement) -> consent_pb2.Statement:
    return consent_pb2.Statement(
        stated_at_ms=statement.stated_at_ms,
        method=statement.method,
        notice_version=statement.notice_version,
        language=statement.language,
        has_gpc=statement.has_gpc,
        named_brand=statement.named_brand,
    )


def decision_from_proto(decision: subject_pb2.PurposeDecision) -> Decision:
    return Decision(
        decision.purpose,
        decision.is_allowed,
        decision.reason,
        decision.sequence,
        decision.record_id,
        decision.holds_until_ms,
    )


def record_from_proto(record: consent_pb2.ConsentRecord) -> ConsentRecord:
    return ConsentRecord(
        record.record_id,
        record.purpose,
        record.purpose_version,
        record.state,
        record.sequence,
        record.stated_at_ms,
        record.expires_at_ms,
        record.method,
        record.conflicts_with,
    )
