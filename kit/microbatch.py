"""Batches that fill while the one before is in flight: no timer, bounded memory."""

import asyncio
import sys
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
    #: Has its turn to come, or a batch in flight.
    is_busy: bool = False


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
        at_once: int = sys.maxsize,
    ) -> None:
        """Take bounds of a batch, and over all partitions bytes that wait and batches in flight; of one it is one."""
        self._flush = flush
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._at_once = at_once
        self._in_flight = 0
        # Those that might send, in turn, so that a busy partition does not keep the others waiting.
        self._queue: deque[tuple[int, _Lane[T, R]]] = deque()
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
        return await self.put(partition, items, size)

    async def run(self, partition: int, items: Sequence[T], size: int) -> R:
        """Be `submit`, but where nothing of the partition is under way flush them in the caller's own task.

        That saves a task and two turns of the loop. Whoever is cancelled then stops its own flush, and nobody else's.
        """
        lane = self._lane(partition)
        if lane.is_busy or self._in_flight >= self._at_once:
            return await self.put(partition, items, size)
        lane.is_busy = True
        self._in_flight += 1
        self._held += size
        self._idle.clear()
        try:
            return await self._flush(partition, list(items))
        finally:
            self._release(partition, lane, size)

    def put(self, partition: int, items: Sequence[T], size: int) -> asyncio.Future[R]:
        """Be `submit` for a caller of several: the future is done once the batch with `items` is flushed."""
        if self._held and self._held + size > self._max_waiting:
            raise ExhaustedError("too much waits to be written", retry_after_s=RETRY_AFTER_S)
        lane = self._lane(partition)
        batch = self._batch_for(lane, len(items), size)
        batch.items.extend(items)
        batch.size += size
        waiter: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        batch.waiters.append(waiter)
        self._held += size
        self._idle.clear()
        self._start(partition, lane)
        return waiter

    async def drain(self) -> None:
        """Return once nothing waits and nothing is in flight."""
        await self._idle.wait()

    def _lane(self, partition: int) -> _Lane[T, R]:
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = _Lane()
        return lane

    def _batch_for(self, lane: _Lane[T, R], count: int, size: int) -> _Batch[T, R]:
        if lane.waiting:
            last = lane.waiting[-1]
            if len(last.items) + count <= self._max_items and last.size + size <= self._max_bytes:
                return last
        batch: _Batch[T, R] = _Batch()
        lane.waiting.append(batch)
        return batch

    def _start(self, partition: int, lane: _Lane[T, R]) -> None:
        if lane.waiting and not lane.is_busy:
            lane.is_busy = True
            self._queue.append((partition, lane))
        while self._queue and self._in_flight < self._at_once:
            self._send(*self._queue.popleft())

    def _send(self, partition: int, lane: _Lane[T, R]) -> None:
        batch = lane.waiting.popleft()
        self._in_flight += 1
        flushing = asyncio.ensure_future(self._flush(partition, batch.items))
        flushing.add_done_callback(partial(self._finish, partition, lane, batch))

    def _finish(self, partition: int, lane: _Lane[T, R], batch: _Batch[T, R], flushing: asyncio.Task[R]) -> None:
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
        self._release(partition, lane, batch.size)

    def _release(self, partition: int, lane: _Lane[T, R], size: int) -> None:
        lane.is_busy = False
        self._in_flight -= 1
        self._held -= size
        self._start(partition, lane)
        if not self._in_flight:
            self._idle.set()
