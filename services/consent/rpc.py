"""The contract's RPCs: one transaction each, nothing cached; what was changed is answered once every reader knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import ServicerContext
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.consent.v1 import consent_pb2
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceServicer
from kit.db import Database
from kit.errors import InvalidArgumentError
from kit.fence import Authority, Names, Scope, host
from kit.fence.seat import Seat
from kit.tenancy import acting_for_every_brand
from services.consent import convert
from services.consent.domain import Consent, Statement
from services.consent.receipts import Receipts
from services.consent.repository import consents, histories
from services.consent.use_cases import check, explain, floors, note, state
from services.consent.use_cases.surroundings import Surroundings


class ConsentRpc(ConsentServiceServicer):
    def __init__(self, database: Database, around: Surroundings, receipts: Receipts, seat: Seat, names: Names) -> None:
        self._database = database
        self._around = around
        self._receipts = receipts
        self._seat = seat
        self._names = names
        self._authority: Authority = seat.authority
        self._is_notice_kept = False

    async def Grant(self, request: consent_pb2.GrantRequest, context: ServicerContext) -> consent_pb2.GrantResponse:
        name = convert.handle(request.handle)
        records, receipt = await self._state(convert.grant(request), name)
        return consent_pb2.GrantResponse(records=map(convert.to_record, records), receipt=receipt)

    async def GrantMany(
        self, request: consent_pb2.GrantManyRequest, context: ServicerContext
    ) -> consent_pb2.GrantManyResponse:
        statements = convert.grants(request)
        async with self._writing() as connection:
            recorded, changes = await state.grant_many(connection, self._around, statements)
        await self._authority.acknowledge(changes)
        return consent_pb2.GrantManyResponse(recorded=recorded)

    async def Withdraw(
        self, request: consent_pb2.WithdrawRequest, context: ServicerContext
    ) -> consent_pb2.WithdrawResponse:
        name = convert.handle(request.handle)
        records, receipt = await self._state(convert.withdrawal(request), name)
        return consent_pb2.WithdrawResponse(records=map(convert.to_record, records), receipt=receipt)

    async def Erase(self, request: consent_pb2.EraseRequest, context: ServicerContext) -> consent_pb2.EraseResponse:
        statements = convert.many_holders(request)
        async with self._writing() as connection:
            erased = await note.erase(connection, self._around, statements)
        await self._authority.acknowledge(erased.changes)
        return consent_pb2.EraseResponse(recorded=erased.recorded)

    async def NoteChoice(
        self, request: consent_pb2.NoteChoiceRequest, context: ServicerContext
    ) -> consent_pb2.NoteChoiceResponse:
        statements = convert.many_holders(request)
        async with self._writing() as connection:
            noted = await note.note_choice(connection, self._around, statements)
        await self._authority.acknowledge(noted.changes)
        return consent_pb2.NoteChoiceResponse(recorded=noted.recorded)

    async def _state(self, statement: Statement, handle: str) -> tuple[list[Consent], str]:
        async with self._writing() as connection:
            stated = await state.state(connection, self._around, statement)
        await self._authority.acknowledge([stated.change])
        # Only now: a receipt of what is not acknowledged would be a promise that nobody made.
        return stated.consents, await self._receipts.confirm(statement.holder, handle, stated.consents)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._seat.transaction() as connection:
            if not self._is_notice_kept:
                await histories.keep_notice(connection, self._around.notice.hash, self._around.notice.body)
            yield connection
        self._is_notice_kept = True

    async def Check(self, request: consent_pb2.CheckRequest, context: ServicerContext) -> consent_pb2.CheckResponse:
        holder = convert.holder(request.persona, request.audience)
        purposes = convert.purposes(request.purposes)
        decisions = await check.check(self._database, self._around, holder, purposes)
        return consent_pb2.CheckResponse(decisions=map(convert.to_decision, decisions))

    async def CheckMany(
        self, request: consent_pb2.CheckManyRequest, context: ServicerContext
    ) -> consent_pb2.CheckManyResponse:
        who = convert.many(request)
        purposes = convert.purposes(request.purposes)
        # Not among the statements of one round trip: leases wait for those, and thousands may be asked about here.
        async with self._database.reading() as connection:
            masks = await check.check_many(connection, self._around, who, purposes)
        return convert.to_masks(request.brand, masks)

    async def ListConsents(
        self, request: consent_pb2.ListConsentsRequest, context: ServicerContext
    ) -> consent_pb2.ListConsentsResponse:
        holder = convert.holder(request.persona, request.audience)
        listed = await check.list_consents(self._database, self._around, holder)
        return consent_pb2.ListConsentsResponse(records=map(convert.to_record, listed))

    async def RaiseFloor(
        self, request: consent_pb2.RaiseFloorRequest, context: ServicerContext
    ) -> consent_pb2.RaiseFloorResponse:
        asked = convert.floor(request)
        async with self._writing() as connection:
            raised = await floors.raise_floor(connection, self._around, request.brand, asked)
        await self._authority.acknowledge(raised.changes)
        return consent_pb2.RaiseFloorResponse(floor=raised.floor)

    async def Explain(
        self, request: consent_pb2.ExplainRequest, context: ServicerContext
    ) -> consent_pb2.ExplainResponse:
        holder = convert.holder(request.persona, request.audience)
        name = convert.handle(request.handle)
        found = await explain.explain(self._database, self._around, holder, request.purpose, name)
        return convert.to_explanation(found)

    async def IssueReceipt(
        self, request: consent_pb2.IssueReceiptRequest, context: ServicerContext
    ) -> consent_pb2.IssueReceiptResponse:
        holder = convert.holder(request.persona, request.audience)
        if not convert.handle(request.handle):
            raise InvalidArgumentError("a receipt is for somebody", field="handle")
        return consent_pb2.IssueReceiptResponse(receipt=await self._receipts.issue(holder, request.handle))

    async def ListReceiptKeys(
        self, request: consent_pb2.ListReceiptKeysRequest, context: ServicerContext
    ) -> consent_pb2.ListReceiptKeysResponse:
        return consent_pb2.ListReceiptKeysResponse(jwks=self._receipts.public_keys())

    async def Hold(
        self, request_iterator: AsyncIterator[consent_pb2.HoldRequest], context: ServicerContext
    ) -> AsyncIterator[consent_pb2.HoldResponse]:
        asked = (convert.asked(request) async for request in request_iterator)
        async for said in host(self._authority, self._heads, asked):
            yield convert.to_told(said)

    async def HoldNamed(
        self, request_iterator: AsyncIterator[consent_pb2.HoldNamedRequest], context: ServicerContext
    ) -> AsyncIterator[consent_pb2.HoldNamedResponse]:
        asked = (convert.asked(request) async for request in request_iterator)
        async for said in host(self._authority, self._heads, asked):
            yield convert.to_told_named(self._names.tell(said))

    async def _heads(self) -> tuple[int, dict[Scope, int]]:
        # A reader holds what it read of every brand under one lease.
        with acting_for_every_brand():
            return await consents.list_heads(self._database)
