"""The contract's RPCs: requests are converted, a use case answers."""

from dataclasses import dataclass

import msgspec
from grpc import ServicerContext

from contracts.common.v1 import subject_pb2
from contracts.profile.v1 import profile_pb2
from kit.errors import NotFoundError
from kit.fence import Names
from services.profile import convert
from services.profile.clients import persona_to_proto
from services.profile.domain import Decision, Partition, Subject
from services.profile.domain.errors import PositionNotReachedError
from services.profile.erasing import Eraser
from services.profile.rpc.handles import HandleRpc, Handling
from services.profile.streams import Streams
from services.profile.use_cases import balance, benefit, choose, consents, explain, export, read, see, segment
from services.profile.use_cases.aggregate import Aggregates
from services.profile.use_cases.mend import Quarantine
from services.profile.use_cases.reach import Reach
from services.profile.use_cases.receipts import Receipts
from services.profile.use_cases.report import Reports
from services.profile.use_cases.stores import Stores

_MOST_LISTED = 500
_MOST_REPLAYED = 5_000


@dataclass(frozen=True, slots=True)
class Accounts:
    """What became of events: in the books, one by one, and in figures about many."""

    streams: Streams
    partitions: int
    receipts: Receipts
    quarantine: Quarantine
    aggregates: Aggregates
    reports: Reports


@dataclass(frozen=True, slots=True)
class Memory:
    """What hints keep true: personas read a moment ago, and how far partitions are folded; and names for doors."""

    familiar: read.FamiliarPersonas
    reach: Reach
    names: Names


