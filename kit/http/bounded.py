"""An application behind bounds: frameworks read bodies without end, and as many at once as come."""

from kit.errors import ExhaustedError
from kit.http.bodies import read_body
from kit.http.types import App, Message, Receive, Scope, Send


def bounded(app: App, *, max_bytes: int, max_requests: int) -> App:
    """Hand `app` bodies that are complete, un-gzipped and of at most `max_bytes`.

    Raises ExhaustedError while `max_requests` are at work, and what `read_body` raises.
    """
    running = 0

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if running >= max_requests:
            raise ExhaustedError("too many requests at once", retry_after_s=1)
        running += 1
        try:
            body = await read_body(receive, scope["headers"], max_bytes=max_bytes)
            await app(scope, _replayed(body, receive), send)
        finally:
            running -= 1

    return answer


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
