import asyncio
from collections import Counter

import pytest
from prometheus_client import REGISTRY

from kit.db import raw
from kit.errors import TypedError
from kit.events import ensure_stream, forget
from kit.events.outbox import Relay
from kit.keyring import KeyMissingError
from kit.testing import eventually
from services.profile import messages
from services.profile.consumers import Folder
from services.profile.days import Days
from services.profile.domain import COLLECT, POWER_CUT, RESEARCH, Kind, Partition
from services.profile.housekeeping import Housekeeper
from services.profile.owning import Ownership
from services.profile.repository import positions
from services.profile.settings import ProfileSettings
from services.profile.streams import Streams
from services.profile.tables.profile import OUTBOX
from tests.integration.profile.door import BRAND, PARTITION, SHOP, Door, rejected

SUBJECT = messages.received_subject(PARTITION)


class Stage:
    """A folder on a real stream."""

    def __init__(self, room, nats):
        self.room = room
        self.nats = nats
        self.js = nats.jetstream()
        self.streams = Streams({POWER_CUT: nats}, 64 << 20)
        self.tasks = []

    async def prepare(self):
        await self.streams.prepare()
        await ensure_stream(self.js, messages.ANNOUNCED, [messages.ANNOUNCED_SUBJECTS], max_bytes=64 << 20)

    async def publish(self, *events, rejected=(), **facts):
        return (await self.js.publish(SUBJECT, self.room.door.envelope(events, rejected, **facts))).seq

    def folder(self, **settings):
        told = ProfileSettings(**settings)
        return Folder(self.room.folding, self.streams, Days(self.room.stores, 2), told)

    def start(self, partitions=(PARTITION,), **settings):
        ownership = Ownership(self.room.stores, self.folder(**settings))
        self.tasks.append(asyncio.create_task(ownership.run(partitions)))
        return ownership

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def folded(self, sequence):
        async def is_folded():
            async with self.room.stores.profile.reading() as reading:
                reached = await positions.all_of(await raw(reading), BRAND)
            return PARTITION in reached and reached[PARTITION].sequence >= sequence

        await eventually(is_folded, timeout_s=30)


@pytest.fixture
async def stage(room, nats):
    made = Stage(room, nats)
    await made.prepare()
    yield made
    await made.stop()


class TestFollowing:
    async def test_what_is_on_the_stream_is_folded_and_hinted(self, stage, room):
        await room.grant()
        hints = await stage.nats.subscribe(messages.changed_subject(BRAND))
        last = [await stage.publish(room.door.event()) for _ in range(5)][-1]
        stage.start()
        await stage.folded(last)
        assert await room.books() == {"received": 5, "stored": 5}
        assert await hints.next_msg(timeout=5)

    async def test_a_restarted_folder_goes_on_where_it_was(self, stage, room):
        await room.grant()
        stage.start()
        await stage.folded(await stage.publish(room.door.event()))
        await stage.stop()
        last = await stage.publish(room.door.event())
        stage.start()
        await stage.folded(last)
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_large_deliveries_are_folded_in_parts(self, stage, room):
        await room.grant()
        for _ in range(6):
            last = await stage.publish(*(room.door.event() for _ in range(10)))
        stage.start(fold_events=25)
        await stage.folded(last)
        assert await room.books() == {"received": 60, "stored": 60}

    async def test_books_agree_with_an_independent_ledger(self, stage, room):
        for name in ("ada", "bob"):
            await room.grant(name)
        ledger = Counter()
        stage.start()
        seen = []
        for number in range(30):
            events = [room.door.event(("ada", "bob", "eve")[(number + each) % 3]) for each in range(4)]
            repeated = seen[: number % 3]
            refused = [rejected("shop")] if number % 5 == 0 else []
            batch_id = number.to_bytes(16, "big")
            for _ in range(2 if number % 7 == 0 else 1):
                last = await stage.publish(*events, *repeated, rejected=refused, batch_id=batch_id)
            known = [each for each in events if each.eid != room.door.event("eve").eid]
            ledger.update(
                received=len(events) + len(repeated) + len(refused),
                stored=len(known),
                suppressed=len(events) - len(known),
                duplicate=len(repeated),
                quarantined=len(refused),
            )
            seen += known
        await stage.folded(last)
        assert await room.books() == dict(ledger)


