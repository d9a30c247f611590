"""Carries out one call, however it came: deadline, typed errors, trace, metric, a log line for what nobody expected."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import grpc
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Histogram

from kit.errors import DeadlineError, InternalError, TypedError
from kit.rpc.deadline import ending_in
from kit.telemetry import extract, logger, span

_LOG = logger(__name__)
_SECONDS = Histogram(
    "rpc_server_seconds",
    "Time to answer an RPC",
    ("method", "status"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_seconds = cache(_SECONDS.labels)

#: Takes the request and a context, and returns the response.
Behaviour = Callable[[Any, Any], Awaitable[Any]]


def observed(method: str, behaviour: Behaviour) -> Callable[[Any, Any, float, str], Awaitable[Any]]:
    """Return what takes request, context, seconds left and traceparent, and returns the response or a TypedError."""
    name = method.lstrip("/")

    async def run(request: Any, context: Any, limit: float, trace: str) -> Any:
        parent = extract({"traceparent": trace} if trace else {})
        started = time.perf_counter()
        outcome = "CANCELLED"
        try:
            with span(name, parent=parent, kind=SpanKind.SERVER) as opened, ending_in(limit):
                result = await _attempt(behaviour, request, context, limit)
                if isinstance(result, TypedError):
                    outcome = result.reason
                    opened.set_attribute("reason", result.reason)
                    if isinstance(result, InternalError):
                        opened.set_status(StatusCode.ERROR)
                else:
                    outcome = "OK"
        finally:
            _seconds(name, outcome).observe(time.perf_counter() - started)
        return result

    return run


async def _attempt(behaviour: Behaviour, request: Any, context: Any, limit: float) -> Any:
    try:
        async with asyncio.timeout(limit) as running:
            return await behaviour(request, context)
    except TypedError as refusal:
        return refusal
    except grpc.aio.AbortError:
        raise
    except Exception as error:  # noqa: BLE001 - place 1 of 3: an RPC must be answered whatever failed
        if running.expired() and isinstance(error, TimeoutError):
            return DeadlineError()
        _LOG.error("rpc.failed", exc_info=error)
        return InternalError()
