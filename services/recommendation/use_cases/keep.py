"""Keeps terms of offers, forgets old decisions, and erases what was decided about personas."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from kit.cancelling import rest
from kit.db import Database, raw
from kit.errors import UnavailableError
from kit.telemetry import logger
from kit.tenancy import acting_for_every_brand
from services.recommendation.deciding import COMPLAINT_MS, Terms
from services.recommendation.domain import Persona
from services.recommendation.repository import decisions
from services.recommendation.sealed import CODEC, decode_customs, decode_taught, encode_terms

KEPT = timedelta(days=30)
#: As long as what is kept of a persona can forbid anything.
STATES_KEPT = timedelta(milliseconds=COMPLAINT_MS)
_LOG = logger(__name__)
_EVERY_S = 3_600.0
K = TypeVar("K", int, str)


async def put_offers(database: Database, brand: str, terms: Sequence[Terms]) -> int:
    """Keep terms; return of how many items the brand has some."""
    async with database.transaction() as connection:
        bodies = {each.item: encode_terms(each) for each in terms}
        return await decisions.put_offers(await raw(connection), brand, CODEC, bodies)


async def erase(database: Database, personas: Sequence[Persona]) -> int:
    """Delete all that was decided about personas of one brand, take back what they taught; return the decisions."""
    async with database.transaction() as connection:
        driver, brand = await raw(connection), personas[0].brand
        count, states = await decisions.erase(driver, personas)
        if owed := _owed(decode_taught(each.taught) for each in states):
            await decisions.teach(driver, brand, owed)
        if customs := _owed(decode_customs(each.customs) for each in states):
            await decisions.teach_customs(driver, brand, customs)
    return count


def _owed(taught: Iterable[Mapping[K, tuple[int, ...]]]) -> dict[K, tuple[int, ...]]:
    """Return what takes back all of it."""
    owed: dict[K, tuple[int, ...]] = {}
    for each in taught:
        for name, counts in each.items():
            before = owed.get(name, (0,) * len(counts))
            owed[name] = tuple(total - own for total, own in zip(before, counts, strict=True))
    return owed


async def forget(database: Database, now: datetime) -> None:
    """Forget decisions that are 30 days old, and what is kept of personas of whom nothing was heard for 90."""
    await decisions.expire_decisions(database, now - KEPT)
    await decisions.expire_states(database, now - STATES_KEPT)


async def keep_forgetting(database: Database, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Forget what is old, every hour until told to stop."""
    pause = 0.0
    while not await rest(stop, pause):
        pause = _EVERY_S
        try:
            with acting_for_every_brand():
                await forget(database, now())
        except UnavailableError as error:
            _LOG.warning("decisions.unforgotten", exc_info=error)
