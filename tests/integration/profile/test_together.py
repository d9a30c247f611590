import asyncio

import pytest

from kit.errors import TypedError, UnavailableError
from kit.testing import eventually
from services.profile import messages
from services.profile.domain import Kind, Partition
from services.profile.domain.errors import FencedError
from services.profile.hot import Hot
from services.profile.repository import books as accounts
from services.profile.repository import facets, ledger
from services.profile.use_cases.fold import Fold
from services.profile.use_cases.parts import Part
from tests.integration.profile.door import BRAND, PARTITION, Door
from tests.integration.profile.test_following import Stage

OTHER = Partition(BRAND, 1)
DAY_MS = 86_400_000


@pytest.fixture
async def pair(room, monkeypatch):
    """Two folds of the same facet: the second grows before the first is written."""
    await room.grant()
    await room.days.turn()
    return Pair(room, await room.own(), monkeypatch)


class Pair:
    def __init__(self, room, owner, monkeypatch):
        self.room = room
        self.owner = owner
        self.hot = Hot()
        self.written = asyncio.Event()
        close = accounts.close

        async def held(*arguments):
            await self.written.wait()
            return await close(*arguments)

        monkeypatch.setattr(accounts, "close", held)

    async def begin(self, opened, before=None):
        grown = asyncio.Event()
        fold = Fold(self.room.folding, self.hot, [Part(self.owner, opened)], before, grown.set)
        task = asyncio.create_task(fold.run())
        growing = asyncio.create_task(grown.wait())
        await asyncio.wait([growing, task], return_when=asyncio.FIRST_COMPLETED)
        return fold, task

    async def run(self, first, second, later_ms=0):
        before, one = await self.begin(first)
        self.room.clock.ms += later_ms
        _, other = await self.begin(second, before)
        self.written.set()
        await one
        await other


