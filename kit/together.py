"""Look-ups of several callers in one statement: those that come while one is on its way share the next."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from kit.errors import UnavailableError
from kit.microbatch import MicroBatcher
from kit.tenancy import acting_for

K = TypeVar("K")
R = TypeVar("R")
_MOST_AT_ONCE = 64
_MOST_WAITING = 10_000
# As long as a connection may take, and longer than most callers wait: who comes must not stand behind a server that
# says nothing for ever.
_PATIENCE_S = 5.0


class Together(Generic[K, R]):
    """Asks `look_up`, which takes a brand and keys and returns the answers to all of them, for several callers at once.

    A caller never shares what was asked before it came: it sees everything that was committed until then. While few
    ask, each asks alone.
    """

    def __init__(self, look_up: Callable[[str, Sequence[K]], Coroutine[Any, Any, R]]) -> None:
        self._look_up = look_up
        self._of_brands: dict[str, MicroBatcher[K, R]] = {}

    async def ask(self, brand: str, keys: Sequence[K]) -> R:
        """Return answers to these keys and others; raises what the look-up raises, ExhaustedError, UnavailableError."""
        batcher = self._of_brands.get(brand)
        if batcher is None:
            flush = partial(self._flush, brand)
            batcher = self._of_brands[brand] = MicroBatcher(
                flush, max_items=_MOST_AT_ONCE, max_bytes=_MOST_AT_ONCE, max_waiting=_MOST_WAITING
            )
        return await batcher.run(0, keys, len(keys))

    async def _flush(self, brand: str, _: int, keys: list[K]) -> R:
        # Said anew: it runs on behalf of whoever came first, or of a batch before.
        with acting_for(brand):
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    return await self._look_up(brand, keys)
            except TimeoutError as error:
                raise UnavailableError(retry_after_s=1) from error
