"""Keeps what was seen before: the present day is there before it is needed, what none can need any more goes."""

import datetime as dt

from kit.db import Database, raw
from services.profile.repository import ledger, positions
from services.profile.use_cases.parts import day_of
from services.profile.use_cases.stores import Stores
from services.profile.window import Window


class Days:
    """The days a folder knows to be there, and the window of message ids."""

    def __init__(self, stores: Stores, kept: int, message_ids_max_bytes: int | None = None) -> None:
        self._stores = stores
        #: Full days beside the present one.
        self.kept = kept
        self._known: set[dt.date] = set()
        self.window = Window(stores, dt.timedelta(days=kept), message_ids_max_bytes)

    async def ensure_present(self) -> None:
        await self._ensure(self._stores.profile, day_of(self._stores.now_ms()))

    async def turn(self) -> None:
        """Make tomorrow, and drop what cannot come again, as every partition is well past it."""
        await self.ensure_present()
        await self._ensure(self._stores.profile, day_of(self._stores.now_ms()) + dt.timedelta(days=1))
        async with self._stores.profile.transaction() as transaction:
            connection = await raw(transaction)
            horizon_ms = await positions.least_horizon(connection)
            if horizon_ms is not None:
                await ledger.drop_days_before(connection, day_of(horizon_ms) - dt.timedelta(days=self.kept))
        await self.window.turn(horizon_ms)

    async def _ensure(self, database: Database, day: dt.date) -> None:
        if day in self._known:
            return
        async with database.transaction() as transaction:
            await ledger.create_day(await raw(transaction), day)
        self._known.add(day)
