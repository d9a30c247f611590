"""Connections for single statements: the driver alone, without the round trips and the layers of a transaction."""

import asyncio
import ssl

import asyncpg

from kit.binding import bind, is_bound
from kit.errors import UnavailableError

_WAIT_S = 5.0
_CONNECT_S = 5.0
_AWAY = (asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)


class Statements:
    """Up to `size` connections, each lent for one statement that is a transaction of its own."""

    def __init__(self, url: str, size: int, server_settings: dict[str, str], tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._tls = tls
        self._permits = asyncio.Semaphore(size)
        self._server_settings = server_settings
        self._idle: list[asyncpg.Connection] = []

    async def fetch(self, statement: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        """Run one statement and return its rows; raises UnavailableError and what the server objects to."""
        await self._take_permit()
        try:
            connection = await self._take()
            has_answered = False
            try:
                await bind(connection)
                rows = await connection.fetch(statement, *arguments)
                has_answered = True
            except asyncpg.PostgresError as error:
                has_answered = True
                if isinstance(error, _AWAY):
                    raise UnavailableError(retry_after_s=1) from error
                raise
            finally:
                self._give_back(connection, has_answered=has_answered)
            return rows
        finally:
            self._permits.release()

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def _take_permit(self) -> None:
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._permits.acquire()
        except TimeoutError:
            raise UnavailableError(retry_after_s=1) from None

    async def _take(self) -> asyncpg.Connection:
        self._idle = [each for each in self._idle if not each.is_closed()]
        if self._idle:
            return self._idle.pop(self._best())
        return await asyncpg.connect(
            self._url,
            timeout=_CONNECT_S,
            ssl=self._tls,
            server_settings=self._server_settings,
            # Prepared once a connection; by default they are thrown away after five minutes.
            max_cached_statement_lifetime=0,
        )

    def _best(self) -> int:
        # The one used last: the others rest, and their servers' memory stays untouched. Of those that were told for
        # whom they work, if there are any: to tell one anew takes a round trip.
        places = range(len(self._idle) - 1, -1, -1)
        return next((place for place in places if is_bound(self._idle[place])), len(self._idle) - 1)

    def _give_back(self, connection: asyncpg.Connection, *, has_answered: bool) -> None:
        if not has_answered:
            # Cut off half-way: what is still on the wire must not answer the next statement.
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append(connection)
