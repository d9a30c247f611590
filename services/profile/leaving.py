"""Ends memberships in wish segments when their time has come: looks at those that are due, and at no others."""

import asyncio

import sqlalchemy.exc
from asyncpg import PostgresError

from kit.cancelling import raise_if_cancelled
from kit.db import raw
from kit.errors import TypedError
from kit.telemetry import logger
from services.profile.repository import memberships
from services.profile.segments import Segments
from services.profile.use_cases.segment import announce
from services.profile.use_cases.stores import Stores

_LOG = logger(__name__)
_AT_ONCE = 500
# A fold may have begun a membership that ends sooner than all that were known.
_MOST_REST_S = 0.5
_TROUBLE = (TypedError, PostgresError, sqlalchemy.exc.SQLAlchemyError, OSError)


class Leaving:
    """Any number may run: each takes what is due and nobody else has taken."""

    def __init__(self, stores: Stores, brand: str, segments: Segments) -> None:
        self._stores = stores
        self._brand = brand
        self._segments = segments

    async def run(self) -> None:
        """Work until cancelled. Trouble is logged and tried again."""
        has_begun = False
        while True:
            raise_if_cancelled()
            rest_s = _MOST_REST_S
            try:
                if not has_begun:
                    await self.begin()
                    has_begun = True
                rest_s = await self._rest_s() if await self.round() < _AT_ONCE else 0.0
            except _TROUBLE as error:
                _LOG.warning("segments.not_left", exc_info=error)
            await asyncio.sleep(rest_s)

    async def begin(self) -> None:
        """End memberships in segments that the configuration does not have any more."""
        async with self._stores.profile.transaction() as transaction:
            moved = await memberships.leave_unknown(await raw(transaction), self._brand, list(self._segments))
            await announce(transaction, self._brand, moved)

    async def round(self) -> int:
        """End what is due, and return how many those were."""
        async with self._stores.profile.transaction() as transaction:
            moved = await memberships.end(await raw(transaction), self._brand, self._stores.now_ms(), _AT_ONCE)
            await announce(transaction, self._brand, moved)
        return sum(each.personas for each in moved)

    async def _rest_s(self) -> float:
        next_ms = await memberships.next_end_ms(self._stores.profile, self._brand)
        if next_ms is None:
            return _MOST_REST_S
        return min(max(0, next_ms - self._stores.now_ms()) / 1000, _MOST_REST_S)
