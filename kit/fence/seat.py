"""Elects the one process that answers as the authority."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import BigInteger, Column, MetaData, Table, func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.cancelling import raise_if_cancelled
from kit.db import Database, raw
from kit.errors import TypedError, UnavailableError
from kit.fence.authority import Authority
from kit.fence.marks import Kept
from kit.fence.words import Scope
from kit.rpc.deadline import remaining
from kit.telemetry import logger

_LOG = logger(__name__)
# Of the advisory locks of this database: the number only has to stay.
_LOCK = 7301
_LOOK_S = 0.5
#: An elected process that is silent for so long is replaced, and its open transactions are ended.
_SILENCE_MS = "5000"
_STANDING = """
SELECT set_config('idle_in_transaction_session_timeout', $2, true) FROM {epochs} WHERE epoch = $1 FOR SHARE
"""
_ANSWER_S = 5.0
# For an election, where no caller says how long it waits.
_PATIENCE_S = 2.0
# What a refusal takes that must still arrive before the caller's deadline.
_REFUSAL_S = 0.1
# The driver calls it an internal error when the server ends a session that was idle.
_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_FAILED = (TypedError, SQLAlchemyError, *_DRIVER, OSError)


def epochs_table(metadata: MetaData, name: str = "fence_epochs") -> Table:
    """Define the table of the epoch; a room's migration creates it with one row, 0."""
    return Table(name, metadata, Column("epoch", BigInteger, primary_key=True, autoincrement=False))


#: Mends a database that is behind what is kept: moves the heads of such scopes past every number that was ever given
#: out, so that readers drop what they hold of them, and puts nothing in force there. Returns the heads that it moved.
Mend = Callable[[AsyncConnection, Kept], Awaitable[Mapping[Scope, int]]]


async def _leave(_connection: AsyncConnection, _kept: Kept) -> Mapping[Scope, int]:
    return {}


class Seat:
    """Holds the seat for an authority as long as a session of its database lives, and waits for it otherwise.

    The session's lock says who is active; the epoch in the database holds against whoever lost the session and does not
    know it yet: no transaction of theirs commits (`transaction`), and heads that are read for a lease carry the epoch.
    """

    def __init__(self, database: Database, epochs: Table, authority: Authority, mend: Mend = _leave) -> None:
        self._database = database
        self._epochs = epochs
        self._authority = authority
        self._mend = mend
        self._standing = _STANDING.format(epochs=epochs.name)

    @property
    def authority(self) -> Authority:
        """Who answers while the seat is held."""
        return self._authority

    async def run(self) -> None:
        """Take the seat whenever it is free, until cancelled; whatever the database says, try again."""
        while True:
            raise_if_cancelled()
            try:
                async with self._database.reading() as reading:
                    await self._try(await raw(reading))
            except _FAILED as error:
                _LOG.warning("seat.lost", exc_info=error)
            await asyncio.sleep(_LOOK_S)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits only if nobody else was elected before; UnavailableError otherwise.

        Waits for an election as long as the caller does, who is told before it gives up.
        """
        # Before a connection is taken: the election needs one of the same pool.
        epoch = await self._authority.elected(remaining(_PATIENCE_S + _REFUSAL_S) - _REFUSAL_S)
        async with self._database.transaction() as transaction:
            # By the driver: this stands before every statement about consents.
            if not await (await raw(transaction)).fetch(self._standing, epoch, _SILENCE_MS):
                self._authority.rise(epoch)
                raise UnavailableError("another process answers", retry_after_s=1)
            yield transaction

    async def _try(self, session: asyncpg.Connection) -> None:
        is_taken: bool | None = None
        try:
            is_taken = await session.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK, timeout=_ANSWER_S)
            if is_taken:
                await session.execute(f"SET idle_session_timeout = {_SILENCE_MS}", timeout=_ANSWER_S)
                await self._sit(session)
        finally:
            if is_taken is not False:
                # Never back into the pool, also when nobody knows whether it has the lock: that lives with the session.
                session.terminate()

    async def _sit(self, session: asyncpg.Connection) -> None:
        epoch = await self._take_epoch()
        self._authority.sit(epoch)
        try:
            while self._authority.epoch == epoch:
                raise_if_cancelled()
                # Says when the session, and with it the lock, is gone.
                await session.execute("SELECT 1", timeout=_ANSWER_S)
                await asyncio.sleep(_LOOK_S)
        finally:
            self._authority.rise(epoch)

    async def _take_epoch(self) -> int:
        marks = self._authority.marks
        known = func.greatest(self._epochs.c.epoch, marks.read().epoch)
        async with self._database.transaction() as transaction:
            taken = update(self._epochs).values(epoch=known + 1).returning(self._epochs.c.epoch)
            epoch = int((await transaction.execute(taken)).scalar_one())
        # In this order: from here on no predecessor can acknowledge, so what is returned is all that ever was.
        kept = await marks.keep(epoch, {})
        async with self._database.transaction() as transaction:
            moved = await self._mend(transaction, kept)
        if moved:
            _LOG.error("truth.restored", scopes=len(moved))
            await marks.keep(epoch, moved)
        return epoch
