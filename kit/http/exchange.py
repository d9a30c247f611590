"""One request and its answer, in the words of ASGI."""

import asyncio
import time
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

from kit.http.types import App, Message, Scope

#: Bytes of a body that the application has not asked for; beyond them the connection is read no further.
MOST_UNREAD_BYTES = 64 << 10
_BODILESS = frozenset({204, 304})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_CLOSING = b"connection: close\r\n"


class Line(Protocol):
    """What a request came in by, and its answer leaves on."""

    def write(self, content: bytes) -> None:
        """Send, or drop when the caller is gone."""
        ...

    async def drained(self) -> None:
        """Return once so much has left that more may be written."""
        ...

    def read_on(self, *, is_wanted: bool) -> None:
        """Read from the connection, or leave what comes in the kernel."""
        ...

    def answered(self, exchange: "Exchange") -> None:
        """Take note that the last byte of an answer is written."""
        ...


class Exchange:
    """Holds what has come of a body until it is asked for, and frames the answer."""

    def __init__(self, line: Line, scope: Scope, *, keeps_alive: bool) -> None:
        self.scope = scope
        #: Whether another request may follow on the connection.
        self.keeps_alive = keeps_alive
        #: All of the body is here.
        self.is_whole = False
        self.task: asyncio.Task[None] | None = None
        self._line = line
        self._parts: list[bytes] = []
        self._size = 0
        self._is_lost = False
        self._is_read = False
        self._may_wait = any(name == b"expect" for name, _ in scope["headers"])
        self._news: asyncio.Future[None] | None = None
        self._start: Message | None = None
        self._has_begun = False
        self._is_chunked = False
        self._is_answered = False

    def begin(self, app: App) -> None:
        """Have the application answer."""
        self.task = asyncio.get_running_loop().create_task(self._answer(app))

    def feed(self, part: bytes) -> None:
        """Take a part of the body."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > MOST_UNREAD_BYTES:
            self._line.read_on(is_wanted=False)
        self._wake()

    def end(self) -> None:
        """The body is complete."""
        self.is_whole = True
        self._wake()

    def lose(self) -> None:
        """The caller is gone."""
        self._is_lost = True
        self._wake()

    async def receive(self) -> Message:
        """Return what has come of the body, all of it in one piece; when there is no more, wait for the end."""
        while not (self._parts or self._is_lost or (self.is_whole and not self._is_read)):
            if self._may_wait:
                self._may_wait = False
                self._line.write(_CONTINUE)
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        if self._is_lost:
            return {"type": "http.disconnect"}
        parts, self._parts, self._size = self._parts, [], 0
        self._is_read = self.is_whole
        if not self.is_whole:
            self._line.read_on(is_wanted=True)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def send(self, message: Message) -> None:
        """Write the answer; where its length is not told it goes out in chunks."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is None or self._is_answered:
            raise RuntimeError("an answer has one start and one end")
        body, has_more = message.get("body", b""), message.get("more_body", False)
        head = b"" if self._has_begun else self._head(self._start, None if has_more else len(body))
        self._has_begun = True
        if self.scope["method"] == "HEAD" or self._start["status"] in _BODILESS:
            body = b""
        elif self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if has_more else _LAST_CHUNK)
        self._line.write(head + body)
        if has_more:
            await self._line.drained()
        else:
            self._is_answered = True
            self._line.answered(self)

    async def _answer(self, app: App) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            if not self._is_answered:
                # Half an answer must not pass for a whole one.
                self.keeps_alive = False
                self._line.answered(self)

    def _head(self, start: Message, length: int | None) -> bytes:
        lines = [_status_line(start["status"]), _date(int(time.time()))]
        is_framed = start["status"] in _BODILESS
        for name, value in start.get("headers", ()):
            is_framed = is_framed or name.lower() == b"content-length"
            lines.append(b"%b: %b\r\n" % (name, value))
        if not is_framed and length is not None:
            lines.append(b"content-length: %d\r\n" % length)
        elif not is_framed and self.scope["http_version"] == "1.1":
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        elif not is_framed:
            self.keeps_alive = False
        # What has not come of the body would have to be read before the next request.
        self.keeps_alive = self.keeps_alive and self.is_whole
        if not self.keeps_alive:
            lines.append(_CLOSING)
        lines.append(b"\r\n")
        return b"".join(lines)

    def _wake(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)


def split(target: bytes) -> tuple[str, bytes]:
    """Return path and query of a request's target."""
    if not target.startswith(b"/") and b"://" in target:
        # As to a proxy: the host is not looked at.
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    path, _, query = target.partition(b"?")
    text = path.decode("ascii", "replace")
    return unquote(text) if "%" in text else text, query


@lru_cache
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


@lru_cache(maxsize=2)
def _date(at_s: int) -> bytes:
    return time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(at_s)).encode()
