"""One connection of HTTP/1.1, read by llhttp on the loop that answers: no thread of its own, no hand-over."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from kit.errors import ExhaustedError, NotFoundError, Status, TypedError
from kit.http.exchange import Exchange, split
from kit.http.problems import problem
from kit.http.types import App

_MOST_HEAD_BYTES = 64 << 10
#: A request has to be here in whole within this, and a connection without one is closed after it. Load balancers
#: keep theirs for a minute, and must be those who close.
PATIENCE_S = 75.0
# For callers that write the whole body before they read an answer.
_LINGER_S = 2.0
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class BadRequestError(TypedError):
    """What came is no HTTP/1.1, or its head is too long."""

    reason = "BAD_REQUEST"
    status = Status.INVALID


@dataclass(slots=True)
class Listening:
    """What the connections of one server share."""

    app: App
    most: int
    clock: Callable[[], float]
    connections: "set[Connection]" = field(default_factory=set)
    #: Set when the last one has ended.
    is_empty: asyncio.Event = field(default_factory=asyncio.Event)


class Connection(asyncio.Protocol):
    """Answers one request after the other; of those that came together, in their order."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        #: The first is being answered, the last is being read.
        self._exchanges: deque[Exchange] = deque()
        self._since = listening.clock()
        self._head_bytes = 0
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_in_head = True
        self._is_upgrading = False
        #: What comes is no longer read.
        self._is_deaf = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        listening = self._listening
        listening.connections.add(self)
        listening.is_empty.clear()
        if len(listening.connections) > listening.most:
            self._refuse(ExhaustedError("too many connections", retry_after_s=1))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Tell whoever reads or writes."""
        self._transport = None
        self._is_deaf = True
        self._writable.set()
        for exchange in self._exchanges:
            exchange.lose()
        self._listening.connections.discard(self)
        if not self._listening.connections:
            self._listening.is_empty.set()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._is_deaf:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
        while data:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as offer:
                data = self._decline(data[offer.args[0] :])
            except HttpParserInvalidMethodError:
                self._refuse(NotFoundError("no path takes this method"))
                return
            except HttpParserError:
                self._refuse(BadRequestError("this is no HTTP/1.1"))
                return
            else:
                data = b""
        if self._is_in_head and self._head_bytes > _MOST_HEAD_BYTES:
            self._refuse(BadRequestError("the head is too long", limit=f"{_MOST_HEAD_BYTES} bytes"))

    def pause_writing(self) -> None:
        """Have whoever writes wait."""
        self._since = self._listening.clock()
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let them go on."""
        self._writable.set()

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin with a request, or have it wait for those before it."""
        self._is_in_head = False
        if self._is_upgrading:
            # The head that `_decline` made: the real one was here before.
            self._is_upgrading = False
            self._target, self._headers = b"", []
            return
        parser = self._parser
        path, query = split(self._target)
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": parser.get_http_version(),
            "method": parser.get_method().decode("ascii"),
            "scheme": "http",
            "root_path": "",
            "path": path,
            "query_string": query,
            "headers": self._headers,
        }
        self._is_upgrading = parser.should_upgrade()
        exchange = Exchange(self, scope, keeps_alive=parser.should_keep_alive())
        self._exchanges.append(exchange)
        self._target, self._headers, self._head_bytes = b"", [], 0
        self._since = self._listening.clock()
        if len(self._exchanges) == 1:
            exchange.begin(self._listening.app)
        else:
            self.read_on(is_wanted=False)

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self._exchanges[-1].feed(part)

    def on_message_complete(self) -> None:
        """Have the body of the last request end, but where its caller offers another protocol: see `_decline`."""
        if not self._is_upgrading:
            self._is_in_head = True
            self._exchanges[-1].end()

    def write(self, content: bytes) -> None:
        """See Line."""
        if self._transport is not None:
            self._transport.write(content)

    async def drained(self) -> None:
        """See Line."""
        await self._writable.wait()

    def read_on(self, *, is_wanted: bool) -> None:
        """See Line."""
        if self._transport is None or self._is_deaf:
            return
        if is_wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def answered(self, exchange: Exchange) -> None:
        """See Line."""
        if self._transport is None:
            return
        self._since = self._listening.clock()
        self._exchanges.popleft()
        if not exchange.is_whole:
            self._linger()
        elif not exchange.keeps_alive:
            self._transport.close()
        else:
            self.read_on(is_wanted=True)
            if self._exchanges:
                self._exchanges[0].begin(self._listening.app)

    def stop(self) -> None:
        """Close as soon as what is there is answered; of a body that has begun the rest is read."""
        if self._exchanges:
            self._exchanges[-1].keeps_alive = False
        elif self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        for exchange in self._exchanges:
            if exchange.task is not None:
                exchange.task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def expire(self, now_s: float) -> None:
        """Close where nothing comes, or comes too slowly."""
        is_at_work = bool(self._exchanges) and self._exchanges[-1].is_whole and self._writable.is_set()
        if now_s - self._since > PATIENCE_S and not is_at_work and self._transport is not None:
            self._transport.abort()

    def _decline(self, rest: bytes) -> bytes:
        # The parser takes what follows the head for the protocol that was offered. It is a body as ever, or the next
        # request: another parser reads it, behind a head that says of the body what the real one said.
        framing = [b"%b: %b\r\n" % each for each in self._exchanges[-1].scope["headers"] if each[0] in _FRAMING]
        self._parser = HttpRequestParser(self)
        return b"".join((b"POST / HTTP/1.1\r\n", *framing, b"\r\n", rest))

    def _refuse(self, error: TypedError) -> None:
        self._is_deaf = True
        if self._exchanges:
            # Whoever is answered now cannot be told: what is said of a later request would pass for their answer.
            self._exchanges[-1].keeps_alive = False
            if not self._exchanges[-1].is_whole:
                self._exchanges[-1].lose()
            return
        status, headers, body = problem(error)
        lines = b"".join(b"%b: %b\r\n" % each for each in headers)
        self.write(b"HTTP/1.1 %d \r\n%bconnection: close\r\n\r\n%b" % (status, lines, body))
        self._linger()

    def _linger(self) -> None:
        # Closed at once, what the caller is still writing would have the kernel take the answer back.
        self._is_deaf = True
        if self._transport is not None:
            self._transport.resume_reading()
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(_LINGER_S, self._transport.abort)