class TestTwoFoldsAtOnce:
    async def test_the_one_behind_builds_on_the_one_before(self, room, pair):
        await pair.run([room.door.message(room.door.event())], [room.door.message(room.door.event(kind=Kind.BOUGHT))])
        traits = await room.traits()
        assert {kind: tally.count for kind, tally in traits.kinds.items()} == {Kind.SEEN: 1, Kind.BOUGHT: 1}
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_it_does_so_without_anything_hot(self, room, pair):
        pair.hot = Hot(most_bytes=0)
        await pair.run([room.door.message(room.door.event())], [room.door.message(room.door.event())])
        assert (await room.traits()).kinds[Kind.SEEN].count == 2

    async def test_an_event_in_both_counts_once_even_at_midnight(self, room, pair, clock):
        clock.ms = (clock.ms // DAY_MS + 1) * DAY_MS - 1
        event = room.door.event()
        twice = room.door.message(event), room.door.message(event, room.door.event())
        await pair.run(twice[:1], twice[1:], later_ms=2)
        assert await room.books() == {"received": 3, "stored": 2, "duplicate": 1}

    async def test_a_batch_in_both_counts_once(self, room, pair):
        message = room.door.message(room.door.event())
        await pair.run([message], [room.door.again(message), room.door.message(room.door.event())])
        assert await room.books() == {"received": 2, "stored": 2}


class TestSeveralPartitions:
    async def test_one_fold_holds_them_apart_in_the_books(self, room):
        await room.grant("ada")
        await room.grant("bob")
        door = Door(room.stores.keyring, room.clock, OTHER)
        event = room.door.event("ada")
        await room.fold_parts(
            Part(await room.own(partition=OTHER), [door.message(door.event("bob"), door.event("eve"))]),
            Part(await room.own(), [room.door.message(event, event)]),
        )
        rows = await room.rows("SELECT partition, received, stored, duplicate, suppressed FROM books ORDER BY 1")
        assert [tuple(row) for row in rows] == [(0, 2, 1, 1, 0), (1, 2, 1, 0, 1)]

    async def test_one_that_is_fenced_keeps_the_others_whole(self, room):
        await room.grant()
        door = Door(room.stores.keyring, room.clock, OTHER)
        zombie, owner = await room.own(partition=OTHER), await room.own()
        await room.own(partition=OTHER)
        with pytest.raises(FencedError):
            await room.fold_parts(
                Part(zombie, [door.message(door.event())]), Part(owner, [room.door.message(room.door.event())])
            )
        assert await room.books() == {}

    async def test_a_takeover_while_it_grows_keeps_nothing(self, room, monkeypatch):
        await room.grant()
        keep = facets.keep

        async def taken_over(*arguments):
            await keep(*arguments)
            await room.own()

        monkeypatch.setattr(facets, "keep", taken_over)
        with pytest.raises(FencedError):
            await room.fold(room.door.message(room.door.event()))
        assert await room.books() == {}
        assert await room.rows("SELECT * FROM facets") == []


class Pairs(Stage):
    """A stage with two partitions."""

    def __init__(self, room, nats):
        super().__init__(room, nats)
        self.other = Door(room.stores.keyring, room.clock, OTHER)

    async def publish_other(self, *events, **facts):
        sent = await self.js.publish(messages.received_subject(OTHER), self.other.envelope(events, **facts))
        return sent.seq

    async def both_folded(self, sequence, other):
        await self.folded(sequence)

        async def is_folded():
            rows = await self.room.rows("SELECT sequence FROM positions WHERE partition = 1 AND durability_class = 2")
            return rows and rows[0]["sequence"] >= other

        await eventually(is_folded, timeout_s=30)


@pytest.fixture
async def stage(room, nats):
    made = Pairs(room, nats)
    await made.prepare()
    await room.grant("ada")
    await room.grant("bob")
    yield made
    await made.stop()


class TestTogether:
    async def test_a_partition_with_too_much_poison_halts_alone(self, stage, room):
        ownership = stage.start((PARTITION, OTHER))
        for _ in range(6):
            await stage.js.publish(messages.received_subject(OTHER), b"\xff")
        last = [await stage.publish(room.door.event()) for _ in range(20)][-1]
        await stage.folded(last)

        async def is_halted():
            try:
                await ownership.check()
            except TypedError as error:
                return error.reason

        assert await eventually(is_halted, timeout_s=30) == "TOO_MANY_DEAD_LETTERS"
        await stage.folded(await stage.publish(room.door.event()))
        assert ownership.owned == [PARTITION]
        assert await room.books() == {"received": 21, "stored": 21}

    async def test_a_partition_whose_fold_always_fails_stops_no_other(self, stage, room, monkeypatch):
        close = accounts.close

        async def failing(connection, brand, lines, reached, day):
            if any(each.partition == OTHER for each in reached):
                raise UnavailableError
            return await close(connection, brand, lines, reached, day)

        with monkeypatch.context() as patch:
            patch.setattr(accounts, "close", failing)
            stage.start((PARTITION, OTHER))
            other = await stage.publish_other(stage.other.event("bob"))
            for _ in range(5):
                await stage.folded(await stage.publish(room.door.event("ada")))
            assert await room.books() == {"received": 5, "stored": 5}
        await stage.both_folded(0, other)
        assert await room.books() == {"received": 6, "stored": 6}

    async def test_a_fold_that_fails_under_load_is_folded_again_once(self, stage, room, monkeypatch):
        claim, tried = ledger.claim_messages, []

        async def failing_now_and_then(*arguments):
            found = await claim(*arguments)
            tried.append(1)
            if len(tried) % 3 == 0:
                raise UnavailableError
            return found

        monkeypatch.setattr(ledger, "claim_messages", failing_now_and_then)
        stage.start((PARTITION, OTHER), fold_events=3)
        for _ in range(20):
            last = await stage.publish(room.door.event("ada"))
            other = await stage.publish_other(stage.other.event("bob"))
        await stage.both_folded(last, other)
        assert await room.books() == {"received": 40, "stored": 40}
        assert [(await room.traits(name)).kinds[Kind.SEEN].count for name in ("ada", "bob")] == [20, 20]

    async def test_a_fenced_partition_is_let_go_alone_and_taken_again(self, stage, room):
        ownership = stage.start((PARTITION, OTHER))
        await eventually(lambda: len(ownership.owned) == 2)
        await stage.folded(await stage.publish(room.door.event("ada")))
        await room.own("first", OTHER)
        other = await stage.publish_other(stage.other.event("bob"))
        last = await stage.publish(room.door.event("ada"))
        await stage.both_folded(last, other)
        assert await room.books() == {"received": 3, "stored": 3}

    async def test_two_folders_share_the_partitions_and_one_takes_over_all(self, stage, room):
        first = stage.start((PARTITION,))
        await eventually(lambda: first.owned)
        second = stage.start((PARTITION, OTHER))
        await eventually(lambda: second.owned == [OTHER])
        last, other = None, None
        for _ in range(10):
            last = await stage.publish(room.door.event("ada"))
            other = await stage.publish_other(stage.other.event("bob"))
        stage.tasks[0].cancel()
        await eventually(lambda: len(second.owned) == 2)
        for _ in range(10):
            last = await stage.publish(room.door.event("ada"))
        await stage.both_folded(last, other)
        assert await room.books() == {"received": 30, "stored": 30}
        assert (await room.traits("ada")).kinds[Kind.SEEN].count == 20
