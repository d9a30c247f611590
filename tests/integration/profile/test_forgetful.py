"""Class 1: a second stream, whose server may forget its last messages and give their sequences out again."""

import shutil
import signal
from contextlib import suppress
from dataclasses import replace

import nats as nats_client
import pytest

from kit.db import raw
from kit.errors import UnavailableError
from kit.keyring import KeyMissingError
from kit.testing import eventually
from services.profile import messages
from services.profile.domain import POWER_CUT, PROCESS_DEATH
from services.profile.domain.errors import FencedError
from services.profile.hot import Hot
from services.profile.housekeeping import Housekeeper
from services.profile.repository import positions
from services.profile.repository.positions import Beginning
from services.profile.streams import Streams
from services.profile.use_cases.balance import balance
from services.profile.use_cases.fold import Fold
from services.profile.use_cases.parts import Owner, Part
from tests.integration.profile.door import BRAND, PARTITION
from tests.integration.profile.test_following import SUBJECT, Stage

RELAXED = replace(PARTITION, durability_class=PROCESS_DEATH)


class Both(Stage):
    """A folder on a stream of each class, and the plug of the second server."""

    def __init__(self, room, nats, server, client):
        super().__init__(room, nats)
        self.server = server
        self.client = client
        self.streams = Streams({POWER_CUT: nats, PROCESS_DEATH: client}, 64 << 20)

    async def relaxed(self, *events, **facts):
        """Publish in class 1, as a door that has just connected."""
        door = await nats_client.connect(self.server.url)
        try:
            return (await door.jetstream().publish(SUBJECT, self.room.door.envelope(events, **facts))).seq
        finally:
            await door.close()

    async def stored(self, count):
        async def is_stored():
            return (await self.room.books()).get("stored", 0) >= count

        await eventually(is_stored, timeout_s=30)

    async def position(self, partition=RELAXED):
        async with self.room.profile() as connection:
            return (await positions.all_of(connection, BRAND)).get(partition)

    def remember(self):
        """Keep what the server would find after a power cut; the folder may lie open meanwhile."""
        self.server.stop()
        shutil.copytree(self.server.folder / "store", self.server.folder / "kept")
        self.server.start()

    def cut(self):
        """Have the server come back with what was kept."""
        self.kill()
        shutil.rmtree(self.server.folder / "store")
        (self.server.folder / "kept").rename(self.server.folder / "store")
        self.server.start()

    def kill(self):
        self.server.child.send(signal.SIGKILL)
        self.server.child.wait(10)


@pytest.fixture
async def relaxed_client(nats_class_1_server):
    client = await nats_client.connect(
        nats_class_1_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=_unheard
    )
    yield client
    with suppress(OSError):
        # Its server may be gone.
        await client.close()


async def _unheard(_):
    pass


@pytest.fixture
async def both(room, nats, nats_class_1_server, relaxed_client):
    made = Both(room, nats, nats_class_1_server, relaxed_client)
    await made.prepare()
    await made.streams.prepare(PROCESS_DEATH)
    yield made
    await made.stop()


class TestTwoStreams:
    async def test_both_are_folded_into_one_persona_each_event_once(self, both, room):
        await room.grant()
        both.start()
        event = room.door.event()
        await both.publish(event, room.door.event())
        await both.relaxed(event, room.door.event())
        await both.stored(3)
        await eventually(lambda: _is(room.books(), {"received": 4, "stored": 3, "duplicate": 1}))
        assert (await both.position()).sequence == (await both.position(PARTITION)).sequence == 1

    async def test_hints_say_which_stream_went_on(self, both, room):
        await room.grant()
        hints = await both.nats.subscribe(messages.changed_subject(BRAND))
        both.start()
        await both.relaxed(room.door.event())
        assert messages.open_hint((await hints.next_msg(timeout=10)).data)[:2] == (RELAXED, 1)

    async def test_a_server_that_is_away_stops_nobody_and_is_followed_when_it_comes(self, both, room):
        await room.grant()
        await both.relaxed(room.door.event())
        both.server.stop()
        both.start()
        await both.folded(await both.publish(room.door.event()))
        both.server.start()
        await both.stored(2)

    async def test_what_waits_on_either_is_pending(self, both, room):
        await both.publish(room.door.event())
        await both.relaxed(room.door.event(), room.door.event())
        (line,) = await balance(room.stores, both.streams.waiting, PARTITION.siblings(), 0)
        assert (line.received, line.pending) == (3, 3)


