"""Tells what the personas of an audience have in common: paid first, counted with noise, and told once for all."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import asyncpg

from kit.db import raw
from services.profile import noise
from services.profile.aggregates import (
    COUNTABLE,
    UNIT,
    Answer,
    Budget,
    PrivacyBudgetSpentError,
    Question,
    decode,
    encode,
)
from services.profile.decay import DAY_MS
from services.profile.domain import AGGREGATE, COLLECT, MAX_LINKED, Persona
from services.profile.repository import aggregates as ledger
from services.profile.repository import histories, links
from services.profile.use_cases.once import Once
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.survey import Survey, views


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and what is spent of the budget it was paid from."""

    answer: Answer
    spent: int


@dataclass(frozen=True, slots=True)
class _Paid:
    spent: int
    #: Empty until it is known.
    body: bytes


class Aggregates:
    """Answers questions about audiences. Of one process: questions are counted one after the other, each once."""

    def __init__(self, stores: Stores, budget: Budget, least: int, patience_s: float = 20.0) -> None:
        """Take the budget of every audience, and how many must share, noise included, what is told at all."""
        self.budget = budget
        self._stores = stores
        self._least = least
        self._once = Once(stores, patience_s)

    async def tell(self, question: Question) -> Told:
        """Return the answer of this day; raises PrivacyBudgetSpentError and StillCountingError."""
        paid = await self._pay(question)
        return Told(decode(paid.body or await self._counted(question)), paid.spent)

    async def stop(self) -> None:
        """Count no further. What was paid stays paid, and is counted when it is asked for again."""
        await self._once.stop()

    async def _pay(self, question: Question) -> _Paid:
        async with self._stores.vault.transaction() as transaction:
            connection = await raw(transaction)
            await ledger.lock(connection, question.brand, question.audience)
            body = await ledger.find(connection, question)
            price = question.price if body is None else 0
            spent = await self._spend(connection, question, price)
            if body is None:
                await ledger.pay(connection, question)
            return _Paid(spent, body or b"")

    async def _spend(self, connection: asyncpg.Connection, question: Question, price: int) -> int:
        since = question.day - self.budget.days + 1
        days = await ledger.spent(connection, question.brand, question.audience, since)
        spent = sum(paid for _, paid in days) + price
        if price and spent > self.budget.price:
            raise _refusal(self.budget, days, question, self._stores.now_ms())
        return spent

    async def _counted(self, question: Question) -> bytes:
        return await self._once.answer(question, partial(self._count, question))

    async def _count(self, question: Question) -> bytes:
        countable = COUNTABLE[question.counted]
        counts = await count(self._stores, question)
        # In a thread: opendp takes a second to load, and everybody else would wait.
        noisy = await asyncio.to_thread(noise.publish, counts, countable.keys, question.price / UNIT, self._least)
        return encode(noisy, self._stores.now_ms())


def _refusal(
    budget: Budget, days: Sequence[tuple[int, int]], question: Question, now_ms: int
) -> PrivacyBudgetSpentError:
    spent = sum(paid for _, paid in days)
    left, renews_on = budget.price - spent, question.day
    for day, paid in days:
        if left >= question.price:
            break
        left, renews_on = left + paid, day + budget.days
    renews_at_ms = renews_on * DAY_MS
    renews_at = datetime.fromtimestamp(renews_at_ms / 1000, UTC).isoformat(timespec="seconds")
    return PrivacyBudgetSpentError(
        f"{spent / UNIT:g} of {budget.price / UNIT:g} are spent; there is enough from {renews_at} on",
        field="epsilon",
        limit=f"{budget.price / UNIT:g} in {budget.days} days",
        retry_after_s=max(1, (renews_at_ms - now_ms) // 1000),
    )


async def count(stores: Stores, question: Question) -> Counter[str]:
    """Count over the personas of an audience who allow it now. Exact: nothing of it may be told without noise."""
    counts: Counter[str] = Counter()
    seen: set[Persona] = set()
    countable = COUNTABLE[question.counted]
    survey = Survey(question.brand, (COLLECT, AGGREGATE), question.audience)
    async for each, view in views(stores, survey):
        if not each.is_linked or await is_first(stores, each.bound.persona, seen):
            counts.update(countable.keys_of(view))
    return counts


async def is_first(stores: Stores, persona: Persona, seen: set[Persona]) -> bool:
    """Tell whether none was counted of the facets that are one persona with this one: it adds to a key once."""
    async with histories.snapshot(stores.vault) as connection:
        others = await links.linked(connection, persona)
    # Of more than are looked at, one could be counted unseen.
    if len(others) == MAX_LINKED or any(other.persona in seen for other in others):
        return False
    seen.add(persona)
    return True
