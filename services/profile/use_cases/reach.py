"""Lets a read wait until what its caller wrote is folded."""

import asyncio
from collections.abc import Mapping

from kit.cancelling import rest
from kit.db import raw
from kit.rpc.deadline import remaining
from services.profile.domain import Lag
from services.profile.repository import positions
from services.profile.use_cases.stores import Stores

# Hints may be lost; this is how often a waiting read looks for itself.
_LOOK_S = 0.1
# What an answer takes that must still arrive before the caller's deadline.
_ANSWER_S = 0.1


class Reach:
    """Wakes waiting reads when a folder hints that it went on."""

    def __init__(self, stores: Stores, most_s: float) -> None:
        self._stores = stores
        self._most_s = most_s
        self._waiting: set[asyncio.Event] = set()

    def hint(self) -> None:
        for event in self._waiting:
            event.set()

    async def reach(self, brand: str, least: Mapping[int, int]) -> list[Lag]:
        """Wait until every partition is folded up to its sequence; return those that are not when the time is over."""
        if not least:
            return []
        hinted = asyncio.Event()
        self._waiting.add(hinted)
        loop = asyncio.get_running_loop()
        end = loop.time() + remaining(self._most_s + _ANSWER_S) - _ANSWER_S
        try:
            while (behind := await self._behind(brand, least)) and (left_s := end - loop.time()) > 0:
                await rest(hinted, min(_LOOK_S, left_s))
                hinted.clear()
        finally:
            self._waiting.discard(hinted)
        return behind

    async def _behind(self, brand: str, least: Mapping[int, int]) -> list[Lag]:
        async with self._stores.profile.reading() as reading:
            reached = await positions.all_of(await raw(reading), brand)
        lags = []
        for partition, sequence in least.items():
            position = reached.get(partition)
            missing = sequence - (position.sequence if position else 0)
            if missing > 0:
                lags.append(Lag(partition, missing, position.horizon_ms if position else 0))
        return lags
