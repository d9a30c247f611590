"""The deadline of the RPC being answered, so that calls made on its behalf end no later."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar["tuple[asyncio.Task[object] | None, float] | None"] = ContextVar("deadline", default=None)


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """Set the deadline of the current task."""
    token = _DEADLINE.set((asyncio.current_task(), asyncio.get_running_loop().time() + seconds))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def remaining(most: float) -> float:
    """Return the seconds left, at most `most`."""
    held = _DEADLINE.get()
    # A task inherits the variables of the one that started it; a worker that outlives the RPC must not inherit its end.
    if held is None or held[0] is not asyncio.current_task():
        return most
    return min(most, held[1] - asyncio.get_running_loop().time())
