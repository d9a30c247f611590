"""The contract's RPCs: one transaction each, nothing cached; what was changed is answered once every reader knows."""

from collections.abc import AsyncIterator, Iterator

from grpc import ServicerContext

from contracts.consent.v1 import consent_pb2
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceServicer
from kit.db import Database
from kit.fence import Authority, Scope, Seat, host
from services.consent import convert, erasing, repository, use_cases
from services.consent.domain import Statement
from services.consent.use_cases import Surroundings


class ConsentRpc(ConsentServiceServicer):
    def __init__(self, database: Database, around: Surroundings, authority: Authority, seat: Seat) -> None:
        self._database = database
        self._around = around
        self._authority = authority
        self._seat = seat

    async def Grant(self, request: consent_pb2.GrantRequest, context: ServicerContext) -> consent_pb2.GrantResponse:
        return consent_pb2.GrantResponse(records=await self._state(convert.grant(request)))

    async def GrantMany(
        self, request: consent_pb2.GrantManyRequest, context: ServicerContext
    ) -> consent_pb2.GrantManyResponse:
        statements = convert.grants(request)
        async with self._seat.transaction() as connection:
            recorded, changes = await use_cases.grant_many(connection, self._around, statements)
        await self._authority.acknowledge(changes)
        return consent_pb2.GrantManyResponse(recorded=recorded)

    async def Withdraw(
        self, request: consent_pb2.WithdrawRequest, context: ServicerContext
    ) -> consent_pb2.WithdrawResponse:
        return consent_pb2.WithdrawResponse(records=await self._state(convert.withdrawal(request)))

    async def Erase(self, request: consent_pb2.EraseRequest, context: ServicerContext) -> consent_pb2.EraseResponse:
        statements = convert.erased(request)
        async with self._seat.transaction() as connection:
            erased = await erasing.erase(connection, self._around, statements)
        await self._authority.acknowledge(erased.changes)
        return consent_pb2.EraseResponse(recorded=erased.recorded)

    async def _state(self, statement: Statement) -> Iterator[consent_pb2.ConsentRecord]:
        async with self._seat.transaction() as connection:
            stated = await use_cases.state(connection, self._around, statement)
        await self._authority.acknowledge([stated.change])
        return map(convert.to_record, stated.consents)

    async def Check(self, request: consent_pb2.CheckRequest, context: ServicerContext) -> consent_pb2.CheckResponse:
        holder = convert.holder(request.persona, request.audience)
        purposes = convert.purposes(request.purposes)
        decisions = await use_cases.check(self._database, self._around, holder, purposes)
        return consent_pb2.CheckResponse(decisions=map(convert.to_decision, decisions))

    async def CheckMany(
        self, request: consent_pb2.CheckManyRequest, context: ServicerContext
    ) -> consent_pb2.CheckManyResponse:
        who = convert.many(request)
        purposes = convert.purposes(request.purposes)
        async with self._database.reading() as connection:
            masks = await use_cases.check_many(connection, self._around, who, purposes)
        return convert.to_masks(request.brand, masks)

    async def ListConsents(
        self, request: consent_pb2.ListConsentsRequest, context: ServicerContext
    ) -> consent_pb2.ListConsentsResponse:
        holder = convert.holder(request.persona, request.audience)
        consents = await use_cases.list_consents(self._database, self._around, holder)
        return consent_pb2.ListConsentsResponse(records=map(convert.to_record, consents))

    async def Hold(
        self, request_iterator: AsyncIterator[consent_pb2.HoldRequest], context: ServicerContext
    ) -> AsyncIterator[consent_pb2.HoldResponse]:
        asked = (convert.asked(request) async for request in request_iterator)
        async for said in host(self._authority, self._heads, asked):
            yield convert.to_told(said)

    async def _heads(self) -> tuple[int, dict[Scope, int]]:
        return await repository.list_heads(self._database)
