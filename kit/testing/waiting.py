"""Waiting for a state of the outside world that sends no signal."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

T = TypeVar("T")


async def eventually(check: Callable[[], T | Awaitable[T]], *, timeout_s: float = 10.0, every_s: float = 0.02) -> T:
    """The first truthy answer of `check` (plain or async); fails with the last answer after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = check()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return cast("T", answer)
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {timeout_s} s")
        await asyncio.sleep(every_s)
