"""Reports about a brand's relationships: over those who allow it, once a day, and the same to all its staff.

Under suppression and not under noise (decision 35): what is estimated is no count of one answer each, and what one
persona adds to it has no bound small enough for noise that leaves anything.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

import msgspec

from kit.db import raw
from relationships.mining import FALSE_SHARE, Findings, count, find
from relationships.reporting import Estimate, Report, Summary, estimate, report, summary
from services.profile import relations
from services.profile.aggregates import Question
from services.profile.choices import Choices
from services.profile.decay import DAY_MS
from services.profile.domain import AGGREGATE, COLLECT, SHARDS, Persona
from services.profile.mined import Packs, mined
from services.profile.repository import aggregates as ledger
from services.profile.traits import Traits
from services.profile.use_cases import choose
from services.profile.use_cases.aggregate import is_first
from services.profile.use_cases.once import Once
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.survey import PAGE, Survey, facets_of

_FREE = 0
_SAMPLE = 20_000
_MOST_PAGES = -(-_SAMPLE // SHARDS // PAGE)
_PURPOSES = (COLLECT, AGGREGATE)
_WorkOut = Callable[[Survey, int], Awaitable[bytes]]
_decoder = msgspec.json.Decoder(Estimate)


class Mining(msgspec.Struct, frozen=True):
    """Which traits go with the types of a pack."""

    pack: str
    #: Of what is found, so much is chance at most, on average.
    false_share: float
    findings: Findings


class Reports:
    """Answers for one process."""

    def __init__(self, stores: Stores, patience_s: float = 20.0) -> None:
        self._stores = stores
        self._once = Once(stores, patience_s)

    async def tell(self, brand: str, audience: str, assumed: Mapping[str, float]) -> Report:
        """Return the report of this day beside `assumed`, or else the shares that the pack assumes.

        Of one audience, or of all (""). Raises AssumptionRefusedError and StillCountingError.
        """
        shares = relations.assumption(self._stores.packs.of(brand), assumed)
        body = await self._told("relationships", Survey(brand, _PURPOSES, audience, _MOST_PAGES), self._estimated)
        return report(_decoder.decode(body), shares)

    async def mine(self, brand: str, audience: str) -> bytes:
        """Return what was mined this day, as JSON. Of one audience, or of all (""). Raises StillCountingError."""
        return await self._told("mining", Survey(brand, _PURPOSES, audience, _MOST_PAGES), self._mined)

    async def stop(self) -> None:
        """Count no further."""
        await self._once.stop()

    async def _told(self, about: str, survey: Survey, work_out: _WorkOut) -> bytes:
        pack, day = self._stores.packs.of(survey.brand), self._stores.now_ms() // DAY_MS
        question = Question(survey.brand, survey.audience, f"{about}:{pack.id}/{pack.version}", _FREE, day)
        return await self._asked(question) or await self._once.answer(question, partial(work_out, survey, day))

    async def _asked(self, question: Question) -> bytes:
        """Enter the question, or return what was answered to it today."""
        async with self._stores.vault.transaction() as transaction:
            connection = await raw(transaction)
            await ledger.lock(connection, question.brand, question.audience)
            body = await ledger.find(connection, question)
            if body is None:
                await ledger.pay(connection, question)
            return body or b""

    async def _estimated(self, survey: Survey, day: int) -> bytes:
        pack, now_ms = self._stores.packs.of(survey.brand), self._stores.now_ms()
        personas: list[Summary] = []
        async for _, traits in _counted(self._stores, survey):
            told = summary(pack, relations.heard(traits), relations.actions(traits), now_ms)
            if told is not None:
                personas.append(told)
        # In a thread: resampling takes a second, and everybody else would wait.
        return msgspec.json.encode(await asyncio.to_thread(estimate, pack, personas, day))

    async def _mined(self, survey: Survey, _: int) -> bytes:
        pack, now_ms = self._stores.packs.of(survey.brand), self._stores.now_ms()
        packs = Packs(pack, self._stores.journeys, self._stores.players.of(survey.brand))
        personas = [
            each
            async for chosen, traits in _counted(self._stores, survey)
            if (each := mined(packs, traits, chosen, now_ms)) is not None
        ]
        # In a thread: the engine takes seconds to load.
        findings = await asyncio.to_thread(lambda: find(count(personas)))
        return msgspec.json.encode(Mining(f"{pack.id}/{pack.version}", FALSE_SHARE, findings))


async def _counted(stores: Stores, survey: Survey) -> AsyncIterator[tuple[Choices, Traits]]:
    """Yield those who allow being counted and do not object to this inference; linked facets once."""
    seen: set[Persona] = set()
    async for each, traits in facets_of(stores, survey):
        chosen = choose.of(stores, each.bound)
        if "relationship" in chosen.objections:
            continue
        if each.is_linked and not await is_first(stores, each.bound.persona, seen):
            continue
        # What was believed at each answer is derived anew: a millisecond or two.
        await asyncio.sleep(0)
        yield chosen, traits
