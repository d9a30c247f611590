import asyncio
import datetime as dt
import os
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kit.db import Database, raw
from kit.migrate import downgrade, upgrade
from kit.testing import eventually
from services.profile.repository import ledger, message_ids, periods
from services.profile.use_cases.parts import day_of
from tests.integration.profile.door import BRAND, Room

DAY = dt.date(2025, 1, 2)


def some(count, shard=7):
    return [(shard, os.urandom(16)) for _ in range(count)]


async def claimed(room, ids, brand=BRAND):
    async with room.profile() as connection:
        return await message_ids.claim(connection, brand, ids)


class Other:
    """A transaction of somebody else, that ends when told."""

    def __init__(self, room):
        self.room = room
        self.context = room.profile()

    async def begin(self):
        self.connection = await self.context.__aenter__()
        return self.connection

    async def commit(self):
        await self.context.__aexit__(None, None, None)

    async def roll_back(self):
        await self.connection.execute("ROLLBACK; BEGIN")
        await self.commit()


@pytest.fixture
def other(room):
    return Other(room)


async def waiting(room):
    async def is_waiting():
        (row,) = await room.rows(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%asked%'"
        )
        return row["count"]

    await eventually(is_waiting)


class TestClaiming:
    async def test_an_id_is_new_once(self, room):
        first, second = some(3), some(2)
        assert await claimed(room, first) == set(first)
        assert await claimed(room, first + second) == set(second)

    async def test_shards_and_brands_are_held_apart(self, room):
        mid = os.urandom(16)
        assert await claimed(room, [(1, mid), (2, mid)]) == {(1, mid), (2, mid)}
        assert await claimed(room, [(1, mid)], "elm") == {(1, mid)}
        assert await claimed(room, [(2, mid)]) == set()

    async def test_nothing_asked_is_nothing_new(self, room):
        assert await claimed(room, []) == set()

    async def test_ids_at_both_ends_of_the_range(self, room):
        ends = [(0, bytes(16)), (0, b"\xff" * 16), (0, b"\x7f" + b"\xff" * 15), (0, b"\x80" + bytes(15))]
        assert await claimed(room, ends) == set(ends)
        await packed(room)
        assert await claimed(room, ends) == set()

    async def test_who_comes_second_waits_and_gets_what_was_rolled_back(self, room, other):
        ids = some(1)
        assert await message_ids.claim(await other.begin(), BRAND, ids) == set(ids)
        second = asyncio.create_task(claimed(room, ids))
        await waiting(room)
        await other.roll_back()
        assert await second == set(ids)

    async def test_who_comes_second_gets_nothing_that_was_committed(self, room, other):
        ids = some(1)
        await message_ids.claim(await other.begin(), BRAND, ids)
        second = asyncio.create_task(claimed(room, ids))
        await waiting(room)
        await other.commit()
        assert await second == set()


async def closed(room):
    async with room.profile() as connection:
        assert await periods.lock(connection)
        await periods.close_present(connection, room.clock())


async def step(connection, most_ids=1_000_000):
    """Pack one step of the first period that is not packed; joined with the one before when that is packed."""
    *earlier, _ = await periods.all_of(connection)
    place = next((place for place, each in enumerate(earlier) if not each.is_packed), None)
    if place is None:
        return False
    joined = earlier[place - 1] if place else None
    if earlier[place].buckets is None:
        await periods.begin_packing(connection, earlier[place], joined)
    else:
        await periods.pack(connection, earlier[place], joined, most_ids)
    return True


async def packed(room, most_ids=1_000_000):
    await closed(room)
    steps = 0
    more = True
    while more:
        async with room.profile() as connection:
            more = await step(connection, most_ids)
        steps += more
    return steps


@pytest.fixture(params=["force_generic_plan", "force_custom_plan"])
def plans_of(room, request):
    """Opens a transaction in which claiming is planned once for all, or anew with every call."""

    @asynccontextmanager
    async def opened():
        async with room.profile() as connection:
            await connection.execute(f"COMMIT; SET plan_cache_mode = {request.param}")
            await message_ids.claim(connection, BRAND, some(1))
            await connection.execute("BEGIN")
            yield connection

    return opened


