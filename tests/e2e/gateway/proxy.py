"""A network that fails: stands between an SDK and the gateway, and remembers what went through."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from gateway.app import RECORDS
from kit.errors import ExhaustedError, TypedError, UnavailableError
from kit.http import problem
from tests.e2e.gateway.serving import Server

RETRY_AFTER_S = 2


class Fault(StrEnum):
    """What becomes of one tracking request."""

    UNAVAILABLE = "503"
    LIMITED = "429"
    #: The gateway never hears of the request.
    CUT_BEFORE = "cut before"
    #: The gateway has taken the request, and the caller does not learn it.
    CUT_AFTER = "cut after"


@dataclass(frozen=True)
class Request:
    """One tracking request as it came in, un-gzipped."""

    path: str
    headers: dict[str, str]
    body: bytes
    fault: Fault | None
    #: Seconds of a monotonic clock.
    at: float

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in it."""
        content = json.loads(self.body)
        held: list[dict[str, Any]] = content.get("batch", [content])
        return held

    @property
    def message_ids(self) -> set[str]:
        """What the SDK calls its events."""
        return {event["messageId"] for event in self.events}


@dataclass
class Proxy:
    """Serves at `url`. The first tracking requests meet the faults, one each; all others go through."""

    upstream: str
    faults: list[Fault]
    requests: list[Request] = field(default_factory=list)
    preflights: list[dict[str, str]] = field(default_factory=list)
    #: Message ids of events whose 200 was handed to the SDK.
    acknowledged: set[str] = field(default_factory=set)
    #: Events the gateway answered with 200, copies included.
    taken: int = 0
    url: str = ""
    _going_on: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def seen(self) -> set[str]:
        """Message ids of all events that came by."""
        return {each for request in self.requests for each in request.message_ids}

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return once requests and answers made it so."""
        async with self._going_on:
            await self._going_on.wait_for(is_so)

    async def __aenter__(self) -> Self:
        self._server = Server(self._answer)
        await self._server.start()
        self.url = f"http://127.0.0.1:{self._server.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if method != "POST" or urlsplit(target).path not in RECORDS:
            if method == "OPTIONS":
                self.preflights.append(headers)
            writer.write(_closing(await self._forward(first, lines, body)))
            await writer.drain()
            return
        fault = self.faults.pop(0) if self.faults else None
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        request = Request(target, headers, plain, fault, time.monotonic())
        self.requests.append(request)
        await self._notify()
        if fault is Fault.CUT_BEFORE:
            writer.transport.abort()
            return
        if fault in {Fault.UNAVAILABLE, Fault.LIMITED}:
            writer.write(_refusal(fault, headers.get("origin", "")))
            await writer.drain()
            return
        answer = await self._forward(first, lines, body)
        is_taken = answer.startswith(b"HTTP/1.1 200 ")
        self.taken += len(request.events) if is_taken else 0
        if fault is Fault.CUT_AFTER:
            writer.transport.abort()
            return
        writer.write(_closing(answer))
        await writer.drain()
        if is_taken:
            self.acknowledged |= request.message_ids
        await self._notify()

    async def _notify(self) -> None:
        async with self._going_on:
            self._going_on.notify_all()

    async def _forward(self, first: str, lines: list[str], body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(self.upstream).port)
        kept = [line for line in lines if not line.lower().startswith("connection:")]
        writer.write("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
        try:
            return await reader.read()
        finally:
            writer.close()


def _closing(answer: bytes) -> bytes:
    # One request a connection: what a client keeps open cannot be cut without the client knowing why.
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"connection: close", b"", body])


def _refusal(fault: Fault, origin: str) -> bytes:
    """The gateway's own refusal, as it would render it."""
    error: TypedError = UnavailableError("the stream is away", retry_after_s=RETRY_AFTER_S)
    if fault is Fault.LIMITED:
        error = ExhaustedError("too many requests at once", retry_after_s=RETRY_AFTER_S)
    status, headers, body = problem(error)
    shared = [(b"access-control-allow-origin", origin.encode()), (b"access-control-expose-headers", b"Retry-After")]
    lines = [b"HTTP/1.1 %d -" % status]
    lines += [b"%s: %s" % header for header in (*headers, *(shared if origin else ()))]
    return _closing(b"\r\n".join([*lines, b"", body]))
