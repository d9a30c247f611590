"""Counts views over each audience, so that what is told of one persona is known to be shared by enough others."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace

import sqlalchemy.exc

from kit.db import raw
from kit.errors import TypedError
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError
from kit.telemetry import logger
from services.profile import crowds as kept
from services.profile import sealed, tails
from services.profile.boundary import Crowding, gather
from services.profile.domain import COLLECT, SHARDS
from services.profile.repository import crowds, facets, histories
from services.profile.repository.histories import Kept
from services.profile.tails import Tailed
from services.profile.use_cases.stores import Stores
from services.profile.views import View, view

_LOG = logger(__name__)
# Opening one page holds the loop of the folder for a few milliseconds.
_PAGE = 16
#: Personas of a brand that are opened in one count, about; pids are random, so the first ones of a shard are a sample.
_SAMPLE = 20_000
_ALLOWED = 1

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
    for shard in range(SHARDS):
        after = b""
        for _ in range(-(-_SAMPLE // SHARDS // _PAGE)):
            async with histories.snapshot(stores.vault) as connection:
                page = await histories.page(connection, brand, shard, after, _PAGE)
            if not page:
                break
            await _count_page(stores, brand, page, counts)
            after = page[-1].bound.persona.pid
    return counts


async def _count_page(stores: Stores, brand: str, page: list[Kept], counts: Counts) -> None:
    readable = await _collected(stores, page)
    lying = await facets.load(stores.profile, brand, [each.bound.persona for each in readable])
    for each in readable:
        found = lying.get(each.bound.persona.pid)
        seen = None if found is None else _view(stores, each, found)
        if seen is not None and each.audience is not None:
            counts.setdefault(each.audience, Counter())[seen] += 1


async def _collected(stores: Stores, page: list[Kept]) -> list[Kept]:
    by_audience: dict[str, list[Kept]] = {}
    for each in page:
        if each.audience is not None:
            by_audience.setdefault(each.audience, []).append(each)
    readable = []
    for audience, asked in by_audience.items():
        masks = await stores.decisions.check_many(audience, [COLLECT], [each.bound.persona for each in asked])
        readable += [each for each, mask in zip(asked, masks, strict=True) if mask == _ALLOWED]
    return readable


def _view(stores: Stores, each: Kept, lying: Tailed) -> View | None:
    try:
        key = sealed.data_key(stores.keyring, each.bound)
        return view(tails.whole(key, each.bound.persona, lying, stores.weights), stores.now_ms())
    except (KeyMissingError, UnsealableError):
        # Erased a moment ago, or broken: whoever reads it hears of it.
        return None
