import asyncio

import pytest

from services.profile.domain import Partition
from services.profile.use_cases.reach import Reach
from tests.integration.profile.door import BRAND

PARTITION, OTHER = Partition(BRAND, 0), Partition(BRAND, 1)


@pytest.fixture
def reach(stores):
    return Reach(stores, most_s=30)


@pytest.fixture
def hasty(stores):
    return Reach(stores, most_s=0.3)


class TestReach:
    async def test_what_was_hinted_is_reached(self, reach):
        reach.hint(PARTITION, 7)
        assert await reach.reach(BRAND, {PARTITION: 7}) == []

    async def test_a_hint_wakes_who_waits_for_it_and_nobody_else(self, reach):
        reach.hint(PARTITION, 3)
        near, far = (asyncio.create_task(reach.reach(BRAND, {PARTITION: sequence})) for sequence in (5, 9))
        await asyncio.sleep(0)
        reach.hint(PARTITION, 5)
        assert await near == []
        assert not far.done()
        reach.hint(PARTITION, 9)
        assert await far == []

    async def test_what_nobody_hints_is_told_as_behind_when_the_time_is_over(self, hasty):
        hasty.hint(PARTITION, 3)
        assert [(lag.partition, lag.messages) for lag in await hasty.reach(BRAND, {PARTITION: 9})] == [(PARTITION, 9)]

    async def test_every_partition_asked_for_has_to_be_reached(self, reach):
        reach.hint(PARTITION, 5)
        reading = asyncio.create_task(reach.reach(BRAND, {PARTITION: 5, OTHER: 2}))
        await asyncio.sleep(0)
        reach.hint(OTHER, 2)
        assert await reading == []

    async def test_a_stream_that_begins_again_is_believed(self, hasty):
        hasty.hint(PARTITION, 900)
        hasty.hint(PARTITION, 1)
        assert [lag.messages for lag in await hasty.reach(BRAND, {PARTITION: 4})] == [4]

    async def test_a_lost_hint_costs_a_look(self, reach, room):
        message = room.door.message(room.door.event())
        reach.hint(PARTITION, 0)
        await room.fold(message)
        assert await reach.reach(BRAND, {PARTITION: message.sequence}) == []
