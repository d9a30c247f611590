"""One process: event loop, telemetry, graceful stop, and the page that says whether it is ready."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

import uvloop

from kit import telemetry
from kit.cancelling import raise_if_cancelled
from kit.errors import TypedError
from kit.http import ops_app, serve
from kit.parting import die_with_parent
from kit.settings import Settings

Check = Callable[[], Awaitable[object]]
S = TypeVar("S", bound=Settings)

_LOG = telemetry.logger(__name__)
_CHECK_S = 1.0
# Whoever keeps what was read keeps new objects all the time: so few are looked at in one go that it takes a few
# milliseconds, among the young and once more when they have stayed, and hardly ever all.
_GC_THRESHOLDS = (5_000, 1, 1_000)
_GC_IN_BATCHES = 100_000


class Readiness:
    """Named checks that must all pass before work should be sent here. A check fails by raising or by taking 1 s."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Add a check, such as `readiness.add("database", database.ping)`."""
        self._checks[name] = check

    async def look(self) -> dict[str, str]:
        """Run every check now: name to "ok" or to the reason, which is an error's type and never its text."""
        # A starting process may add checks while these run.
        checks = dict(self._checks)
        outcomes = await asyncio.gather(
            *(asyncio.wait_for(check(), _CHECK_S) for check in checks.values()), return_exceptions=True
        )
        return {name: _verdict(outcome) for name, outcome in zip(checks, outcomes, strict=True)}


async def wait_for(
    check: Check,
    name: str,
    *,
    expected: tuple[type[Exception], ...] = (OSError, TypedError),
    first_s: float = 0.05,
    most_s: float = 2.0,
) -> None:
    """Repeat a check until it passes, with growing pauses: processes start in any order. Other errors pass through."""
    pause = first_s
    while True:
        raise_if_cancelled()
        try:
            await check()
        except expected as error:
            if pause >= most_s:
                _LOG.warning("dependency.missed", dependency=name, exc_info=error)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(most_s, pause * 2)


def run(main: Callable[[S, asyncio.Event, Readiness], Awaitable[None]], settings: S) -> None:
    """Run `main(settings, stop, readiness)` until it returns. SIGTERM and SIGINT set `stop`; a second one ends at once.

    Exits with 1 when main raises: the error's type and place are logged, its text is not.
    """
    if os.environ.get("MASKENBALL_DIE_WITH_PARENT") == "1":
        die_with_parent()
    _take_turns()
    telemetry.configure(settings)
    _keep_texts_in()
    # What is imported lives as long as the process; what requests make dies by counting. Looking for cycles among both
    # after every 700 objects costs a tenth of a request; after every 50,000 it stops everything for 50 to 130 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(main, settings))
    finally:
        telemetry.close()


def look_for_cycles_seldom() -> None:
    """For a process that works on batches: thousands of short-lived objects without a cycle, and hardly any kept."""
    gc.set_threshold(_GC_IN_BATCHES)


async def _live(main: Callable[[S, asyncio.Event, Readiness], Awaitable[None]], settings: S) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unheard)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, _on_signal, stop, asyncio.current_task())
    readiness = Readiness()
    # The page outlives main, so that a process that is stopping says so.
    closed = asyncio.Event()
    _LOG.info("process.started")
    async with asyncio.TaskGroup() as tasks:
        if settings.ops_address:
            tasks.create_task(serve(ops_app(readiness.look, stop), settings.ops_address, closed))
        try:
            await main(settings, stop, readiness)
        finally:
            closed.set()
    _LOG.info("process.stopped")


def _take_turns() -> None:
    # A request passes through several processes. Where they share few cores, each that is woken would interrupt another
    # that is half-way, and both find their caches gone. With PostgreSQL and NATS in turns as well, which they are not
    # here, an opening cost a tenth less on two quiet cores; by itself it was not seen to (decision 29).
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _on_signal(stop: asyncio.Event, task: "asyncio.Task[None] | None") -> None:
    if stop.is_set() and task is not None:
        task.cancel()
    stop.set()


def _verdict(outcome: object) -> str:
    if not isinstance(outcome, BaseException):
        return "ok"
    return outcome.reason if isinstance(outcome, TypedError) else type(outcome).__name__


def _keep_texts_in() -> None:
    # Each of these would print an error's text, with what it was about, to standard error.
    sys.excepthook = _report
    sys.unraisablehook = lambda lost: _LOG.error("error.dropped", exc_info=lost.exc_value)
    threading.excepthook = lambda ended: _LOG.error("thread.failed", exc_info=ended.exc_value)
    logging.captureWarnings(True)


def _report(kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    for each in _leaves(error):
        _LOG.error("process.failed", exc_info=each)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _unheard(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _LOG.error("task.failed", exc_info=context.get("exception"))
