"""Elects the one process that answers as the authority."""

import asyncio
from contextlib import suppress

import asyncpg
from sqlalchemy import BigInteger, Column, MetaData, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.cancelling import raise_if_cancelled
from kit.db import Database, raw
from kit.errors import UnavailableError
from kit.fence.authority import Authority
from kit.telemetry import logger

_LOG = logger(__name__)
# Of the advisory locks of this database: the number only has to stay.
_LOCK = 7301
_LOOK_S = 0.5


def epochs_table(metadata: MetaData, name: str = "fence_epochs") -> Table:
    """Define the table of the epoch; a room's migration creates it with one row, 0."""
    return Table(name, metadata, Column("epoch", BigInteger, primary_key=True, autoincrement=False))


class Seat:
    """Holds the seat for an authority as long as a session of its database lives, and waits for it otherwise.

    The session's lock says who is active; the epoch in the database holds against whoever lost the session and does not
    know it yet: no transaction of theirs commits (`check`) and no lease of theirs is told heads (`epoch` beside them).
    """

    def __init__(self, database: Database, epochs: Table, authority: Authority) -> None:
        self._database = database
        self._epochs = epochs
        self._authority = authority

    async def run(self) -> None:
        """Take the seat whenever it is free, until cancelled."""
        while True:
            raise_if_cancelled()
            try:
                async with self._database.reading() as reading:
                    session = await raw(reading)
                    if await session.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                        await self._sit(session)
            except UnavailableError as error:
                _LOG.warning("seat.lost", exc_info=error)
            await asyncio.sleep(_LOOK_S)

    async def check(self, transaction: AsyncConnection) -> None:
        """Make sure until the transaction ends that nobody else is elected; raise UnavailableError otherwise."""
        epoch = await self._authority.elected()
        query = select(self._epochs).where(self._epochs.c.epoch == epoch).with_for_update(read=True)
        if (await transaction.execute(query)).first() is None:
            self._authority.rise()
            self._authority.seated()

    async def _sit(self, session: asyncpg.Connection) -> None:
        try:
            async with self._database.transaction() as transaction:
                taken = update(self._epochs).values(epoch=self._epochs.c.epoch + 1).returning(self._epochs.c.epoch)
                epoch = (await transaction.execute(taken)).scalar_one()
            self._authority.sit(epoch)
            while self._authority.epoch == epoch:
                raise_if_cancelled()
                # Says when the session, and with it the lock, is gone.
                await session.execute("SELECT 1")
                await asyncio.sleep(_LOOK_S)
        finally:
            self._authority.rise()
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await session.execute("SELECT pg_advisory_unlock_all()")
