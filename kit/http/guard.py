"""What every HTTP request needs: a trace of its own, a metric, and an answer whatever failed."""

import time
from collections.abc import Awaitable
from functools import lru_cache

from prometheus_client import Histogram

from kit.errors import InternalError, TypedError
from kit.http.bodies import DisconnectedError
from kit.http.problems import send_problem
from kit.http.types import App, Message, Receive, Scope, Send
from kit.telemetry import begin, logger

_LOG = logger(__name__)
_SECONDS = Histogram(
    "http_server_seconds",
    "Time to answer an HTTP request",
    ("method", "status"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})


def guarded(app: App) -> App:
    """Wrap an ASGI application: TypedError becomes a problem, everything else 500 and one log line.

    Each request begins a trace of its own; what the caller says about traces is not read.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # Method names are the caller's text too.
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        reply = _Reply(send)
        started = time.perf_counter()
        try:
            with begin(f"http {method}") as opened:
                error = await _attempt(app, scope, receive, reply)
                if error is not None:
                    opened.set_attribute("reason", error.reason)
                    await _refuse(reply, error)
        finally:
            _timer(method, reply.status).observe(time.perf_counter() - started)

    return answer


@lru_cache
def _timer(method: str, status: int) -> Histogram:
    return _SECONDS.labels(method, str(status))


class _Reply:
    """Remembers how far the answer has got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        return self._send(message)


async def _attempt(app: App, scope: Scope, receive: Receive, reply: _Reply) -> TypedError | None:
    try:
        await app(scope, receive, reply)
    except TypedError as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001 - place 2 of 3: a request must be answered whatever failed
        _LOG.error("http.failed", exc_info=error)
        return InternalError()
    return None


async def _refuse(reply: _Reply, error: TypedError) -> None:
    if not isinstance(error, DisconnectedError) and not reply.status:
        await send_problem(reply, error)
