"""Batches that fill while the one before is in flight: no timer, bounded memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from kit.errors import ExhaustedError

T = TypeVar("T")
R = TypeVar("R")
RETRY_AFTER_S = 1


@dataclass(slots=True)
class _Batch(Generic[T, R]):
    items: list[T] = field(default_factory=list)
    size: int = 0
    # One each: a cancelled submitter cancels what it awaits, and the others must not notice.
    waiters: list[asyncio.Future[R]] = field(default_factory=list)


@dataclass(slots=True)
class _Lane(Generic[T, R]):
    waiting: deque[_Batch[T, R]] = field(default_factory=deque)
    in_flight: int = 0


class MicroBatcher(Generic[T, R]):
    """Gathers items of many submitters into batches per partition.

    One submit is never split and may exceed the limits alone; all submitters of a batch get what its flush returned,
    or the very error it raised. A cancelled submitter does not stop the batch it is in.
    """

    def __init__(
        self,
        flush: Callable[[int, list[T]], Coroutine[Any, Any, R]],
        *,
        max_items: int,
        max_bytes: int,
        max_waiting: int,
        in_flight: int = 1,
    ) -> None:
        """Take bounds of a batch, `max_waiting` bytes over all partitions, and batches in flight per partition."""
        self._flush = flush
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._max_in_flight = in_flight
        self._lanes: dict[int, _Lane[T, R]] = {}
        self._held = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def held_bytes(self) -> int:
        """Bytes submitted and not yet flushed."""
        return self._held

    async def submit(self, partition: int, items: Sequence[T], size: int) -> R:
        """Return once the batch with `items` (`size` bytes) is flushed; raises ExhaustedError when too much waits."""
        if self._held and self._held + size > self._max_waiting:
            raise ExhaustedError("too much waits to be written", retry_after_s=RETRY_AFTER_S)
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = _Lane()
        batch = self._batch_for(lane, len(items), size)
        batch.items.extend(items)
        batch.size += size
        waiter: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        batch.waiters.append(waiter)
        self._held += size
        self._idle.clear()
        self._start(partition, lane)
        return await waiter

    async def drain(self) -> None:
        """Return once nothing waits and nothing is in flight."""
        await self._idle.wait()

    def _batch_for(self, lane: _Lane[T, R], count: int, size: int) -> _Batch[T, R]:
        if lane.waiting:
            last = lane.waiting[-1]
            if len(last.items) + count <= self._max_items and last.size + size <= self._max_bytes:
                return last
        batch: _Batch[T, R] = _Batch()
        lane.waiting.append(batch)
        return batch

    def _start(self, partition: int, lane: _Lane[T, R]) -> None:
        while lane.waiting and lane.in_flight < self._max_in_flight:
            batch = lane.waiting.popleft()
            lane.in_flight += 1
            flushing = asyncio.ensure_future(self._flush(partition, batch.items))
            flushing.add_done_callback(partial(self._finish, partition, lane, batch))

    def _finish(self, partition: int, lane: _Lane[T, R], batch: _Batch[T, R], flushing: asyncio.Task[R]) -> None:
        lane.in_flight -= 1
        self._held -= batch.size
        error = None if flushing.cancelled() else flushing.exception()
        for waiter in batch.waiters:
            if waiter.done():
                continue
            if flushing.cancelled():
                waiter.cancel()
            elif error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(flushing.result())
        self._start(partition, lane)
        if not any(lane.in_flight for lane in self._lanes.values()):
            self._idle.set()
