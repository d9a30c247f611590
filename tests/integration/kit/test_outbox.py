import asyncio

import pytest
from sqlalchemy import MetaData, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from kit.db import Database
from kit.events import ensure_stream
from kit.events.outbox import Relay, enqueue, outbox_table

METADATA = MetaData()
OUTBOX = outbox_table(METADATA)
SUBJECT = "thing.v1.happened"


@pytest.fixture
async def room(empty_database_url):
    database = Database(empty_database_url)
    async with database.transaction() as connection:
        await connection.run_sync(METADATA.create_all)
    yield database
    await database.dispose()


@pytest.fixture
async def js(nats):
    js = nats.jetstream()
    await ensure_stream(js, "THINGS", ["thing.v1.>"], max_bytes=1_000_000)
    return js


@pytest.fixture
async def inbox(nats, js):
    return await nats.subscribe("thing.v1.>")


async def waiting(database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(OUTBOX))


async def put(database, *payloads: bytes) -> None:
    async with database.transaction() as connection:
        for payload in payloads:
            await enqueue(connection, OUTBOX, SUBJECT, payload, {"kind": "test"})


async def stored(js) -> list[bytes]:
    state = (await js.stream_info("THINGS")).state
    return [(await js.get_msg("THINGS", seq)).data for seq in range(state.first_seq, state.last_seq + 1)]


class TestEnqueue:
    async def test_a_rolled_back_event_never_leaves(self, room, js):
        with pytest.raises(ZeroDivisionError):
            async with room.transaction() as connection:
                await enqueue(connection, OUTBOX, SUBJECT, b"never")
                raise ZeroDivisionError
        assert await Relay(room, OUTBOX, js).publish_waiting() == 0


class TestRelay:
    async def test_events_leave_in_order_and_once(self, room, js):
        await put(room, b"one", b"two", b"three")
        relay = Relay(room, OUTBOX, js)
        assert await relay.publish_waiting() == 3
        assert await relay.publish_waiting() == 0
        assert await stored(js) == [b"one", b"two", b"three"]
        assert await waiting(room) == 0

    async def test_headers_go_with_it(self, room, js, inbox):
        await put(room, b"one")
        await Relay(room, OUTBOX, js).publish_waiting()
        assert (await inbox.next_msg(5)).headers["kind"] == "test"

    async def test_a_crash_before_the_deletion_stores_once(self, room, js, monkeypatch):
        await put(room, b"one")
        relay = Relay(room, OUTBOX, js)
        monkeypatch.setattr(relay, "_delete", text("SELECT 1 / 0"))
        with pytest.raises(DBAPIError):
            await relay.publish_waiting()
        assert await waiting(room) == 1
        assert await Relay(room, OUTBOX, js).publish_waiting() == 1
        assert await stored(js) == [b"one"]

    async def test_a_commit_wakes_it(self, room, js, inbox):
        relay = asyncio.create_task(Relay(room, OUTBOX, js, poll_s=60).run())
        await put(room, b"one")
        assert (await inbox.next_msg(5)).data == b"one"
        await put(room, b"two")
        assert (await inbox.next_msg(5)).data == b"two"
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)

    async def test_rows_of_another_process_are_found_by_looking(self, room, js, inbox):
        relay = asyncio.create_task(Relay(room, OUTBOX, js, poll_s=0.05).run())
        async with room.transaction() as connection:
            row = {"subject": SUBJECT, "payload": b"one", "headers": b"{}"}
            await connection.execute(insert(OUTBOX), row)
        assert (await inbox.next_msg(5)).data == b"one"
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)

    async def test_trouble_keeps_the_rows_and_passes(self, room, js, nats, inbox):
        await js.delete_stream("THINGS")
        await put(room, b"one")
        relay = asyncio.create_task(Relay(room, OUTBOX, js, poll_s=0.05).run())
        # The broker hears it, and nobody stores it.
        await inbox.next_msg(5)
        assert await waiting(room) == 1
        await ensure_stream(js, "THINGS", ["thing.v1.>"], max_bytes=1_000_000)
        async with asyncio.timeout(20):
            while await waiting(room):
                await asyncio.sleep(0.05)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        assert await stored(js) == [b"one"]

    async def test_two_relays_do_not_race(self, room, js):
        await put(room, *[b"%d" % number for number in range(20)])
        first, second = Relay(room, OUTBOX, js), Relay(room, OUTBOX, js)
        published = await asyncio.gather(first.publish_waiting(), second.publish_waiting())
        assert sum(published) == 20
        assert await stored(js) == [b"%d" % number for number in range(20)]
