"""One PostgreSQL database: transactions that commit when left, cheap reads, and the driver below for bulk work."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from kit.binding import bind
from kit.errors import TypedError, UnavailableError
from kit.statements import Statements
from kit.tenancy import TenantError
from kit.tls import Tls

_POOL_WAIT_S = 5.0
# Each takes a connection for less than a millisecond. One more is opened just when load comes, and that takes tens of
# milliseconds of both sides: signing in, planning every statement anew.
_MOST_STATEMENTS = 4
_CONNECT_S = 5.0
_SERVER_SETTINGS = {
    "application_name": "maskenball",
    # The JIT costs more than the short statements of a service take.
    "jit": "off",
    # Of a process that was stopped or cut off in the middle of a transaction; nobody else thinks that long.
    "idle_in_transaction_session_timeout": "60s",
}
# Single statements are look-ups by key: planning one again with every call costs more than running it.
_PLANNED_ONCE = {**_SERVER_SETTINGS, "plan_cache_mode": "force_generic_plan"}
_COMMITTED: WeakKeyDictionary[AsyncConnection, list[Callable[[], None]]] = WeakKeyDictionary()
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver makes of a farewell that the server sends between two statements.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    OSError,
)


class Database:
    """Pools of up to `pool_size` connections each for transactions and for reading, and of four for single statements.

    Every session works for whom `kit.tenancy` says at that moment; what it may not touch becomes TenantError. A lost or
    unreachable server becomes UnavailableError (retry after 1 s); every other database error passes through.
    """

    def __init__(self, url: str, *, pool_size: int = 10, tls: Tls | None = None) -> None:
        self._url = async_url(url)
        self._tls = None if tls is None else tls.client
        self._pool_size = pool_size

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine behind `transaction`."""
        return self._create(_SERVER_SETTINGS)

    @cached_property
    def _reader(self) -> AsyncEngine:
        # Autocommit saves the round trips of BEGIN and COMMIT, which is most of what a warm read costs.
        engine = self._create({**_SERVER_SETTINGS, "default_transaction_read_only": "on"})
        return engine.execution_options(isolation_level="AUTOCOMMIT")

    @cached_property
    def _statements(self) -> Statements:
        return self._pool(_PLANNED_ONCE)

    @cached_property
    def _unsynced(self) -> Statements:
        return self._pool({**_PLANNED_ONCE, "synchronous_commit": "off"})

    def _pool(self, server_settings: dict[str, str]) -> Statements:
        plain, size = self._url.replace("+asyncpg", "", 1), min(_MOST_STATEMENTS, self._pool_size)
        return Statements(plain, size, server_settings, self._tls)

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement, with $1 for its first argument, as a transaction of its own, and return its rows.

        The cheapest way there is: one round trip, prepared and planned once a connection. For statements that touch few
        rows by key; others belong into `reading` or `transaction`. Raises what asyncpg raises.
        """
        with _losses():
            return await self._statements.fetch(statement, arguments)

    async def note(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement as `fetch` does, and return before its effect is on disk: for what nobody was promised.

        Readers see it at once. When PostgreSQL or its machine dies within about half a second, all of it is lost.
        """
        with _losses():
            return await self._unsynced.fetch(statement, arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction; it commits when the block is left and rolls back when the block raises."""
        committed: list[Callable[[], None]] = []
        with _losses():
            async with self.engine.begin() as connection, _cut_off(connection):
                await bind(_driver(connection))
                _COMMITTED[connection] = committed
                yield connection
        for call in committed:
            call()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a read-only connection without a transaction: every statement sees its own snapshot."""
        with _losses():
            async with self._reader.connect() as connection:
                await bind(_driver(connection))
                yield connection

    async def ping(self) -> None:
        """Ask the server for a sign of life; a readiness check."""
        await self.fetch("SELECT 1")

    async def dispose(self) -> None:
        """Close every connection."""
        for name in ("engine", "_reader"):
            if name in self.__dict__:
                await getattr(self, name).dispose()
        for name in ("_statements", "_unsynced"):
            if name in self.__dict__:
                await getattr(self, name).close()

    def _create(self, server_settings: dict[str, str]) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            hide_parameters=True,
            connect_args={"server_settings": server_settings, "timeout": _CONNECT_S, **secured(self._tls)},
        )
        listen(engine.sync_engine, "checkout", _replace_closed)
        return engine


def after_commit(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Have `call` run once the transaction has committed, and not when it rolls back. For waking, never for work."""
    calls = _COMMITTED.get(connection)
    if calls is not None and call not in calls:
        calls.append(call)


@asynccontextmanager
async def _cut_off(connection: AsyncConnection) -> AsyncIterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        # BEGIN or a statement of the driver's may be under way, of which SQLAlchemy knows nothing: it would lend out a
        # session in a transaction that nobody ends, and what is committed next in it would not be.
        if not connection.invalidated:
            _driver(connection).terminate()
            await connection.invalidate()
        raise


def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    # Below SQLAlchemy, which sends BEGIN with its own first statement: what is said here is outside of a transaction.
    driver = connection.sync_connection and connection.sync_connection.connection.driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise UnavailableError
    return driver


async def raw(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the asyncpg connection below, inside the same transaction, for COPY and unnest."""
    fairy = await connection.get_raw_connection()
    adapted = fairy.dbapi_connection
    driver = fairy.driver_connection
    if adapted is None or not isinstance(driver, asyncpg.Connection):
        raise UnavailableError
    # SQLAlchemy sends BEGIN with its own first statement; without this a bulk call that comes first would autocommit.
    if connection.in_transaction() and not driver.is_in_transaction():
        await adapted._start_transaction()  # noqa: SLF001 - there is no public way to begin before the first statement
    return driver


def async_url(url: str) -> str:
    """Spell a PostgreSQL URL for the async driver."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        message = "a database URL begins with postgresql://"
        raise ValueError(message)
    return f"postgresql+asyncpg://{rest}"


def secured(tls: ssl.SSLContext | None) -> dict[str, ssl.SSLContext]:
    """Return what the driver connects with, beside the rest."""
    return {} if tls is None else {"ssl": tls}


def _replace_closed(_: object, record: ConnectionPoolEntry, *__: object) -> None:
    # Whoever uses the driver below meets a lost server without the pool noticing; the pool would lend it out for ever.
    driver = record.driver_connection
    if isinstance(driver, asyncpg.Connection) and driver.is_closed():
        raise DisconnectionError


@contextmanager
def _losses() -> Iterator[None]:
    try:
        yield
    except TypedError:
        raise
    except PoolTimeoutError as error:
        raise UnavailableError(retry_after_s=1) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise TenantError from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == asyncpg.InsufficientPrivilegeError.sqlstate:
            raise TenantError from error
        if error.connection_invalidated or isinstance(error.orig, _GONE) or _is_lost(error):
            raise UnavailableError(retry_after_s=1) from error
        raise
    except _GONE as error:
        raise UnavailableError(retry_after_s=1) from error


def _is_lost(error: DBAPIError) -> bool:
    cause = getattr(error.orig, "__cause__", None)
    return isinstance(cause, _GONE)
