import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.db import Database
from kit.errors import RemoteError, TypedError, UnavailableError
from kit.fence import Authority, boottime_ns, seat
from kit.rpc import connect
from kit.testing import eventually
from services.consent.__main__ import serving
from services.consent.settings import ConsentSettings
from services.consent.tables import epochs

TERM_S = 0.5
LONG_S = 10
PERSONA = Persona(brand="oak", shard=7, pid=b"p" * 16)
SAID = pb.Statement(method="rest")
ABOUT = {"persona": PERSONA, "audience": "app:shop", "purposes": ["recommend.offer"], "statement": SAID}
RENEWAL = pb.HoldRequest(renewal=pb.Renewal())
READER = Path(__file__).with_name("reader.py")


@pytest.fixture
async def url(database_url):
    return database_url("consent")


@pytest.fixture
async def ending(url):
    database = Database(url)
    yield database
    await database.dispose()


@asynccontextmanager
async def process(url, term_s=TERM_S):
    """A process of the consent service, but for the process: its address."""
    database = Database(url)
    try:
        with tempfile.TemporaryDirectory() as keyring:
            async with serving(ConsentSettings(keyring_dir=keyring, fence_term_s=term_s), database) as server:
                yield server.address
    finally:
        await database.dispose()


@asynccontextmanager
async def consent(url, term_s=TERM_S):
    async with process(url, term_s) as address, connect(address) as channel:
        yield ConsentServiceStub(channel)


def grant(stub, within_s=LONG_S):
    return stub.Grant(pb.GrantRequest(**ABOUT), timeout=within_s)


def withdraw(stub):
    return asyncio.create_task(stub.Withdraw(pb.WithdrawRequest(**ABOUT), timeout=LONG_S))


async def lease(stub):
    """Open a stream and return it with its first lease."""
    hold = stub.Hold()
    return await leased(hold, RENEWAL)


async def leased(hold, renewal):
    await hold.write(renewal)
    while (said := await hold.read()).WhichOneof("said") != "lease":
        pass
    return hold, said.lease


def applied(sequence):
    return pb.HoldRequest(applied=pb.Applied(heads=[pb.Head(brand="oak", shard=7, sequence=sequence)]))


async def seconds_of(waiting):
    begun = time.monotonic()
    await waiting
    return time.monotonic() - begun


class TestAcknowledgement:
    async def test_a_withdrawal_is_answered_once_the_reader_has_dropped_it(self, url):
        async with consent(url, term_s=LONG_S) as stub:
            await grant(stub)
            hold, leased = await lease(stub)
            assert [head.sequence for head in leased.heads] == [1]
            withdrawing = withdraw(stub)
            [change] = (await hold.read()).changes.changes
            assert (change.after, change.sequence, change.pids) == (1, 2, [PERSONA.pid])
            assert not withdrawing.done()
            await hold.write(applied(2))
            assert [record.state for record in (await withdrawing).records] == ["withdrawn"]
            hold.cancel()

    async def test_a_reader_who_may_know_no_persona_is_told_a_name(self, url):
        async with consent(url, term_s=LONG_S) as stub:
            await grant(stub)
            hold, _ = await leased(stub.HoldNamed(), pb.HoldNamedRequest(renewal=pb.Renewal()))
            withdrawing = withdraw(stub)
            [change] = (await hold.read()).changes.changes
            [name] = change.pids
            assert (change.sequence, len(name), name == PERSONA.pid) == (2, 16, False)
            assert not withdrawing.done()
            await hold.write(pb.HoldNamedRequest(applied=applied(2).applied))
            await withdrawing
            hold.cancel()

    async def test_such_a_reader_is_waited_for_when_a_person_has_chosen(self, url):
        async with consent(url, term_s=LONG_S) as stub:
            await grant(stub)
            hold, _ = await leased(stub.HoldNamed(), pb.HoldNamedRequest(renewal=pb.Renewal()))
            said = pb.NoteChoiceRequest(
                brand="oak", shards=[PERSONA.shard], pids=[PERSONA.pid], statement=pb.Statement(method="rest")
            )
            choosing = asyncio.create_task(stub.NoteChoice(said, timeout=LONG_S))
            [change] = (await hold.read()).changes.changes
            assert (change.sequence, len(change.pids)) == (2, 1)
            assert not choosing.done()
            await hold.write(pb.HoldNamedRequest(applied=applied(2).applied))
            await choosing
            hold.cancel()

    async def test_a_reader_that_renews_but_does_not_listen_delays_two_terms_and_loses_its_lease(self, url):
        async with consent(url) as stub:
            await grant(stub)
            hold, _ = await lease(stub)
            withdrawing = withdraw(stub)

            async def renew():
                while True:
                    await hold.write(RENEWAL)
                    while (await hold.read()).WhichOneof("said") != "lease":
                        pass

            begun = time.monotonic()
            with pytest.raises((grpc.aio.AioRpcError, AttributeError)):
                await renew()
            await withdrawing
            assert TERM_S < time.monotonic() - begun < 2 * TERM_S + 1

    async def test_a_lease_outlives_the_connection_of_a_reader_that_said_nothing(self, url):
        async with consent(url, term_s=2) as stub:
            await grant(stub)
            hold, _ = await lease(stub)
            hold.cancel()
            assert 1 < await seconds_of(withdraw(stub)) < 4

    async def test_a_reader_that_says_good_bye_is_not_waited_for(self, url):
        async with consent(url, term_s=LONG_S) as stub:
            await grant(stub)
            hold, _ = await lease(stub)
            await hold.write(pb.HoldRequest(release=pb.Release()))
            await hold.done_writing()
            assert await hold.read() is grpc.aio.EOF
            assert await seconds_of(withdraw(stub)) < LONG_S / 2

    async def test_a_killed_reader_is_waited_for_no_longer_than_its_lease(self, url):
        async with process(url, term_s=2) as address, connect(address) as channel:
            stub = ConsentServiceStub(channel)
            await grant(stub)
            reader = subprocess.Popen([sys.executable, READER, address], stdout=subprocess.PIPE)
            try:
                assert await asyncio.to_thread(reader.stdout.readline) == b"leased\n"
                assert await seconds_of(withdraw(stub)) < 1.5
                await grant(stub)
                reader.send_signal(signal.SIGKILL)
                assert await seconds_of(withdraw(stub)) < 2 * 2 + 1
            finally:
                reader.kill()
                reader.communicate()

    async def test_a_stopped_reader_is_waited_for_no_longer_than_its_lease(self, url):
        async with process(url, term_s=1) as address, connect(address) as channel:
            stub = ConsentServiceStub(channel)
            await grant(stub)
            reader = subprocess.Popen([sys.executable, READER, address], stdout=subprocess.PIPE)
            try:
                assert await asyncio.to_thread(reader.stdout.readline) == b"leased\n"
                reader.send_signal(signal.SIGSTOP)
                assert await seconds_of(withdraw(stub)) < 2 * 1 + 1
                reader.send_signal(signal.SIGCONT)
                # It goes on, under its old stream or a new one, and holds nobody up for longer than a dead one.
                assert await seconds_of(grant(stub)) < 2 * 1 + 1
                assert reader.poll() is None
            finally:
                reader.kill()
                reader.communicate()


