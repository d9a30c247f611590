"""Keeps the window of message ids: periods are closed, packed and forgotten, loudly when it is for want of disk."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from prometheus_client import Gauge

from kit.db import raw
from kit.telemetry import logger
from services.profile.domain import WindowShortenedError
from services.profile.repository import periods
from services.profile.repository.periods import Period
from services.profile.use_cases.stores import Stores

_LOG = logger(__name__)
_SECONDS = Gauge("profile_message_ids_window_seconds", "How far back message ids are remembered")
_BYTES = Gauge("profile_message_ids_bytes", "Disk that message ids take, indexes and all")
_IDS = Gauge("profile_message_ids", "Message ids that are remembered, about")

_PERIOD_MS = 86_400_000
_HOUR_MS = 3_600_000
# With a bound a period ends early when it has grown to this part of it: what is forgotten at a time is an eighth.
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
            is_full = self._most_bytes is not None and present.bytes * _PARTS >= self._most_bytes
            if is_full or now_ms - present.began_ms >= _PERIOD_MS:
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
                await periods.begin_packing(connection, closed.number)
            else:
                await periods.pack(connection, closed, _IDS_A_STEP)
            return True

    async def _bound(self) -> None:
        if self._most_bytes is None:
            return
        async with self._keeping() as (connection, found):
            kept = list(found)
            while len(kept) > 1 and _bytes(kept) > self._most_bytes:
                await periods.forget(connection, [kept.pop(0).number])
            if len(kept) < len(found):
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
        # A first period that is young says that the database is.
        has_forgotten = self._most_bytes is not None and oldest.number > 1
        is_short = has_forgotten and oldest.began_ms > (horizon_ms or now_ms) - self._kept_ms
        self._short_hours = remembered_ms / _HOUR_MS if is_short else None

    @asynccontextmanager
    async def _keeping(self) -> AsyncIterator[tuple[asyncpg.Connection, list[Period]]]:
        """Open a transaction that alone may change periods, and find them; none when another has it."""
        async with self._stores.profile.transaction() as transaction:
            connection = await raw(transaction)
            is_ours = await periods.are_there(connection) and await periods.lock(connection)
            yield connection, await periods.all_of(connection) if is_ours else []


def _bytes(found: Sequence[Period]) -> int:
    return sum(each.bytes for each in found)
