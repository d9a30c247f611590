"""Requests in progress are bounded: each may hold a whole body."""

import asyncio
from typing import Any

import pytest

from gateway.tracking import Door, Tracking
from kit.errors import ExhaustedError

SCOPE = {"headers": [], "query_string": b""}


async def never() -> Any:
    await asyncio.Event().wait()


class TestRecord:
    async def test_too_many_at_once_are_told_to_come_back(self) -> None:
        anything: Any = None
        door = Door(anything, anything, anything, anything, anything, partitions=4, max_requests=1)
        tracking = Tracking(door)
        first = asyncio.create_task(tracking.record(SCOPE, never, type_=None))
        await asyncio.sleep(0)
        with pytest.raises(ExhaustedError) as refused:
            await tracking.record(SCOPE, never, type_=None)
        assert refused.value.retry_after_s >= 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        again = asyncio.create_task(tracking.record(SCOPE, never, type_=None))
        await asyncio.sleep(0)
        assert not again.done()
        again.cancel()
