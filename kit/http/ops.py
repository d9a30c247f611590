"""The page for operators: is it alive, is it ready and what is missing, and the metrics."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from kit.errors import NotFoundError
from kit.http.types import App, Receive, Scope, Send
from kit.telemetry import render_metrics

Look = Callable[[], Awaitable[dict[str, str]]]


def ops_app(look: Look, stop: asyncio.Event) -> App:
    """Build the application. `look` runs the readiness checks: name to "ok" or the reason.

    /readyz answers 503 while a check fails or the process is stopping. /livez answers as long as the loop turns.
    """

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/livez":
            await _json(send, 200, {"alive": True})
        elif path == "/readyz":
            checks = await look()
            ready = not stop.is_set() and all(verdict == "ok" for verdict in checks.values())
            content = {"ready": ready, "stopping": stop.is_set(), "checks": checks}
            await _json(send, 200 if ready else 503, content)
        elif path == "/metrics":
            kind, body = render_metrics()
            await _send(send, 200, kind.encode(), body)
        else:
            raise NotFoundError

    return app


async def _json(send: Send, status: int, content: object) -> None:
    await _send(send, status, b"application/json", msgspec.json.encode(content))


async def _send(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    if status == 503:  # noqa: PLR2004 - the number is its name
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
