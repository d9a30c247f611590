"""Cancellation that holds: before Python 3.12 `asyncio.wait_for` drops one that arrives together with its result."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError when the current task was asked to end. Call it in every loop that ends by cancellation.

    Libraries below use `wait_for` for their answers, so any await can lose the request once.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def rest(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most that long; tell whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