class TestOwning:
    async def test_a_second_folder_waits_and_takes_over(self, stage, room):
        await room.grant()
        first = stage.start()
        await eventually(lambda: first.owned)
        second = stage.start()
        await stage.folded(await stage.publish(room.door.event()))
        assert second.owned == []
        stage.tasks[0].cancel()
        await eventually(lambda: second.owned)
        await stage.folded(await stage.publish(room.door.event()))
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_partitions_are_folded_side_by_side(self, stage, room):
        other = Partition(BRAND, 1)
        door = Door(room.stores.keyring, room.clock, other)
        await room.grant("ada")
        await room.grant("bob")
        stage.start((PARTITION, other))
        await stage.js.publish(messages.received_subject(other), door.envelope([door.event("bob")]))
        await stage.publish(room.door.event("ada"))

        async def is_stored():
            return (await room.books()).get("stored") == 2

        await eventually(is_stored)

    async def test_a_lost_session_is_found_again(self, stage, room):
        await room.grant()
        first = stage.start()
        await eventually(lambda: first.owned)
        await room.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7103"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await eventually(lambda: not first.owned)
        await eventually(lambda: first.owned)
        await stage.folded(await stage.publish(room.door.event()))

    async def test_a_recreated_stream_halts_the_partition_and_says_so(self, stage, room):
        await room.grant()
        ownership = stage.start()
        await stage.folded(await stage.publish(room.door.event()))
        await stage.js.delete_stream(messages.STREAM)
        await stage.prepare()
        await stage.publish(room.door.event())

        async def is_halted():
            try:
                await ownership.check()
            except TypedError as error:
                return error.reason

        assert await eventually(is_halted, timeout_s=30) == "STREAM_RECREATED"
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_a_partition_that_was_left_is_named(self, stage, room):
        await room.grant()
        stage.start()
        await stage.folded(await stage.publish(room.door.event()))
        await stage.stop()
        ownership = stage.start((Partition(BRAND, PARTITION.number + 1),))

        async def is_named():
            try:
                await ownership.check()
            except TypedError as error:
                return error.reason

        assert await eventually(is_named, timeout_s=30) == "PARTITION_LEFT"

    async def test_too_much_poison_halts_the_partition(self, stage, room):
        ownership = stage.start()
        for _ in range(6):
            await stage.js.publish(SUBJECT, b"\xff")

        async def is_halted():
            try:
                await ownership.check()
            except TypedError as error:
                return error.reason

        assert await eventually(is_halted, timeout_s=30) == "TOO_MANY_DEAD_LETTERS"


class TestHousekeeping:
    def keeper(self, stage):
        return Housekeeper(stage.room.folding, stage.streams, stage.room.days, lambda: [PARTITION])

    async def test_what_is_folded_leaves_the_stream_and_its_keys_are_destroyed(self, stage, room, clock):
        await room.grant()
        stage.start()
        await stage.folded(await stage.publish(room.door.event()))
        key_id, _ = room.door.epochs.current()
        keeper = self.keeper(stage)
        await keeper.round(is_purging=True)
        assert (await stage.js.stream_info(messages.STREAM)).state.messages == 0
        assert room.door.epochs.opener(key_id)
        clock.ms += 200_000
        await keeper.round(is_purging=True)
        with pytest.raises(KeyMissingError):
            room.door.epochs.opener(key_id)

    async def test_a_key_stays_while_a_message_needs_it(self, stage, room, clock):
        await stage.publish(room.door.event())
        clock.ms += 200_000
        assert await self.keeper(stage).retire_keys() == []

    async def test_a_key_stays_while_a_lesson_needs_it(self, stage, room, clock):
        await room.grant("ada", COLLECT, RESEARCH)
        stage.start()
        last = await stage.publish(room.door.event(kind=Kind.BOUGHT))
        await stage.folded(last)
        await forget(stage.js, messages.STREAM, SUBJECT, last)
        key_id, _ = room.folding.epochs.current()
        clock.ms += 200_000
        assert key_id not in await self.keeper(stage).retire_keys()
        relay = Relay(room.stores.profile, OUTBOX, stage.js)
        assert await relay.publish_waiting() == 1
        assert key_id not in await self.keeper(stage).retire_keys()
        learner = await stage.js.pull_subscribe("profile.v1.folded.*", durable="learner", stream=messages.ANNOUNCED)
        (lesson,) = await learner.fetch(1)
        await lesson.ack_sync()
        assert key_id in await self.keeper(stage).retire_keys()

    async def test_an_idle_partition_moves_its_horizon(self, stage, room, clock):
        await room.own()
        clock.ms += 86_400_000
        await self.keeper(stage).round(is_purging=False)
        (row,) = await room.rows("SELECT horizon_ms FROM positions")
        assert row["horizon_ms"] == clock.ms - 60_000

    async def test_books_that_do_not_balance_are_told(self, stage, room):
        await room.grant()
        await room.fold(room.door.message(room.door.event(), room.door.event("bob"), rejected=[rejected()]))
        keeper = self.keeper(stage)
        await keeper.round(is_purging=False)
        assert difference() == 0
        await room.rows("UPDATE books SET stored = stored - 1 RETURNING 1")
        await keeper.round(is_purging=False)
        assert difference() == 1


def difference():
    return REGISTRY.get_sample_value("profile_books_difference", {"source": SHOP})