class ProfileRpc(HandleRpc):
    def __init__(self, stores: Stores, memory: Memory, accounts: Accounts, eraser: Eraser, handling: Handling) -> None:
        self._stores = stores
        self._familiar = memory.familiar
        self._reach = memory.reach
        self._names = memory.names
        self._accounts = accounts
        self._eraser = eraser
        self._handling = handling

    async def Grant(self, request: profile_pb2.GrantRequest, context: ServicerContext) -> profile_pb2.GrantResponse:
        subject = convert.subject_from_proto(request.subject)
        purposes = convert.purposes_from_proto(request.purposes, least=1)
        statement = convert.statement_from_proto(request.statement)
        confirmed = await consents.grant(self._stores, subject, purposes, statement)
        records = map(convert.record_to_proto, confirmed.records)
        return profile_pb2.GrantResponse(records=records, receipt=confirmed.receipt)

    async def Withdraw(
        self, request: profile_pb2.WithdrawRequest, context: ServicerContext
    ) -> profile_pb2.WithdrawResponse:
        subject = convert.subject_from_proto(request.subject)
        purposes = convert.purposes_from_proto(request.purposes, least=0)
        statement = convert.statement_from_proto(request.statement)
        confirmed = await consents.withdraw(self._stores, subject, purposes, statement)
        records = map(convert.record_to_proto, confirmed.records)
        return profile_pb2.WithdrawResponse(records=records, receipt=confirmed.receipt)

    async def ListConsents(
        self, request: profile_pb2.ListConsentsRequest, context: ServicerContext
    ) -> profile_pb2.ListConsentsResponse:
        records = await consents.list_consents(self._stores, convert.subject_from_proto(request.subject))
        return profile_pb2.ListConsentsResponse(records=map(convert.record_to_proto, records))

    async def ExplainConsent(
        self, request: profile_pb2.ExplainConsentRequest, context: ServicerContext
    ) -> profile_pb2.ExplainConsentResponse:
        if request.WhichOneof("who") == "named":
            brand = convert.brand_from_proto(request.named.brand)
            explained = await explain.to_staff(self._stores, brand, request.named.handle, request.purpose)
        else:
            subject = convert.subject_from_proto(request.subject)
            explained = await explain.to_person(self._stores, subject, request.purpose)
        return convert.explained_to_proto(explained.audience, explained.explanation)

    async def IssueReceipt(
        self, request: profile_pb2.IssueReceiptRequest, context: ServicerContext
    ) -> profile_pb2.IssueReceiptResponse:
        receipt = await consents.issue_receipt(self._stores, convert.subject_from_proto(request.subject))
        return profile_pb2.IssueReceiptResponse(receipt=receipt)

    async def Erase(self, request: profile_pb2.EraseRequest, context: ServicerContext) -> profile_pb2.EraseResponse:
        subject = convert.subject_from_proto(request.subject)
        method = convert.method_from_proto(request.statement)
        erasure = await self._eraser.erase(subject, method)
        return profile_pb2.EraseResponse(erasure=convert.erasure_to_proto(erasure, self._eraser.signers))

    async def Remove(self, request: profile_pb2.RemoveRequest, context: ServicerContext) -> profile_pb2.RemoveResponse:
        subject = convert.subject_from_proto(request.subject)
        removal = convert.removal_from_proto(request.removal)
        said = convert.said_from_proto(request.statement)
        removed_at_ms = await choose.remove(self._stores, subject, removal, said)
        return profile_pb2.RemoveResponse(removed_at_ms=removed_at_ms)

    async def Restore(
        self, request: profile_pb2.RestoreRequest, context: ServicerContext
    ) -> profile_pb2.RestoreResponse:
        subject = convert.subject_from_proto(request.subject)
        removal = convert.removal_from_proto(request.removal)
        said = convert.said_from_proto(request.statement)
        await choose.restore(self._stores, subject, removal, request.within_ms, said)
        return profile_pb2.RestoreResponse()

    async def Object(self, request: profile_pb2.ObjectRequest, context: ServicerContext) -> profile_pb2.ObjectResponse:
        subject = convert.subject_from_proto(request.subject)
        inferences = convert.inferences_from_proto(request.inferences)
        await choose.object_to(self._stores, subject, inferences, convert.said_from_proto(request.statement))
        return profile_pb2.ObjectResponse()

    async def DeclareRelationship(
        self, request: profile_pb2.DeclareRelationshipRequest, context: ServicerContext
    ) -> profile_pb2.DeclareRelationshipResponse:
        subject = convert.subject_from_proto(request.subject)
        said = convert.said_from_proto(request.statement)
        declared = await choose.declare(self._stores, subject, request.type, said)
        if declared is None:
            return profile_pb2.DeclareRelationshipResponse()
        return profile_pb2.DeclareRelationshipResponse(type=declared.type, family=declared.family)

    async def See(self, request: profile_pb2.SeeRequest, context: ServicerContext) -> profile_pb2.SeeResponse:
        shown = await see.see(self._stores, convert.subject_from_proto(request.subject))
        return profile_pb2.SeeResponse(document=msgspec.json.encode(shown))

    async def Export(self, request: profile_pb2.ExportRequest, context: ServicerContext) -> profile_pb2.ExportResponse:
        page = await export.export(self._stores, convert.subject_from_proto(request.subject), request.after)
        parts = [profile_pb2.FilePart(file=name, content=content) for name, content in page.parts]
        return profile_pb2.ExportResponse(parts=parts, next=page.next)

    async def NoteBenefits(
        self, request: profile_pb2.NoteBenefitsRequest, context: ServicerContext
    ) -> profile_pb2.NoteBenefitsResponse:
        brand = convert.brand_from_proto(request.brand)
        await benefit.note(self._stores, brand, convert.benefits_from_proto(brand, request.benefits))
        return profile_pb2.NoteBenefitsResponse()

    async def GetErasure(
        self, request: profile_pb2.GetErasureRequest, context: ServicerContext
    ) -> profile_pb2.GetErasureResponse:
        erasure = await self._eraser.read(request.erasure_id)
        if erasure is None or (erasure.brand, erasure.audience) != (request.brand, request.audience):
            raise NotFoundError("there is no such erasure")
        return profile_pb2.GetErasureResponse(erasure=convert.erasure_to_proto(erasure, self._eraser.signers))

    async def ReadView(
        self, request: profile_pb2.ReadViewRequest, context: ServicerContext
    ) -> profile_pb2.ReadViewResponse:
        subject = convert.subject_from_proto(request.subject)
        purposes = convert.asked_from_proto(request.purpose, request.also_decide)
        asked = convert.positions_from_proto(subject.brand, request.min_positions)
        behind = await self._reach.reach(subject.brand, asked)
        if behind and not request.may_be_stale:
            raise PositionNotReachedError("not folded yet", field="min_positions", retry_after_s=1)
        seen = await read.read_view(self._stores, subject, purposes)
        lags = map(convert.lag_to_proto, behind)
        return profile_pb2.ReadViewResponse(view=_view(seen), decisions=_decisions(seen.decisions), behind=lags)

    async def ReadPersona(
        self, request: profile_pb2.ReadPersonaRequest, context: ServicerContext
    ) -> profile_pb2.ReadPersonaResponse:
        subject = convert.subject_from_proto(request.subject)
        purposes = convert.asked_from_proto(request.purpose, request.also_decide)
        parts = read.Parts(view=not request.without_view, signals=request.with_signals)
        found = await read.read_persona(self._stores, self._familiar, subject, purposes, parts)
        fence_name, read_at = self._fenced(subject, found)
        return profile_pb2.ReadPersonaResponse(
            persona=None if found.persona is None else persona_to_proto(found.persona),
            view=_view(found.seen),
            decisions=_decisions(found.seen.decisions),
            memory_key=found.memory_key,
            signals=map(convert.signal_to_proto, found.signals.signals),
            likes=found.signals.likes,
            draw_key=found.signals.draw_key,
            fence_name=fence_name,
            read_at=read_at,
            removed_items=found.signals.removed_items,
            removed_topics=found.signals.removed_topics,
            relationship=self._relationship(subject, found.signals),
            circle=map(convert.keyed_to_proto, found.signals.circle),
            bought=convert.bought_to_proto(found.signals.bought),
            bearing=convert.bearing_to_proto(found.signals.bearing),
        )

    def _fenced(self, subject: Subject, found: read.PersonaRead) -> tuple[bytes, int]:
        if found.persona is None or not found.is_alone:
            return b"", 0
        read_at = self._stores.decisions.read_at(found.persona, subject.audience, found.seen.decisions)
        return self._names.of(found.persona.pid), read_at

    def _relationship(self, subject: Subject, found: read.SignalsRead) -> profile_pb2.Relationship | None:
        pack = self._stores.packs.of(subject.brand)
        return convert.relationship_to_proto(pack.id, found.relationship) if found.is_read else None

    async def ReadSignals(
        self, request: profile_pb2.ReadSignalsRequest, context: ServicerContext
    ) -> profile_pb2.ReadSignalsResponse:
        subject = convert.subject_from_proto(request.subject)
        found = await read.read_signals(self._stores, subject)
        return profile_pb2.ReadSignalsResponse(
            decision=convert.decision_to_proto(found.decision),
            signals=map(convert.signal_to_proto, found.signals),
            likes=found.likes,
            draw_key=found.draw_key,
            removed_items=found.removed_items,
            removed_topics=found.removed_topics,
            relationship=self._relationship(subject, found),
            circle=map(convert.keyed_to_proto, found.circle),
            bought=convert.bought_to_proto(found.bought),
            bearing=convert.bearing_to_proto(found.bearing),
        )

    async def ReadCircle(
        self, request: profile_pb2.ReadCircleRequest, context: ServicerContext
    ) -> profile_pb2.ReadCircleResponse:
        found = await read.read_circle(self._stores, convert.subject_from_proto(request.subject))
        return profile_pb2.ReadCircleResponse(
            circle=map(convert.keyed_to_proto, found.circle), decisions=_decisions(found.decisions)
        )

    async def GetBooks(
        self, request: profile_pb2.GetBooksRequest, context: ServicerContext
    ) -> profile_pb2.GetBooksResponse:
        brand = convert.brand_from_proto(request.brand)
        streams, numbers = self._accounts.streams, range(self._accounts.partitions)
        partitions = [Partition(brand, number, each) for number in numbers for each in streams.classes]
        lines = await balance.balance(self._stores, streams.waiting, partitions, request.from_ms)
        return profile_pb2.GetBooksResponse(lines=map(convert.books_line_to_proto, lines))

    async def CountFacets(
        self, request: profile_pb2.CountFacetsRequest, context: ServicerContext
    ) -> profile_pb2.CountFacetsResponse:
        count = await read.count_facets(self._stores, convert.brand_from_proto(request.brand))
        return profile_pb2.CountFacetsResponse(facets=count)

    async def ReadFates(
        self, request: profile_pb2.ReadFatesRequest, context: ServicerContext
    ) -> profile_pb2.ReadFatesResponse:
        brand = convert.brand_from_proto(request.brand)
        runs = convert.runs_from_proto(request.runs)
        fates = await self._accounts.receipts.read(brand, request.accepted_at_ms, runs)
        return profile_pb2.ReadFatesResponse(runs=map(convert.fates_to_proto, fates))

    async def ListQuarantine(
        self, request: profile_pb2.ListQuarantineRequest, context: ServicerContext
    ) -> profile_pb2.ListQuarantineResponse:
        brand = convert.brand_from_proto(request.brand)
        count = convert.bounded_from_proto(request.count, "count", least=0, most=_MOST_LISTED)
        page = await self._accounts.quarantine.look(brand, (request.source, request.reason), request.after, count)
        return profile_pb2.ListQuarantineResponse(
            counts=map(convert.count_to_proto, page.counts),
            events=map(convert.event_to_proto, page.events),
            next=page.next,
        )

    async def PutMendingRule(
        self, request: profile_pb2.PutMendingRuleRequest, context: ServicerContext
    ) -> profile_pb2.PutMendingRuleResponse:
        brand = convert.brand_from_proto(request.brand)
        can_replay = await self._accounts.quarantine.put_rules(brand, convert.rules_from_proto(request.rules))
        return profile_pb2.PutMendingRuleResponse(can_replay=can_replay)

    async def ListMendingRules(
        self, request: profile_pb2.ListMendingRulesRequest, context: ServicerContext
    ) -> profile_pb2.ListMendingRulesResponse:
        rules = await self._accounts.quarantine.rules(convert.brand_from_proto(request.brand))
        return profile_pb2.ListMendingRulesResponse(rules=map(convert.rule_to_proto, rules))

    async def ReplayQuarantine(
        self, request: profile_pb2.ReplayQuarantineRequest, context: ServicerContext
    ) -> profile_pb2.ReplayQuarantineResponse:
        brand = convert.brand_from_proto(request.brand)
        count = convert.bounded_from_proto(request.count, "count", least=1, most=_MOST_REPLAYED)
        sent = await self._accounts.quarantine.replay(brand, request.source, request.after, count)
        return profile_pb2.ReplayQuarantineResponse(**sent._asdict())

    async def ReadAggregate(
        self, request: profile_pb2.ReadAggregateRequest, context: ServicerContext
    ) -> profile_pb2.ReadAggregateResponse:
        budget = self._accounts.aggregates.budget
        question = convert.question_from_proto(request, budget, self._stores.now_ms())
        return convert.told_to_proto(question, await self._accounts.aggregates.tell(question), budget)

    async def ReadWishSegments(
        self, request: profile_pb2.ReadWishSegmentsRequest, context: ServicerContext
    ) -> profile_pb2.ReadWishSegmentsResponse:
        brand, pack = convert.brand_from_proto(request.brand), self._stores.segments
        if pack is None:
            return profile_pb2.ReadWishSegmentsResponse()
        sizes = await segment.sizes(self._stores, brand, pack)
        told = [profile_pb2.WishSegment(name=each.segment, personas=each.personas) for each in sizes]
        return profile_pb2.ReadWishSegmentsResponse(segments=told, told_from=pack.told_from)

    async def ReportRelationships(
        self, request: profile_pb2.ReportRelationshipsRequest, context: ServicerContext
    ) -> profile_pb2.ReportRelationshipsResponse:
        brand = convert.brand_from_proto(request.brand)
        audience = convert.audience_from_proto(request.audience) if request.audience else ""
        told = await self._accounts.reports.tell(brand, audience, dict(request.assumed))
        return profile_pb2.ReportRelationshipsResponse(document=msgspec.json.encode(told))

    async def ReportMining(
        self, request: profile_pb2.ReportMiningRequest, context: ServicerContext
    ) -> profile_pb2.ReportMiningResponse:
        brand = convert.brand_from_proto(request.brand)
        audience = convert.audience_from_proto(request.audience) if request.audience else ""
        return profile_pb2.ReportMiningResponse(document=await self._accounts.reports.mine(brand, audience))


def _view(seen: read.ViewRead) -> profile_pb2.View | None:
    return None if seen.view is None else convert.view_to_proto(seen.handle, seen.view)


def _decisions(decisions: list[Decision]) -> list[subject_pb2.PurposeDecision]:
    return [convert.decision_to_proto(decision) for decision in decisions]
