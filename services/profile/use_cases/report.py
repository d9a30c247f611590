"""The report about a brand's relationships: over those who allow it, once a day, and the same to all its staff.

Under suppression and not under noise (decision 35): what is estimated is no count of one answer each, and what one
persona adds to it has no bound small enough for noise that leaves anything.
"""

import asyncio
from collections.abc import Mapping
from functools import partial

import msgspec

from kit.db import raw
from relationships.reporting import Estimate, Report, Summary, estimate, report, summary
from services.profile import relations
from services.profile.aggregates import Question
from services.profile.decay import DAY_MS
from services.profile.domain import AGGREGATE, COLLECT, SHARDS, Persona
from services.profile.repository import aggregates as ledger
from services.profile.use_cases import choose
from services.profile.use_cases.aggregate import is_first
from services.profile.use_cases.once import Once
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.survey import PAGE, Survey, facets_of

_SAMPLE = 20_000
_FREE = 0
_decoder = msgspec.json.Decoder(Estimate)


class Reports:
    """Answers for one process."""

    def __init__(self, stores: Stores, patience_s: float = 20.0) -> None:
        self._stores = stores
        self._once = Once(stores, patience_s)

    async def tell(self, brand: str, audience: str, assumed: Mapping[str, float]) -> Report:
        """Return the report of this day beside `assumed`, or else the shares that the pack assumes.

        Of one audience, or of all (""). Raises AssumptionRefusedError and StillCountingError.
        """
        pack = self._stores.packs.of(brand)
        shares = relations.assumption(pack, assumed)
        counted = f"relationships:{pack.id}/{pack.version}"
        question = Question(brand, audience, counted, _FREE, self._stores.now_ms() // DAY_MS)
        body = await self._asked(question)
        if not body:
            body = await self._once.answer(question, partial(self._count, question))
        return report(_decoder.decode(body), shares)

    async def stop(self) -> None:
        """Count no further."""
        await self._once.stop()

    async def _asked(self, question: Question) -> bytes:
        """Enter the question, or return what was answered to it today."""
        async with self._stores.vault.transaction() as transaction:
            connection = await raw(transaction)
            await ledger.lock(connection, question.brand, question.audience)
            body = await ledger.find(connection, question)
            if body is None:
                await ledger.pay(connection, question)
            return body or b""

    async def _count(self, question: Question) -> bytes:
        pack = self._stores.packs.of(question.brand)
        personas = await summaries(self._stores, question.brand, question.audience)
        # In a thread: resampling takes a second, and everybody else would wait.
        found = await asyncio.to_thread(estimate, pack, personas, question.day)
        return msgspec.json.encode(found)


async def summaries(stores: Stores, brand: str, audience: str) -> list[Summary]:
    """Return what those add who allow being counted and do not object to this inference; linked facets add once."""
    pack, now_ms = stores.packs.of(brand), stores.now_ms()
    survey = Survey(brand, (COLLECT, AGGREGATE), audience, most_pages=-(-_SAMPLE // SHARDS // PAGE))
    found: list[Summary] = []
    seen: set[Persona] = set()
    async for each, traits in facets_of(stores, survey):
        if "relationship" in choose.of(stores, each.bound).objections:
            continue
        if each.is_linked and not await is_first(stores, each.bound.persona, seen):
            continue
        # What was believed at each answer is derived anew: a millisecond or two.
        await asyncio.sleep(0)
        told = summary(pack, relations.heard(traits), relations.actions(traits), now_ms)
        if told is not None:
            found.append(told)
    return found
