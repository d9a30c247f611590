import asyncio

import pytest

from kit.cancelling import raise_if_cancelled, rest


class TestRaiseIfCancelled:
    async def test_a_dropped_cancellation_still_ends_a_loop(self):
        async def loop() -> None:
            while True:
                raise_if_cancelled()
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    # What wait_for does when the result came in the same turn.
                    continue

        task = asyncio.create_task(loop())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)

    async def test_a_time_out_that_has_passed_is_no_cancellation(self):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.sleep(60)
        raise_if_cancelled()


class TestRest:
    async def test_tells_whether_the_event_was_set(self):
        event = asyncio.Event()
        assert not await rest(event, 0.001)
        event.set()
        assert await rest(event, 60)

    async def test_a_cancellation_is_kept_when_the_event_comes_with_it(self):
        event = asyncio.Event()
        task = asyncio.create_task(rest(event, 60))
        await asyncio.sleep(0)
        event.set()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
