import asyncio
import signal

import asyncpg
import nats.errors
import pytest
from nats.aio.client import Client
from sqlalchemy import MetaData, text
from structlog.testing import capture_logs

from kit import events
from kit.db import Database
from kit.errors import UnavailableError
from kit.events import outbox
from kit.events.pull import Pull, PullLostError
from kit.process import wait_for
from kit.settings import Settings
from kit.testing import eventually

SUBJECT = "thing.v1.happened"
OUTBOX = outbox.outbox_table(MetaData())


def kill(server) -> None:
    server.child.stop((signal.SIGKILL, 10.0))


@pytest.fixture
async def client(durable_nats_server):
    client = await events.connect(Settings(nats_url=durable_nats_server.url))
    await events.ensure_stream(client.jetstream(), "THINGS", ["thing.v1.>"], max_bytes=1_000_000)
    yield client
    await client.close()


@pytest.fixture
async def room(durable_postgres):
    durable_postgres.sql("CREATE ROLE room LOGIN PASSWORD 'room'")
    durable_postgres.sql("CREATE DATABASE room OWNER room")
    database = Database(durable_postgres.url("room", role="room", password="room"))
    yield database
    await database.dispose()


async def publish(client: Client, payload: bytes) -> None:
    """Publish until it is acknowledged, as whoever must not lose it does."""
    while True:
        try:
            await client.jetstream(timeout=1).publish(SUBJECT, payload, headers={"Nats-Msg-Id": payload.decode()})
        except (nats.errors.Error, OSError):
            await asyncio.sleep(0.1)
        else:
            return


class TestLosingNats:
    async def test_a_follower_takes_up_where_it_was(self, client, durable_nats_server):
        heard: list[bytes] = []
        changed = asyncio.Event()

        async def hear(messages) -> None:
            heard.extend(message.data for message in messages)
            changed.set()

        async def until(count: int) -> None:
            async with asyncio.timeout(60):
                while len(heard) < count:
                    changed.clear()
                    await changed.wait()

        with capture_logs():
            subscription = events.Subscription("THINGS", "listener", (SUBJECT,))
            task = asyncio.create_task(events.Follower(client, subscription, 0, hear).run())
            await publish(client, b"one")
            await until(1)
            await asyncio.to_thread(kill, durable_nats_server)
            await asyncio.to_thread(durable_nats_server.start)
            await publish(client, b"two")
            await until(2)
            task.cancel()
            await asyncio.wait([task])
        assert heard == [b"one", b"two"]

    async def test_what_comes_over_another_connection_is_not_believed(self, client, durable_nats_server):
        pull = Pull(client, events.Subscription("THINGS", "listener", (SUBJECT,), max_messages=1))
        await pull.attach(0)
        await publish(client, b"one")
        await publish(client, b"two")
        assert [each.data for each in await pull.next()] == [b"one"]
        # It has arrived, and nothing more is asked for, when the server goes.
        await eventually(lambda: pull._buffer)
        await asyncio.to_thread(kill, durable_nats_server)
        await asyncio.to_thread(durable_nats_server.start)
        await publish(client, b"three")
        assert [each.data for each in await pull.next()] == [b"two"]
        with pytest.raises(PullLostError, match="reconnected"):
            await pull.next()
        await pull.detach()

    async def test_connecting_waits_for_the_server(self, durable_nats_server):
        settings = Settings(nats_url=durable_nats_server.url)
        await asyncio.to_thread(kill, durable_nats_server)
        with capture_logs():
            connecting = asyncio.create_task(events.connect(settings))
            await asyncio.to_thread(durable_nats_server.start)
            client = await asyncio.wait_for(connecting, 20)
        assert client.is_connected
        await client.close()

    async def test_an_end_without_the_server_is_quiet(self, client, durable_nats_server):
        await asyncio.to_thread(kill, durable_nats_server)
        with capture_logs():
            await client.drain()
        assert client.is_closed

    async def test_without_jetstream_a_stream_is_unavailable(self, client, durable_nats_server):
        await asyncio.to_thread(kill, durable_nats_server)
        with capture_logs(), pytest.raises(UnavailableError):
            await events.ensure_stream(client.jetstream(timeout=0.2), "THINGS", ["thing.v1.>"], max_bytes=1_000_000)

    async def test_the_outbox_empties_when_it_is_back(self, client, room, durable_nats_server):
        async with room.transaction() as connection:
            await connection.run_sync(OUTBOX.metadata.create_all)
        await asyncio.to_thread(kill, durable_nats_server)
        with capture_logs():
            relay = asyncio.create_task(outbox.Relay(room, OUTBOX, client.jetstream(timeout=1), poll_s=0.05).run())
            async with room.transaction() as connection:
                await outbox.enqueue(connection, OUTBOX, SUBJECT, b"one")
            await asyncio.to_thread(durable_nats_server.start)
            async with asyncio.timeout(60):
                while (await client.jetstream().stream_info("THINGS")).state.messages == 0:
                    await asyncio.sleep(0.1)
            relay.cancel()
            await asyncio.wait([relay])
        assert (await client.jetstream().get_msg("THINGS", 1)).data == b"one"


class TestLosingPostgres:
    async def test_a_farewell_between_two_statements_is_unavailable(self, room, monkeypatch):
        async def farewell(*_):
            raise asyncpg.InternalClientError

        await room.ping()
        with monkeypatch.context() as patch, pytest.raises(UnavailableError):
            patch.setattr("asyncpg.Connection.fetch", farewell)
            await room.fetch("SELECT 1")
        await room.ping()

    async def test_a_transaction_is_unavailable_and_later_works(self, room, durable_postgres):
        async with room.transaction() as connection:
            await connection.execute(text("CREATE TABLE thing (id int)"))
        await room.ping()
        await asyncio.to_thread(kill, durable_postgres)
        for opened in (room.transaction, room.reading):
            with pytest.raises(UnavailableError):
                async with opened() as connection:
                    await connection.execute(text("SELECT 1"))
        await asyncio.to_thread(durable_postgres.start)
        await asyncio.wait_for(wait_for(room.ping, "database"), 20)
        async with room.transaction() as connection:
            await connection.execute(text("INSERT INTO thing VALUES (1)"))
        async with room.reading() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM thing")) == 1