class TestElection:
    async def test_after_a_restart_the_leases_of_the_epoch_before_are_waited_for(self, url):
        async with consent(url, term_s=2) as stub:
            await grant(stub)
            _, first = await lease(stub)
        async with consent(url, term_s=2) as stub:
            begun = time.monotonic()
            await withdraw(stub)
            assert time.monotonic() - begun > 1.5
            hold, second = await lease(stub)
            assert second.epoch == first.epoch + 1
            hold.cancel()

    async def test_a_standby_checks_but_neither_writes_nor_leases_until_it_is_elected(self, url):
        async with process(url) as first, connect(first) as channel:
            await grant(ConsentServiceStub(channel))
            async with consent(url) as standby:
                with pytest.raises(RemoteError) as refused:
                    await grant(standby, within_s=0.5)
                assert refused.value.reason == "UNAVAILABLE"
                assert refused.value.retry_after_s == 1
                hold = standby.Hold()
                await hold.write(RENEWAL)
                with pytest.raises(grpc.aio.AioRpcError) as unleased:
                    await hold.read()
                assert unleased.value.code() is grpc.StatusCode.UNAVAILABLE
                checked = await standby.Check(
                    pb.CheckRequest(persona=PERSONA, audience="app:shop", purposes=["recommend.offer"])
                )
                assert checked.decisions[0].is_allowed

    async def test_a_grant_waits_for_an_election_that_takes_several_terms(self, url, ending):
        async with ending.transaction() as elsewhere:
            await elsewhere.exec_driver_sql("SELECT pg_advisory_lock(7301)")
            async with consent(url, term_s=0.1) as stub:
                granting = asyncio.create_task(grant(stub))
                with pytest.raises(RemoteError):
                    await grant(stub, within_s=0.5)
                assert not granting.done()
                await elsewhere.exec_driver_sql("SELECT pg_advisory_unlock(7301)")
                assert (await granting).records

    async def test_a_standby_takes_over(self, url, ending):
        async with consent(url) as standby:
            await grant(standby)
            async with consent(url) as other:
                await _end_the_seat(ending)
                assert await eventually(lambda: _can_write(other, standby))

    async def test_a_lost_session_is_an_election_and_writing_goes_on(self, url, ending):
        async with consent(url) as stub:
            await grant(stub)
            for number in (2, 3):
                await _end_the_seat(ending)
                await eventually(lambda number=number: _is_epoch(ending, number))
                assert await eventually(lambda: _can_write(stub))
            hold, leased = await lease(stub)
            assert leased.epoch == 3
            hold.cancel()

    async def test_an_elected_process_that_fell_silent_in_a_transaction_is_replaced(self, url, ending, monkeypatch):
        monkeypatch.setattr(seat, "_SILENCE_MS", "1000")
        async with consent(url) as one:
            await grant(one)
            silent = Authority(boottime_ns, term_ns=1_000_000_000)
            silent.sit(1)
            with pytest.raises(UnavailableError):
                async with seat.Seat(ending, epochs, silent).transaction() as transaction:
                    await _end_the_seat(ending)
                    await eventually(lambda: _is_epoch(ending, 2))
                    assert await eventually(lambda: _can_write(one))
                    await transaction.exec_driver_sql("SELECT 1")


async def _end_the_seat(database):
    async with database.transaction() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7301"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )


async def _is_epoch(database, number):
    [row] = await database.fetch("SELECT epoch FROM fence_epochs")
    return row["epoch"] == number


async def _can_write(*stubs):
    for stub in stubs:
        try:
            await grant(stub, within_s=2)
        except TypedError:
            continue
        return True
    return False
