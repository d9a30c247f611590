"""Keeps the window of message ids: periods are closed, packed and forgotten, loudly when it is for want of disk."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from prometheus_client import Gauge

from kit.db import raw
from kit.telemetry import logger
from services.profile.domain.errors import WindowShortenedError
from services.profile.repository import periods
from services.profile.repository.periods import Period
from services.profile.use_cases.stores import Stores

_LOG = logger(__name__)
_SECONDS = Gauge("profile_message_ids_window_seconds", "How far back message ids are remembered")
_BYTES = Gauge("profile_message_ids_bytes", "Disk that message ids take, indexes and all")
_IDS = Gauge("profile_message_ids", "Message ids that are remembered, about")

_PERIOD_MS = 86_400_000
_HOUR_MS = 3_600_000
# The present period ends early when it takes this much, and twice as much as what of its day is packed, which it joins
# then: what is packed takes a quarter of the room, and a small table is written faster.
_LEAST_BYTES = 16 << 20
_GROWN = 2
# With a bound no period grows beyond this part of it, which is what is forgotten at a time.
_PARTS = 8
# As much as one round packs delays no fold for long and is more than a folder claims meanwhile.
_IDS_A_STEP = 250_000
_STEPS_A_ROUND = 4


class Window:
    """How far back message ids are remembered: at least for `kept`, unless they would take more than `most_bytes`."""

    def __init__(self, stores: Stores, kept: dt.timedelta, most_bytes: int | None) -> None:
        self._stores = stores
        self._kept_ms = int(kept.total_seconds()) * 1000
        self._most_bytes = most_bytes
        self._short_hours: float | None = None

    async def check(self) -> None:
        """Be a readiness check: raises WindowShortenedError while less is remembered than is to be."""
        if self._short_hours is not None:
            raise WindowShortenedError(
                f"message ids are remembered for {self._short_hours:.1f} hours only: raise MESSAGE_IDS_MAX_BYTES",
                field="message_ids_max_bytes",
                limit=str(self._most_bytes),
            )

    async def turn(self, horizon_ms: int | None) -> None:
        """Close, forget and pack what is due; everything sealed before `horizon_ms` is folded, None if nobody knows.

        Every step is a transaction of its own, and what one cannot do now, because others do it or a fold takes long,
        is left to the next round.
        """
        try:
            await self._close()
            await self._forget(horizon_ms)
            for _ in range(_STEPS_A_ROUND):
                if not await self._pack():
                    break
            await self._bound()
        except asyncpg.LockNotAvailableError:
            _LOG.info("message_ids.kept_waiting")
        await self._look(horizon_ms)

    async def _close(self) -> None:
        async with self._keeping() as (connection, found):
            if not found:
                return
            now_ms, present = self._stores.now_ms(), found[-1]
            if now_ms - present.began_ms >= _PERIOD_MS or self._is_part(present.bytes) or _has_grown(found):
                await periods.close_present(connection, now_ms)
                _LOG.info("message_ids.closed", period=present.number, bytes=present.bytes)

    async def _forget(self, horizon_ms: int | None) -> None:
        if horizon_ms is None:
            return
        async with self._keeping() as (connection, found):
            needless = [each.number for each in found[:-1] if (each.ended_ms or 0) <= horizon_ms - self._kept_ms]
            if needless:
                await periods.forget(connection, needless)
                _LOG.info("message_ids.forgotten", periods=needless)

    async def _pack(self) -> bool:
        async with self._keeping() as (connection, found):
            closed = next((each for each in found[:-1] if not each.is_packed), None)
            if closed is None:
                return False
            if closed.buckets is None:
                await periods.begin_packing(connection, closed, self._joined(found, closed))
            else:
                joined = next((each for each in found if each.number == closed.joins), None)
                await periods.pack(connection, closed, joined, _IDS_A_STEP)
            return True

    def _joined(self, found: Sequence[Period], closed: Period) -> Period | None:
        """Return the packed period before, if both are of one day."""
        before = found[: found.index(closed)]
        if not before or (closed.ended_ms or 0) - before[-1].began_ms > _PERIOD_MS:
            return None
        return None if self._is_part(before[-1].bytes + closed.bytes) else before[-1]

    def _is_part(self, size: int) -> bool:
        return self._most_bytes is not None and size * _PARTS >= self._most_bytes

    async def _bound(self) -> None:
        if self._most_bytes is None:
            return
        async with self._keeping() as (connection, found):
            kept = list(found)
            while len(kept) > 1 and _bytes(kept) > self._most_bytes:
                await periods.forget(connection, [kept.pop(0).number])
            if len(kept) < len(found):
                await periods.mark_cut(connection, kept[0].number)
                _LOG.error(
                    "message_ids.window_shortened",
                    hours=round((self._stores.now_ms() - kept[0].began_ms) / _HOUR_MS, 1),
                    wanted_hours=round(self._kept_ms / _HOUR_MS, 1),
                    bytes=_bytes(found),
                    most_bytes=self._most_bytes,
                )

    async def _look(self, horizon_ms: int | None) -> None:
        async with self._stores.profile.reading() as reading:
            connection = await raw(reading)
            found = await periods.all_of(connection) if await periods.are_there(connection) else []
        if not found:
            return
        now_ms, oldest = self._stores.now_ms(), found[0]
        remembered_ms = now_ms - oldest.began_ms
        _SECONDS.set(remembered_ms / 1000)
        _BYTES.set(_bytes(found))
        _IDS.set(sum(each.ids for each in found))
        is_short = oldest.is_cut and oldest.began_ms > (horizon_ms or now_ms) - self._kept_ms
        self._short_hours = remembered_ms / _HOUR_MS if is_short else None

    @asynccontextmanager
    async def _keeping(self) -> AsyncIterator[tuple[asyncpg.Connection, list[Period]]]:
        """Open a transaction that alone may change periods, and find them; none when another has it."""
        async with self._stores.profile.transaction() as transaction:
            connection = await raw(transaction)
            is_ours = await periods.are_there(connection) and await periods.lock(connection)
            yield connection, await periods.all_of(connection) if is_ours else []


def _has_grown(found: Sequence[Period]) -> bool:
    *earlier, present = found
    if not all(each.is_packed for each in earlier):
        return False
    of_its_day = [each.bytes for each in earlier[-1:] if present.began_ms - each.began_ms < _PERIOD_MS]
    return present.bytes >= max(_LEAST_BYTES, _GROWN * sum(of_its_day))


def _bytes(found: Sequence[Period]) -> int:
    return sum(each.bytes for each in found)
