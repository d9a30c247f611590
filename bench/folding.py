"""Watches the folder: how far it is, held still while doors are measured."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import asyncpg

from bench.preparing import Stack

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 600.0
_BOOKS = """
SELECT coalesce(sum(received), 0)::bigint AS received, coalesce(sum(stored), 0)::bigint AS stored,
       coalesce(sum(duplicate), 0)::bigint AS duplicate, coalesce(sum(quarantined), 0)::bigint AS quarantined,
       coalesce(sum(suppressed), 0)::bigint AS suppressed
FROM books
"""


class Books(NamedTuple):
    """What became of everything the folder has reached."""

    received: int
    stored: int
    duplicate: int
    quarantined: int
    suppressed: int

    @property
    def balance(self) -> bool:
        """True when every event has its place."""
        return self.received == self.stored + self.duplicate + self.quarantined + self.suppressed


@contextmanager
def held(stack: Stack) -> Iterator[None]:
    """Hold the folder still: acknowledging does not need it, and its turn comes afterwards."""
    pid = stack.pids["profile_fold"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _read(connection: asyncpg.Connection) -> Books:
    row = await connection.fetchrow(_BOOKS)
    if row is None:
        raise RuntimeError("a sum over no rows is a row")
    return Books(*row)


async def books(stack: Stack) -> Books:
    """Return the books of the folded part."""
    connection = await asyncpg.connect(stack.endpoints["databases"]["profile"])
    try:
        return await _read(connection)
    finally:
        await connection.close()


async def drained(stack: Stack, received: int) -> tuple[Books, float]:
    """Wait until `received` events are folded; return the books and the events per second from first to last change."""
    connection = await asyncpg.connect(stack.endpoints["databases"]["profile"])
    try:
        first = await _read(connection)
        now, began, begun_at, deadline = first, first, 0.0, time.monotonic() + _PATIENCE_S
        while now.received < received:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = await _read(connection)
            if not begun_at and now.received > first.received:
                began, begun_at = now, time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{received - now.received} events are not folded after {_PATIENCE_S:.0f} s")
        seconds = time.monotonic() - begun_at if begun_at else 0.0
        return now, (now.received - began.received) / seconds if seconds > 0 else 0.0
    finally:
        await connection.close()