class TestPeriods:
    async def test_an_id_is_known_at_every_step_of_its_period(self, room):
        ids = some(500)
        await claimed(room, ids)
        await closed(room)
        assert await claimed(room, ids) == set()
        more = True
        while more:
            async with room.profile() as connection:
                more = await step(connection, 100)
            assert await claimed(room, ids) == set()
        (kept, present) = await room.rows("SELECT ids, ended_ms FROM message_id_periods ORDER BY number")
        assert (kept["ids"], present["ended_ms"]) == (500, None)

    async def test_periods_that_join_lose_nothing_and_take_nothing_for_known(self, room):
        parts = [some(300, shard) for shard in range(4)]
        for ids in parts:
            assert await claimed(room, ids) == set(ids)
            await packed(room, 100)
        new = some(300)
        everything = [each for ids in parts for each in ids]
        assert await claimed(room, everything + new) == set(new)
        assert [row["ids"] for row in await room.rows("SELECT ids FROM message_id_periods ORDER BY 1")] == [1200, None]
        (row,) = await room.rows("SELECT sum(length(keys)) / 16 AS ids FROM packed_message_ids")
        assert row["ids"] == 1200

    async def test_an_empty_period_is_packed_too(self, room):
        await packed(room)
        await packed(room)
        assert await claimed(room, some(2))

    async def test_a_step_that_fails_is_done_again(self, room):
        ids = some(500)
        await claimed(room, ids)
        await closed(room)
        async with room.profile() as connection:
            await step(connection)
        with pytest.raises(ZeroDivisionError):
            async with room.profile() as connection:
                await step(connection, 100)
                raise ZeroDivisionError
        assert await packed(room, 100) > 4
        assert await claimed(room, ids) == set()

    async def test_who_waits_while_the_present_period_ends_finds_it_closed(self, room, other, plans_of):
        ids = some(2)
        await claimed(room, ids)
        async with plans_of() as connection:
            await periods.close_present(await other.begin(), room.clock())
            claim = asyncio.create_task(message_ids.claim(connection, BRAND, ids))
            await waiting(room)
            await other.commit()
            assert await claim == set()

    async def test_who_waits_while_a_period_is_replaced_finds_it_packed(self, room, other, plans_of):
        for ids in (some(2), some(2)):
            await claimed(room, ids)
            await closed(room)
            async with plans_of() as connection:
                theirs = await other.begin()
                assert await step(theirs)
                await step(theirs)
                claim = asyncio.create_task(message_ids.claim(connection, BRAND, ids))
                await waiting(room)
                await other.commit()
                assert await claim == set()
            other = Other(room)

    async def test_the_present_period_ends_when_every_claim_is_in(self, room, other):
        ids = some(1)
        await message_ids.claim(await other.begin(), BRAND, ids)
        ending = asyncio.create_task(closed(room))

        async def is_waiting():
            return (await room.rows("SELECT count(*) FROM pg_locks WHERE NOT granted"))[0]["count"]

        await eventually(is_waiting)
        await other.commit()
        await ending
        (row,) = await room.rows("SELECT count(*) FROM closed_message_ids")
        assert row["count"] == 1

    async def test_a_period_whose_elder_is_forgotten_is_packed_alone(self, room):
        first, second = some(200), some(200)
        await claimed(room, first)
        await packed(room)
        await claimed(room, second)
        await closed(room)
        for _ in range(2):
            async with room.profile() as connection:
                await step(connection, 100)
        async with room.profile() as connection:
            await periods.forget(connection, [1])
        await packed(room, 100)
        assert await claimed(room, first + second) == set(first)

    async def test_one_at_a_time_changes_periods(self, room, other):
        assert await periods.lock(await other.begin())
        async with room.profile() as connection:
            assert not await periods.lock(connection)
        await other.commit()


class TestMigrating:
    async def test_code_works_before_and_what_is_remembered_stays_so(self, databases, migrations):
        # Goes with those of the module.
        url = databases.empty()
        upgrade(url, migrations["profile"], "0002")
        database = Database(url)
        old, late, new = some(300, 3), some(300, 63), some(10)

        async def claim(ids, day, brand=BRAND):
            async with database.transaction() as transaction:
                return await ledger.claim_messages(await raw(transaction), brand, day, ids)

        for day in (DAY, DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)):
            async with database.transaction() as transaction:
                await ledger.create_day(await raw(transaction), day)
        assert await claim(old, DAY) == set(old)
        assert await claim(late + old, DAY + dt.timedelta(days=1)) == set(late)
        assert await claim(old[:1], DAY, "elm") == set(old[:1])
        upgrade(url, migrations["profile"])
        assert await claim(old + late + new, DAY) == set(new)
        assert await claim(old, DAY, "elm") == set(old[1:])
        async with database.transaction() as transaction:
            connection = await raw(transaction)
            await ledger.create_day(connection, DAY)
            *earlier, present = await periods.all_of(connection)
        assert [day_of(each.began_ms) for each in earlier] == [DAY, DAY + dt.timedelta(days=1)]
        assert present.ended_ms is None
        await database.dispose()
        downgrade(url, migrations["profile"], "base")

    async def test_a_folder_knows_what_was_remembered_before(self, databases, migrations, stores, clock):
        # Goes with those of the module.
        url = databases.empty()
        upgrade(url, migrations["profile"], "0002")
        database = Database(url)
        room = Room(replace(stores, profile=database), clock)
        await room.grant()
        event, day = room.door.event(), day_of(clock())
        shard = (await room.bound()).persona.shard
        async with database.transaction() as transaction:
            connection = await raw(transaction)
            await ledger.create_day(connection, day)
            await ledger.claim_messages(connection, BRAND, day, [(shard, event.mid)])
        upgrade(url, migrations["profile"])
        await room.fold(room.door.message(event, room.door.event()))
        await room.days.turn()
        await room.days.window.check()
        await room.fold(room.door.message(event, room.door.event()))
        assert await room.books() == {"received": 4, "stored": 2, "duplicate": 2}
        await database.dispose()
