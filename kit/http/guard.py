"""What every HTTP request needs: a trace of its own, a metric, and an answer whatever failed."""

import time
from collections.abc import Awaitable
from functools import lru_cache

from prometheus_client import Histogram

from kit.errors import InternalError, TypedError
from kit.http.bodies import DisconnectedError
from kit.http.problems import HTTP_STATUS, send_problem
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
_POLICY_VIOLATION = 1008
_OUR_FAULT = 1011


def guarded(app: App) -> App:
    """Wrap an ASGI application: TypedError becomes a problem, everything else 500 and one log line.

    Each request begins a trace of its own; what the caller says about traces is not read.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        # Method names are the caller's text too.
        method = scope.get("method", "WEBSOCKET")
        method = method if method in _METHODS or method == "WEBSOCKET" else "OTHER"
        reply = _Reply(send)
        started = time.perf_counter()
        try:
            with begin(f"http {method}") as opened:
                error = await _attempt(app, scope, receive, reply)
                if error is not None:
                    opened.set_attribute("reason", error.reason)
                    await _refuse(scope, reply, error)
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
        self.ended = False

    def __call__(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        elif kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close":
            self.ended = True
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


async def _refuse(scope: Scope, reply: _Reply, error: TypedError) -> None:
    if isinstance(error, DisconnectedError) or reply.ended:
        return
    if scope["type"] == "websocket":
        code = _OUR_FAULT if HTTP_STATUS[error.status] >= HTTP_STATUS[InternalError.status] else _POLICY_VIOLATION
        await reply({"type": "websocket.close", "code": code, "reason": error.reason})
    elif not reply.status:
        await send_problem(reply, error)
