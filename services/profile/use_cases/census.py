"""Counts views over each audience, so that what is told of one persona is known to be shared by enough others."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

import sqlalchemy.exc

from kit.db import raw
from kit.errors import TypedError
from kit.telemetry import logger
from services.profile import crowds as kept
from services.profile.boundary import Crowding, gather
from services.profile.domain import COLLECT, SHARDS
from services.profile.repository import crowds
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.survey import PAGE, Survey, views
from services.profile.views import View

_LOG = logger(__name__)
#: Personas of a brand that are opened in one count, about; pids are random, so the first ones of a shard are a sample.
_SAMPLE = 20_000

Counts = dict[str, Counter[View]]


@dataclass(frozen=True, slots=True)
class Census:
    """Who counts, and how often."""

    stores: Stores
    brand: str
    crowding: Crowding
    every_s: float

    async def run(self) -> None:
        """Count until cancelled; a count that fails is made up for by the next."""
        while self.crowding.least > 1:
            try:
                await self.take()
            except (TypedError, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                _LOG.warning("census.failed", exc_info=error)
            await asyncio.sleep(self.every_s)
        await asyncio.Event().wait()

    async def take(self) -> bool:
        """Count, unless another process did or does; tell whether this one did."""
        stores = self.stores
        async with stores.profile.transaction() as transaction:
            connection = await raw(transaction)
            if not await crowds.take_turn(connection, self.brand):
                return False
            at_ms = stores.now_ms()
            if at_ms - await crowds.counted_at_ms(connection, self.brand) < self.every_s * 1000 / 2:
                return False
            rows = self._rows(await count(stores, self.brand), at_ms)
            await crowds.replace(connection, self.brand, rows)
        _LOG.info("crowds.counted", audiences=len(rows))
        return True

    def _rows(self, counts: Counts, at_ms: int) -> list[crowds.CrowdRow]:
        is_compared = len(counts) > 1
        crowding = self.crowding if is_compared else replace(self.crowding, share=0.0)
        return [
            crowds.CrowdRow(self.brand, audience, is_compared, kept.CODEC, kept.encode(gather(views, crowding)), at_ms)
            for audience, views in counts.items()
        ]


async def count(stores: Stores, brand: str) -> Counts:
    """Return how many personas of each audience have which view; what may not be collected is not looked at."""
    counts: Counts = {}
    survey = Survey(brand, (COLLECT,), most_pages=-(-_SAMPLE // SHARDS // PAGE))
    async for each, view in views(stores, survey):
        counts.setdefault(each.audience or "", Counter())[view] += 1
    return counts
