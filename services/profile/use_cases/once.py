"""Answers that are worked out once a day, in the background, and are the same to whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable

from kit.db import raw
from services.profile.aggregates import Question, StillCountingError
from services.profile.repository import aggregates as ledger
from services.profile.use_cases.stores import Stores

_SOON_S = 5


class Once:
    """Works out answers to questions that are in the ledger, one after the other, each once."""

    def __init__(self, stores: Stores, patience_s: float) -> None:
        self._stores = stores
        self._patience_s = patience_s
        self._counting: dict[Question, asyncio.Task[bytes]] = {}
        self._one_by_one = asyncio.Lock()

    async def answer(self, question: Question, count: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the answer that is kept; raises StillCountingError. Whoever asked may not wait so long for it."""
        task = self._counting.get(question)
        if task is None:
            task = self._counting[question] = asyncio.create_task(self._count(question, count))
            task.add_done_callback(lambda done: self._forget(question, done))
        done, _ = await asyncio.wait([task], timeout=self._patience_s)
        if not done:
            raise StillCountingError("being counted", retry_after_s=_SOON_S)
        return task.result()

    async def stop(self) -> None:
        """Count no further. What was asked stays asked, and is counted when it is asked again."""
        tasks = list(self._counting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _count(self, question: Question, count: Callable[[], Awaitable[bytes]]) -> bytes:
        async with self._one_by_one:
            answer = await count()
            async with self._stores.vault.transaction() as transaction:
                return await ledger.keep(await raw(transaction), question, answer)

    def _forget(self, question: Question, done: asyncio.Task[bytes]) -> None:
        self._counting.pop(question, None)
        # Looked at: nobody may be waiting for it any more.
        if not done.cancelled():
            done.exception()
