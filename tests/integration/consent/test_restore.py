"""A database that is brought back to before what was acknowledged: nothing of then is in force."""

import asyncio
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.db import Database
from kit.errors import InternalError, TypedError
from kit.rpc import connect
from kit.testing import eventually
from services.consent.__main__ import serving
from services.consent.settings import ConsentSettings

PURPOSE = "recommend.offer"
LONG_S = 10
NOW_MS = time.time_ns() // 1_000_000


def about(number=1, purpose=PURPOSE):
    persona = Persona(brand="oak", shard=7, pid=bytes([number]) * 16)
    return {"persona": persona, "audience": "app:shop", "purposes": [purpose]}


def said(number=1, at_ms=0):
    return {**about(number), "statement": pb.Statement(method="sdk-preferences", stated_at_ms=at_ms)}


async def is_allowed(stub, number=1, purpose=PURPOSE):
    answer = await stub.Check(pb.CheckRequest(**about(number, purpose)))
    return answer.decisions[0].is_allowed


async def is_allowed_to_many(stub, number=1):
    request = pb.CheckManyRequest(
        brand="oak", audience="app:shop", purposes=[PURPOSE], shards=[7], pids=[bytes([number]) * 16]
    )
    return bool((await stub.CheckMany(request)).allowed[0])


class Restorable:
    """A consent database, what it was at some time, and the process in front of it."""

    def __init__(self, url, server, marks):
        self.url, self.server, self.marks = url, server, marks
        self.name, self.role = url.rpartition("/")[2], urlsplit(url).username

    def back_up(self):
        self._lock_out()
        self.server.sql(f'CREATE DATABASE "{self.name}_then" TEMPLATE "{self.name}" OWNER "{self.role}"')
        self.server.sql(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def restore(self):
        self._lock_out()
        self.server.sql(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        self.server.sql(f'ALTER DATABASE "{self.name}_then" RENAME TO "{self.name}"')

    @asynccontextmanager
    async def serving(self):
        database = Database(self.url)
        settings = ConsentSettings(keyring_dir=self.marks.parent, fence_term_s=0.2, fence_marks_file=self.marks)
        try:
            async with serving(settings, database) as server, connect(server.address) as channel:
                yield ConsentServiceStub(channel)
        finally:
            await database.dispose()

    def _lock_out(self):
        self.server.sql(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        sessions = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{self.name}'"
        self.server.sql(sessions)


@pytest.fixture
def restorable(database_url, postgres, tmp_path):
    return Restorable(database_url("consent"), postgres, tmp_path / "marks" / "marks.json")


async def state(call, request):
    """Repeat it until it is acknowledged: an election may be under way."""

    async def once():
        try:
            return await call(request, timeout=LONG_S)
        except TypedError:
            return None

    return await eventually(once)


@pytest.fixture
async def lost(restorable):
    """Granted, backed up, withdrawn and acknowledged, restored."""
    async with restorable.serving() as stub:
        await state(stub.Grant, pb.GrantRequest(**said(1, at_ms=NOW_MS - 2_000)))
        await state(stub.Grant, pb.GrantRequest(**said(2, at_ms=NOW_MS - 2_000)))
    restorable.back_up()
    async with restorable.serving() as stub:
        await state(stub.Withdraw, pb.WithdrawRequest(**said(1, at_ms=NOW_MS - 1_000)))
        assert await is_allowed(stub, 2)
    restorable.restore()
    return restorable


class TestARestoredDatabase:
    async def test_a_withdrawal_it_does_not_know_holds(self, lost):
        async with lost.serving() as stub:
            assert not await is_allowed(stub)
            assert not await is_allowed_to_many(stub)
            await state(stub.Grant, pb.GrantRequest(**said(3)))
            assert not await is_allowed(stub)
            assert not await is_allowed_to_many(stub)

    async def test_what_else_was_granted_in_the_shard_is_unknown(self, lost):
        async with lost.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(3)))
            assert not await is_allowed(stub, 2)
            assert await is_allowed(stub, 2, "core.service")
            assert await is_allowed(stub, 3)

    async def test_what_was_said_before_and_comes_again_does_not_bring_it_back(self, lost):
        async with lost.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(1, at_ms=NOW_MS - 2_000)))
            assert not await is_allowed(stub)
            await state(stub.Grant, pb.GrantRequest(**said(1)))
            assert await is_allowed(stub)

    async def test_neither_does_what_it_never_knew(self, restorable):
        async with restorable.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(2)))
        restorable.back_up()
        async with restorable.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(1, at_ms=NOW_MS - 2_000)))
            await state(stub.Withdraw, pb.WithdrawRequest(**said(1, at_ms=NOW_MS - 1_000)))
        restorable.restore()

        async with restorable.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(1, at_ms=NOW_MS - 2_000)))
            assert not await is_allowed(stub)
            many = {"brand": "oak", "audience": "app:shop", "purposes": [PURPOSE], "shards": [7], "pids": [b"\1" * 16]}
            statement = pb.Statement(method="sdk-preferences")
            await state(stub.GrantMany, pb.GrantManyRequest(**many, statement=statement, stated_at_ms=[NOW_MS - 2_000]))
            assert not await is_allowed_to_many(stub)
            await state(stub.Grant, pb.GrantRequest(**said(1)))
            assert await is_allowed(stub)

    async def test_numbers_are_not_given_out_again(self, lost):
        async with lost.serving() as stub:
            [record] = (await state(stub.Grant, pb.GrantRequest(**said(3)))).records
            assert record.sequence > 1 << 32

    async def test_a_process_that_went_on_running_serves_nothing_of_before(self, restorable):
        async with restorable.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said(1, at_ms=NOW_MS - 2_000)))
            restorable.back_up()
            await state(stub.Withdraw, pb.WithdrawRequest(**said(1, at_ms=NOW_MS - 1_000)))
            restorable.restore()
            answers = []

            async def denies():
                try:
                    answers.append(await is_allowed(stub))
                except TypedError:
                    return False
                return len(answers) > 20

            await asyncio.gather(eventually(denies), state(stub.Grant, pb.GrantRequest(**said(3))))
            assert not any(answers)
            assert await is_allowed(stub, 3)

    async def test_a_newest_database_is_left_as_it_is(self, restorable):
        async with restorable.serving() as stub:
            await state(stub.Grant, pb.GrantRequest(**said()))
        async with restorable.serving() as stub:
            assert await is_allowed(stub)
            [record] = (await state(stub.Withdraw, pb.WithdrawRequest(**said()))).records
            assert record.sequence == 2

    async def test_damaged_marks_are_not_taken_for_none(self, restorable):
        restorable.marks.parent.mkdir()
        restorable.marks.write_bytes(b"{")
        async with restorable.serving() as stub:
            with pytest.raises(TypedError) as refused:
                await is_allowed(stub)
            assert refused.value.reason == InternalError.reason
