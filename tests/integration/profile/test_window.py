import datetime as dt

import pytest
from structlog.testing import capture_logs

from services.profile import window
from services.profile.domain.errors import WindowShortenedError
from services.profile.repository import ledger, message_ids, periods
from services.profile.use_cases.parts import day_of
from services.profile.window import Window
from tests.integration.profile.door import BRAND
from tests.integration.profile.test_message_ids import Other, claimed, some

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def kept(room):
    return Window(room.stores, dt.timedelta(days=1), None)


@pytest.fixture
def small(monkeypatch):
    """Periods end as soon as they hold a page of ids."""
    monkeypatch.setattr(window, "_LEAST_BYTES", 24_000)


async def numbers(room):
    return [row["number"] for row in await room.rows("SELECT number FROM message_id_periods ORDER BY 1")]


async def spans(room):
    async with room.profile() as connection:
        return [(each.began_ms, each.ids, each.is_packed) for each in await periods.all_of(connection)]


class TestTurning:
    async def test_an_id_is_remembered_for_a_day_and_longer_while_a_partition_is_behind(self, room, kept, clock):
        ids = some(100)
        await claimed(room, ids)
        clock.ms += DAY_MS
        # It may have been claimed a moment before the period ended.
        for _ in range(24):
            await kept.turn(clock.ms)
            assert await claimed(room, ids) == set()
            clock.ms += HOUR_MS - 1
        clock.ms += 2 * HOUR_MS
        await kept.turn(clock.ms - 2 * DAY_MS)
        await kept.turn(None)
        assert await claimed(room, ids) == set()
        await kept.turn(clock.ms)
        assert await claimed(room, ids) == set(ids)

    async def test_events_sent_again_days_later_count_once_until_every_partition_is_past_them(self, room, clock):
        await room.grant()
        event = room.door.event()
        await room.fold(room.door.message(event))
        for _ in range(5):
            clock.ms += DAY_MS
            await room.days.turn()
        await room.fold(room.door.message(event))
        assert (await room.books())["duplicate"] == 1
        await room.days.turn()
        await room.fold(room.door.message(event))
        assert (await room.books())["stored"] == 2
        async with room.profile() as connection:
            assert await ledger.drop_days_before(connection, day_of(clock.ms - 2 * DAY_MS)) == []

    async def test_a_stream_made_anew_forgets_no_id(self, room):
        await room.grant()
        event = room.door.event()
        await room.fold(room.door.message(event))
        await room.rows("DELETE FROM positions RETURNING 1")
        room.door.sequence = 0
        await room.fold(room.door.message(event, room.door.event()), owner=await room.own("second"))
        assert await room.books() == {"received": 3, "stored": 2, "duplicate": 1}

    async def test_periods_of_a_day_are_packed_into_one(self, room, kept, clock, small):
        began_ms = (await spans(room))[0][0]
        claims = [some(1000) for _ in range(3)]
        for ids in claims:
            await claimed(room, ids)
            clock.ms += HOUR_MS
            await kept.turn(clock.ms)
        (packed, present) = await spans(room)
        assert packed == (began_ms, 3000, True)
        assert present[0] == clock.ms
        assert await claimed(room, [each for ids in claims for each in ids]) == set()

    async def test_a_fold_that_takes_long_is_not_waited_for(self, room, kept, clock):
        slow = Other(room)
        await message_ids.claim(await slow.begin(), BRAND, some(1))
        clock.ms += DAY_MS
        await kept.turn(clock.ms)
        assert len(await numbers(room)) == 1
        await slow.commit()
        await kept.turn(clock.ms)
        assert len(await numbers(room)) == 2


class TestBound:
    @pytest.fixture
    def bounded(self, room, small):
        return Window(room.stores, dt.timedelta(days=1), 800_000)

    async def fill(self, room, bounded, clock, rounds):
        batches = []
        with capture_logs() as lines:
            for _ in range(rounds):
                batches.append(some(1500))
                await claimed(room, batches[-1])
                clock.ms += HOUR_MS
                await bounded.turn(clock.ms)
        return batches, [line for line in lines if line["event"] == "message_ids.window_shortened"]

    async def test_while_it_is_enough_nothing_is_said(self, room, bounded, clock):
        _, said = await self.fill(room, bounded, clock, 4)
        assert said == []
        await bounded.check()

    async def test_the_oldest_goes_loudly_and_the_youngest_stays(self, room, bounded, clock):
        batches, said = await self.fill(room, bounded, clock, 25)
        assert said
        assert {line["log_level"] for line in said} == {"error"}
        assert said[-1]["wanted_hours"] == 24
        assert 6 < said[-1]["hours"] < 24
        assert sum(each.bytes for each in await self.all_of(room)) <= 800_000
        assert await claimed(room, batches[0]) == set(batches[0])
        for ids in batches[-6:]:
            assert await claimed(room, ids) == set()

    async def test_not_ready_while_less_is_remembered_than_is_to_be(self, room, bounded, clock):
        await self.fill(room, bounded, clock, 25)
        with pytest.raises(WindowShortenedError, match="hours only") as caught:
            await bounded.check()
        assert (caught.value.field, caught.value.limit) == ("message_ids_max_bytes", "800000")
        # Another process sees it too, and as soon as a whole day is remembered again neither does.
        other = Window(room.stores, dt.timedelta(days=1), 10**9)
        await other.turn(clock.ms)
        with pytest.raises(WindowShortenedError):
            await other.check()
        clock.ms += DAY_MS
        await other.turn(clock.ms)
        await other.check()

    async def test_the_present_period_is_never_forgotten(self, room, clock, small):
        bounded = Window(room.stores, dt.timedelta(days=1), 1)
        for _ in range(3):
            await bounded.turn(clock.ms)
            ids = some(10)
            await claimed(room, ids)
            assert await claimed(room, ids) == set()

    async def all_of(self, room):
        async with room.profile() as connection:
            return await periods.all_of(connection)
