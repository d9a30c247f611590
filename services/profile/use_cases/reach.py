"""Lets a read wait until what its caller wrote is folded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kit.cancelling import rest
from kit.db import raw
from kit.rpc.deadline import remaining
from services.profile.domain import Partition
from services.profile.repository import positions
from services.profile.use_cases.stores import Stores

# Hints may be lost; this is how often a waiting read looks for itself.
_LOOK_S = 0.5
# What an answer takes that must still arrive before the caller's deadline.
_ANSWER_S = 0.1


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a partition is behind what was asked for; complete is what was received before that time."""

    partition: Partition
    messages: int
    complete_until_ms: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A read that waits: for which sequences, and what wakes it when none is missing."""

    missing: dict[Partition, int]
    reached: asyncio.Event


class Reach:
    """Lets reads wait for folders, which hint how far they are; a hint comes after the commit it speaks of."""

    def __init__(self, stores: Stores, most_s: float) -> None:
        self._stores = stores
        self._most_s = most_s
        self._hinted: dict[Partition, int] = {}
        self._waiting: list[_Waiting] = []

    def hint(self, partition: Partition, sequence: int) -> None:
        # The last one counts, not the highest: a stream that was made anew begins again.
        self._hinted[partition] = sequence
        for waiting in self._waiting:
            if waiting.missing.get(partition, sequence + 1) <= sequence:
                del waiting.missing[partition]
                if not waiting.missing:
                    waiting.reached.set()

    async def reach(self, brand: str, asked: Mapping[Partition, int]) -> list[Lag]:
        """Wait until every partition is folded up to its sequence; return those that are not when the time is over.

        All are of that brand.
        """
        missing = {each: sequence for each, sequence in asked.items() if self._hinted.get(each, 0) < sequence}
        if not missing:
            return []
        waiting = _Waiting(missing, asyncio.Event())
        self._waiting.append(waiting)
        loop = asyncio.get_running_loop()
        end = loop.time() + remaining(self._most_s + _ANSWER_S) - _ANSWER_S
        try:
            # Where no hint was ever heard the folder may be long past it.
            if missing.keys() <= self._hinted.keys() and await rest(waiting.reached, _LOOK_S):
                return []
            while behind := await self._behind(brand, asked):
                left_s = end - loop.time()
                if left_s <= 0:
                    return behind
                if await rest(waiting.reached, min(_LOOK_S, left_s)):
                    break
        finally:
            self._waiting.remove(waiting)
        return []

    async def _behind(self, brand: str, asked: Mapping[Partition, int]) -> list[Lag]:
        async with self._stores.profile.reading() as reading:
            reached = await positions.all_of(await raw(reading), brand)
        lags = []
        for partition, sequence in asked.items():
            position = reached.get(partition)
            missing = sequence - (position.sequence if position else 0)
            if missing > 0:
                lags.append(Lag(partition, missing, position.horizon_ms if position else 0))
        return lags
