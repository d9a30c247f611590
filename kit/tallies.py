"""Counts that many requests add to in memory, and that leave now and then in one write."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import Counter

from kit.errors import TypedError
from kit.telemetry import logger

K = TypeVar("K")
_LOG = logger(__name__)
_LOST = Counter("tally_lost", "Counts that were not taken, for there were too many keys", ("tally",))


class Counted(NamedTuple):
    """How often, and when first and last, milliseconds since 1970 UTC."""

    times: int
    first_at_ms: int
    last_at_ms: int


class Tally(Generic[K]):
    """Counts by key. What was counted since the last write is lost with the process, and nothing else.

    Holds at most `most` keys; counts under further ones are dropped, and a metric says so.
    """

    def __init__(self, name: str, most: int = 100_000) -> None:
        self._name = name
        self._most = most
        self._counted: dict[K, Counted] = {}

    def add(self, key: K, at_ms: int, count: int = 1) -> None:
        """Count, without waiting for anything."""
        self._add(key, Counted(count, at_ms, at_ms))

    async def flush(self, write: Callable[[Mapping[K, Counted]], Awaitable[None]]) -> None:
        """Hand over what was counted. Raises what `write` raises: all of it is then counted still."""
        taken, self._counted = self._counted, {}
        if not taken:
            return
        with ExitStack() as unwritten:
            unwritten.callback(self._put_back, taken)
            await write(taken)
            unwritten.pop_all()

    async def run(self, write: Callable[[Mapping[K, Counted]], Awaitable[None]], every_s: float) -> None:
        """Hand over again and again until cancelled; what cannot be written waits."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.flush(write)
            except (TypedError, OSError) as error:
                _LOG.warning("tally.postponed", tally=self._name, exc_info=error)

    def _put_back(self, taken: Mapping[K, Counted]) -> None:
        for key, counted in taken.items():
            self._add(key, counted)

    def _add(self, key: K, new: Counted) -> None:
        before = self._counted.get(key)
        if before is not None:
            first, last = min(before.first_at_ms, new.first_at_ms), max(before.last_at_ms, new.last_at_ms)
            self._counted[key] = Counted(before.times + new.times, first, last)
        elif len(self._counted) < self._most:
            self._counted[key] = new
        else:
            _LOST.labels(self._name).inc(new.times)
