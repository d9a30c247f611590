"""Keeps a cache leased: renews, applies what the authority tells, and says so."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from kit.cancelling import raise_if_cancelled, rest
from kit.errors import TypedError, UnavailableError
from kit.fence.cache import FencedCache
from kit.fence.words import Applied, Asked, Clock, Lease, Renewal, Said
from kit.telemetry import logger

_LOG = logger(__name__)
_PAUSE_S = 0.2
#: A connection that answers nothing for so long is given up: its machine may be gone without a word.
_PATIENCE_S = 5.0
#: Renewals within a term: one that comes late is no loss.
_RENEWALS = 4
_NS = 1e9


class Wire(Protocol):
    """One connection to the authority. Every call but `release` raises a TypedError when it is broken.

    What is asked arrives in order, from several tasks at once; `receive` may be cancelled without breaking anything.
    """

    async def ask(self, asked: Asked) -> None:
        """Ask for a lease, or say what is applied."""

    async def receive(self) -> Said:
        """Return what the authority says next."""

    async def release(self) -> None:
        """Give the lease back, if that can still be said soon, and hang up; raises nothing."""


async def follow(connect: Callable[[], Wire], cache: FencedCache[Any, Any], clock: Clock) -> None:
    """Follow the authority until cancelled; after a loss the cache has no lease until the next connection.

    Ends by no TypedError. Whoever starts it must see it end by another: without it every read asks the truth.
    """
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
        self._term_ns = 0
        self._leased = asyncio.Event()

    async def run(self) -> None:
        """Work until the connection is lost: whichever half notices ends the other."""
        # No TaskGroup: before Python 3.13 one that failed leaves this task marked as cancelled.
        halves = [asyncio.create_task(self._renew()), asyncio.create_task(self._hear())]
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in done:
                if half.cancelled():
                    raise UnavailableError("the connection was given up")
                half.result()
        finally:
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            raise_if_cancelled()
            self._leased.clear()
            # One renewal at a time, so that this is the moment of the one that is answered; and before it is sent.
            self._asked_at_ns = self._clock()
            await self._wire.ask(Renewal())
            if not await rest(self._leased, _PATIENCE_S):
                raise UnavailableError("a renewal was not answered")
            await asyncio.sleep(self._term_ns / _RENEWALS / _NS)

    async def _hear(self) -> None:
        while True:
            raise_if_cancelled()
            said = await self._wire.receive()
            if isinstance(said, Lease):
                applied = self._cache.lease(said, self._asked_at_ns)
                self._term_ns = said.term_ns
                self._leased.set()
            else:
                applied = self._cache.apply(said)
            if applied:
                await self._wire.ask(Applied(tuple(applied)))
