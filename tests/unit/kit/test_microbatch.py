"""Micro-batches: fill while one is in flight, bounded, and every submitter learns its fate."""

import asyncio

import pytest

from kit.errors import ExhaustedError
from kit.microbatch import MicroBatcher


class FakeDisk:
    """Writes when told to, so that the tests decide what is in flight."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, list[str]]] = []
        self.leave = asyncio.Event()
        self.error: OSError | None = None

    async def flush(self, partition: int, items: list[str]) -> int:
        self.writes.append((partition, items))
        await self.leave.wait()
        if self.error:
            raise self.error
        return len(self.writes)


def batcher(disk: FakeDisk, max_waiting: int = 1000) -> MicroBatcher[str, int]:
    return MicroBatcher(disk.flush, max_items=3, max_bytes=30, max_waiting=max_waiting)


async def started(
    disk: FakeDisk, batches: MicroBatcher[str, int], *submits: tuple[int, str]
) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batches.submit(partition, [item], 10)) for partition, item in submits]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


class TestSubmit:
    async def test_next_batch_fills_while_one_is_in_flight(self) -> None:
        disk = FakeDisk()
        tasks = await started(disk, batcher(disk), (0, "a"), (0, "b"), (0, "c"), (0, "d"), (0, "e"))
        assert disk.writes == [(0, ["a"])]
        disk.leave.set()
        assert await asyncio.gather(*tasks) == [1, 2, 2, 2, 3]
        assert disk.writes == [(0, ["a"]), (0, ["b", "c", "d"]), (0, ["e"])]

    async def test_partitions_do_not_wait_for_each_other(self) -> None:
        disk = FakeDisk()
        tasks = await started(disk, batcher(disk), (0, "a"), (1, "b"))
        assert disk.writes == [(0, ["a"]), (1, ["b"])]
        disk.leave.set()
        await asyncio.gather(*tasks)

    async def test_bytes_bound_a_batch(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk)
        first = await started(disk, batches, (0, "a"), (0, "b"))
        large = asyncio.create_task(batches.submit(0, ["large"], 25))
        disk.leave.set()
        await asyncio.gather(*first, large)
        assert disk.writes == [(0, ["a"]), (0, ["b"]), (0, ["large"])]

    async def test_partitions_take_turns_when_few_may_be_in_flight(self) -> None:
        disk = FakeDisk()
        batches = MicroBatcher(disk.flush, max_items=1, max_bytes=30, max_waiting=1000, at_once=1)
        tasks = await started(disk, batches, (0, "a"), (0, "b"), (0, "c"), (1, "d"), (2, "e"))
        assert disk.writes == [(0, ["a"])]
        disk.leave.set()
        await asyncio.gather(*tasks)
        await batches.drain()
        assert [partition for partition, _ in disk.writes] == [0, 1, 2, 0, 0]

    async def test_failure_reaches_every_submitter_and_the_next_batch_goes_on(self) -> None:
        disk = FakeDisk()
        disk.error = OSError("disk full")
        tasks = await started(disk, batcher(disk), (0, "a"), (0, "b"), (0, "c"))
        disk.leave.set()
        fates = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(fate, OSError) for fate in fates)
        assert len(disk.writes) == 2

    async def test_cancelled_submitter_does_not_stop_the_batch(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk)
        first, second, third = await started(disk, batches, (0, "a"), (0, "b"), (0, "c"))
        second.cancel()
        disk.leave.set()
        assert await third == 2
        await batches.drain()
        assert first.done()
        assert disk.writes[1] == (0, ["b", "c"])

    async def test_too_much_waiting_is_refused_with_a_time_to_retry(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk, max_waiting=20)
        tasks = await started(disk, batches, (0, "a"), (0, "b"))
        with pytest.raises(ExhaustedError) as refusal:
            await batches.submit(0, ["c"], 1)
        assert refusal.value.retry_after_s >= 1
        disk.leave.set()
        await asyncio.gather(*tasks)
        assert batches.held_bytes == 0

    async def test_one_submit_beyond_the_bound_passes_when_nothing_waits(self) -> None:
        disk = FakeDisk()
        disk.leave.set()
        assert await batcher(disk, max_waiting=20).submit(0, ["huge"], 50) == 1


class TestDrain:
    async def test_waits_for_what_is_in_flight(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk)
        tasks = await started(disk, batches, (0, "a"), (1, "b"), (0, "c"))
        draining = asyncio.create_task(batches.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        disk.leave.set()
        await draining
        assert all([await task for task in tasks])


class TestRun:
    async def test_who_comes_first_flushes_alone_and_the_others_share_the_next(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk)
        tasks = [asyncio.create_task(batches.run(0, [item], 10)) for item in "abc"]
        await asyncio.sleep(0)
        assert disk.writes == [(0, ["a"])]
        assert batches.held_bytes == 30
        disk.leave.set()
        assert await asyncio.gather(*tasks) == [1, 2, 2]
        await asyncio.wait_for(batches.drain(), 5)
        assert batches.held_bytes == 0

    async def test_who_is_cancelled_stops_nobody_else(self) -> None:
        disk = FakeDisk()
        batches = batcher(disk)
        first, second = (asyncio.create_task(batches.run(0, [item], 10)) for item in "ab")
        await asyncio.sleep(0)
        first.cancel()
        disk.leave.set()
        assert await second == 2
        assert disk.writes == [(0, ["a"]), (0, ["b"])]

    async def test_an_error_is_its_own(self) -> None:
        disk = FakeDisk()
        disk.error = OSError("disk full")
        disk.leave.set()
        batches = batcher(disk)
        with pytest.raises(OSError, match="disk full"):
            await batches.run(0, ["a"], 10)
        disk.error = None
        assert await batches.run(0, ["b"], 10) == 2

    async def test_no_more_are_in_flight_than_may_be(self) -> None:
        disk = FakeDisk()
        batches: MicroBatcher[str, int] = MicroBatcher(
            disk.flush, max_items=3, max_bytes=30, max_waiting=1000, at_once=1
        )
        tasks = [asyncio.create_task(batches.run(partition, ["a"], 10)) for partition in (0, 1)]
        await asyncio.sleep(0)
        assert [partition for partition, _ in disk.writes] == [0]
        disk.leave.set()
        await asyncio.gather(*tasks)