class TestForgetting:
    async def test_a_killed_server_loses_nothing_and_repeats_nothing(self, both, room):
        await room.grant()
        both.start()
        await both.relaxed(room.door.event())
        await both.stored(1)
        before = await both.position()
        both.kill()
        both.server.start()
        await both.relaxed(room.door.event())
        await both.stored(2)
        assert await room.books() == {"received": 2, "stored": 2}
        after = await both.position()
        assert after.stream_created != before.stream_created
        assert after.sequence == 2

    @pytest.mark.parametrize("is_running", [True, False])
    async def test_sequences_that_are_given_out_again_are_not_passed_by(self, both, room, is_running):
        await room.grant()
        both.start()
        await both.relaxed(room.door.event())
        await both.stored(1)
        both.remember()
        for _ in range(4):
            await both.relaxed(room.door.event())
        await both.stored(5)
        if not is_running:
            await both.stop()
        both.cut()
        for number in range(8):
            assert await both.relaxed(room.door.event()) == number + 2
        if not is_running:
            both.start()
        await both.stored(13)
        assert await room.books() == {"received": 13, "stored": 13}

    async def test_what_a_folder_had_not_taken_is_still_taken(self, both, room):
        await room.grant()
        await both.relaxed(room.door.event())
        both.remember()
        await both.relaxed(room.door.event())
        both.cut()
        both.start()
        await both.stored(1)
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_a_stream_that_went_whole_is_made_and_followed_again(self, both, room):
        await room.grant()
        both.start()
        await both.relaxed(room.door.event())
        await both.stored(1)
        await both.client.jetstream().delete_stream(messages.STREAM)
        await self.keeper(both).round(is_purging=True)
        await both.relaxed(room.door.event())
        await both.stored(2)

    async def test_what_was_folded_is_reached_after_the_server_came_again(self, both, room):
        await room.grant()
        both.start()
        for _ in range(3):
            await both.relaxed(room.door.event())
        await both.stored(3)
        await self.keeper(both).round(is_purging=True)
        before = await both.position()
        both.kill()
        both.server.start()

        async def is_begun():
            return (await both.position()).stream_created != before.stream_created

        await eventually(is_begun, timeout_s=30)
        assert (await both.position()).sequence == 3

    async def test_purging_by_a_position_of_before_takes_nothing(self, both, room):
        await room.grant()
        both.start()
        await both.relaxed(room.door.event())
        await both.stored(1)
        await both.stop()
        both.kill()
        both.server.start()
        await eventually(lambda: both.client.is_connected)
        await self.keeper(both).round(is_purging=True)
        assert (await both.client.jetstream().stream_info(messages.STREAM)).state.messages == 1

    def keeper(self, both):
        return Housekeeper(both.room.folding, both.streams, both.room.days, lambda: [PARTITION])


class TestOwners:
    async def test_who_lost_a_partition_begins_nothing(self, room):
        first = await room.own("", RELAXED)
        await room.own("", RELAXED)
        with pytest.raises(FencedError):
            await self.begin(room, first, Beginning("run", 0, 0))

    async def test_nothing_is_kept_of_the_stream_before(self, room):
        await room.grant()
        claimed = await room.own("", RELAXED)
        before = await self.begin(room, claimed, Beginning("run", 0, 0))
        await self.begin(room, before, Beginning("next run", 0, 0))
        with pytest.raises(FencedError):
            await room.fold(room.door.message(room.door.event()), owner=before)
        assert await room.books() == {}

    async def test_a_fold_behind_one_of_the_stream_before_passes_nothing_by(self, room):
        await room.grant()
        await room.days.ensure_present()
        before = await self.begin(room, await room.own("", RELAXED), Beginning("run", 0, 0))
        far = replace(room.door.message(room.door.event()), sequence=9)
        first = Fold(room.folding, Hot(), [Part(before, [far])])
        await first.run()
        after = await self.begin(room, before, Beginning("next run", 0, 0))
        await room.fold_parts(Part(after, [room.door.message(room.door.event())]), before=first)
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_both_lanes_fold_at_once(self, room):
        await room.grant()
        strict, relaxed = await room.own(), await room.own("run", RELAXED)
        event = room.door.event()
        parts = [Part(owner, [room.door.message(event, room.door.event())]) for owner in (strict, relaxed)]
        await room.fold_parts(*parts)
        assert await room.books() == {"received": 4, "stored": 3, "duplicate": 1}

    async def begin(self, room, owner, found):
        async with room.stores.profile.transaction() as transaction:
            position = await positions.begin(await raw(transaction), owner.partition, owner.epoch, found)
        return Owner(owner.partition, position.stream_created, position.owner_epoch)


class TestKeys:
    def keeper(self, both, streams=None):
        return Housekeeper(both.room.folding, streams or both.streams, both.room.days, lambda: [PARTITION])

    async def test_a_key_stays_while_either_stream_needs_it(self, both, room, clock):
        await room.grant()
        await both.relaxed(room.door.event())
        key_id, _ = room.door.epochs.current()
        clock.ms += 200_000
        assert await self.keeper(both).retire_keys() == []
        both.start()
        await both.stored(1)
        await self.keeper(both).round(is_purging=True)
        with pytest.raises(KeyMissingError):
            room.door.epochs.opener(key_id)

    async def test_keys_stay_while_a_server_is_away_or_unknown(self, both, room, clock):
        await room.grant()
        both.start()
        await both.relaxed(room.door.event())
        await both.stored(1)
        await both.stop()
        clock.ms += 200_000
        assert await self.keeper(both, Streams({POWER_CUT: both.nats}, 1 << 20)).retire_keys() == []
        both.server.stop()
        await eventually(lambda: not both.client.is_connected)
        with pytest.raises(UnavailableError):
            await self.keeper(both).retire_keys()

    async def test_the_other_stream_is_purged_while_one_is_away(self, both, room):
        await room.grant()
        both.start()
        await both.folded(await both.publish(room.door.event()))
        both.server.stop()
        await eventually(lambda: not both.client.is_connected)
        await self.keeper(both).round(is_purging=True)
        assert (await both.js.stream_info(messages.STREAM)).state.messages == 0


async def _is(coming, wanted):
    return await coming == wanted
