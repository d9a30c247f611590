"""Keeps a cache leased: renews, applies what the authority tells, and says so."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from kit.cancelling import raise_if_cancelled
from kit.errors import TypedError
from kit.fence.cache import FencedCache
from kit.fence.words import Applied, Asked, Clock, Lease, Renewal, Said
from kit.telemetry import logger

_LOG = logger(__name__)
_PAUSE_S = 0.2
#: Renewals within a term: one that comes late is no loss.
_RENEWALS = 4
_NS = 1e9


class Wire(Protocol):
    """One connection to the authority. Every call but `release` raises a TypedError when it is broken."""

    async def ask(self, asked: Asked) -> None:
        """Ask for a lease, or say what is applied."""

    async def receive(self) -> Said:
        """Return what the authority says next."""

    async def release(self) -> None:
        """Give the lease back, if that can still be said, and hang up; raises nothing."""


async def follow(connect: Callable[[], Wire], cache: FencedCache[Any, Any], clock: Clock) -> None:
    """Follow the authority until cancelled; after a loss the cache has no lease until the next connection."""
    is_known = False
    while True:
        raise_if_cancelled()
        wire = connect()
        try:
            await _Following(wire, cache, clock).run()
        except TypedError as error:
            if cache.is_leased or not is_known:
                _LOG.warning("fence.lost", exc_info=error)
            is_known = True
        finally:
            # In this order: whoever gave the lease back is no longer waited for.
            cache.end()
            await wire.release()
        await asyncio.sleep(_PAUSE_S)


class _Following:
    """One connection at work."""

    def __init__(self, wire: Wire, cache: FencedCache[Any, Any], clock: Clock) -> None:
        self._wire = wire
        self._cache = cache
        self._clock = clock
        self._asked_at_ns = 0
        self._leased: asyncio.Queue[int] = asyncio.Queue(1)

    async def run(self) -> None:
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                raise_if_cancelled()
                await self._hear(await self._wire.receive())
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            raise_if_cancelled()
            self._asked_at_ns = self._clock()
            await self._wire.ask(Renewal())
            await asyncio.sleep(await self._leased.get() / _RENEWALS / _NS)

    async def _hear(self, said: Said) -> None:
        if isinstance(said, Lease):
            applied = self._cache.lease(said, self._asked_at_ns)
            self._leased.put_nowait(said.term_ns)
        else:
            applied = self._cache.apply(said)
        if applied:
            await self._wire.ask(Applied(tuple(applied)))
