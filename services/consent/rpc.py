"""The contract's RPCs: one transaction each, nothing cached."""

from grpc import ServicerContext

from contracts.consent.v1 import consent_pb2
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceServicer
from kit.db import Database
from services.consent import convert, use_cases
from services.consent.use_cases import Surroundings


class ConsentRpc(ConsentServiceServicer):
    def __init__(self, database: Database, around: Surroundings) -> None:
        self._database = database
        self._around = around

    async def Grant(self, request: consent_pb2.GrantRequest, context: ServicerContext) -> consent_pb2.GrantResponse:
        statement = convert.grant(request)
        async with self._database.transaction() as connection:
            consents = await use_cases.state(connection, self._around, statement)
        return consent_pb2.GrantResponse(records=map(convert.to_record, consents))

    async def GrantMany(
        self, request: consent_pb2.GrantManyRequest, context: ServicerContext
    ) -> consent_pb2.GrantManyResponse:
        statements = convert.grants(request)
        async with self._database.transaction() as connection:
            recorded = await use_cases.grant_many(connection, self._around, statements)
        return consent_pb2.GrantManyResponse(recorded=recorded)

    async def Withdraw(
        self, request: consent_pb2.WithdrawRequest, context: ServicerContext
    ) -> consent_pb2.WithdrawResponse:
        statement = convert.withdrawal(request)
        async with self._database.transaction() as connection:
            consents = await use_cases.state(connection, self._around, statement)
        return consent_pb2.WithdrawResponse(records=map(convert.to_record, consents))

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
        return consent_pb2.CheckManyResponse(allowed=masks)

    async def ListConsents(
        self, request: consent_pb2.ListConsentsRequest, context: ServicerContext
    ) -> consent_pb2.ListConsentsResponse:
        holder = convert.holder(request.persona, request.audience)
        consents = await use_cases.list_consents(self._database, self._around, holder)
        return consent_pb2.ListConsentsResponse(records=map(convert.to_record, consents))
