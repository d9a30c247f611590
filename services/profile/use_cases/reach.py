"""Lets a read wait until what its caller wrote is folded."""

import asyncio
from collections.abc import Mapping

from kit.cancelling import rest
from kit.db import raw
from kit.rpc.deadline import remaining
from services.profile.domain import PositionNotReachedError
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

    async def reach(self, brand: str, least: Mapping[int, int]) -> None:
        """Return when every partition is folded up to its sequence; raises PositionNotReachedError."""
        if not least:
            return
        hinted = asyncio.Event()
        self._waiting.add(hinted)
        try:
            async with asyncio.timeout(remaining(self._most_s + _ANSWER_S) - _ANSWER_S):
                while not await self._is_reached(brand, least):
                    await rest(hinted, _LOOK_S)
                    hinted.clear()
        except TimeoutError:
            message = "not folded yet"
            raise PositionNotReachedError(message, field="min_positions", retry_after_s=1) from None
        finally:
            self._waiting.discard(hinted)

    async def _is_reached(self, brand: str, least: Mapping[int, int]) -> bool:
        async with self._stores.profile.reading() as reading:
            reached = await positions.all_of(await raw(reading), brand)
        return all(
            partition in reached and reached[partition].sequence >= sequence for partition, sequence in least.items()
        )
