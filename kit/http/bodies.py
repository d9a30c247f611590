"""Request bodies, un-gzipped within bounds: neither a long body nor a small one that inflates takes memory."""

import zlib

from kit.errors import Status, TooLargeError, TypedError
from kit.http.types import RawHeaders, Receive

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PLAIN = (b"", b"identity")
_GZIP = (b"gzip", b"x-gzip")
# Clients send one. Each costs an inflater of its own and a copy of what follows it, however little it holds.
_MOST_MEMBERS = 64
# As many as 2⁶³ has; Python refuses to read thousands.
_MOST_DIGITS = 19


class BadEncodingError(TypedError):
    """The body is not what its Content-Encoding or Content-Length says."""

    reason = "BAD_ENCODING"
    status = Status.INVALID


class DisconnectedError(TypedError):
    """The caller went away before the body was complete; nobody reads the answer."""

    reason = "DISCONNECTED"
    status = Status.INVALID


async def read_body(receive: Receive, headers: RawHeaders, *, max_bytes: int) -> bytes:
    """Read one request body of at most `max_bytes`, also after un-gzipping.

    Raises TooLargeError as soon as the bound is passed, BadEncodingError for an unknown coding or a broken one.
    """
    declared, coding = _declared(headers)
    if coding in _PLAIN:
        if declared > max_bytes:
            raise _too_large(max_bytes)
        return await _read_plain(receive, max_bytes)
    if coding in _GZIP:
        if declared > _packed(max_bytes):
            raise _too_large(max_bytes)
        return await _read_gzip(receive, max_bytes)
    raise BadEncodingError("Content-Encoding must be gzip or absent", field="content-encoding")


def _packed(max_bytes: int) -> int:
    # What gzip cannot shorten it lengthens, by less than this.
    return max_bytes + max_bytes // 1000 + 64


async def _read_plain(receive: Receive, max_bytes: int) -> bytes:
    first, more = await _chunk(receive)
    if not more and len(first) <= max_bytes:
        return first
    parts, size = [first], len(first)
    while more and size <= max_bytes:
        part, more = await _chunk(receive)
        parts.append(part)
        size += len(part)
    if size > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(parts)


async def _read_gzip(receive: Receive, max_bytes: int) -> bytes:
    members = _Members(max_bytes)
    more, sent = True, 0
    while more:
        part, more = await _chunk(receive)
        sent += len(part)
        if sent > _packed(max_bytes):
            raise _too_large(max_bytes)
        members.feed(part)
    return members.result()


class _Members:
    """Inflates the members of a gzip stream one after another, never past the bound."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._out = bytearray()
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._inside = True
        self._ended = 0

    def feed(self, part: bytes) -> None:
        while part:
            self._inside = True
            # One byte over the bound is enough to know, and is all that is ever inflated.
            room = self._max_bytes + 1 - len(self._out)
            try:
                self._out += self._inflater.decompress(part, room)
            except zlib.error as error:
                raise BadEncodingError("the body is not gzip", field="content-encoding") from error
            if len(self._out) > self._max_bytes:
                raise _too_large(self._max_bytes)
            part = b""
            if self._inflater.eof:
                part = self._inflater.unused_data
                self._count()
                self._inflater = zlib.decompressobj(_GZIP_WINDOW)
                self._inside = False

    def _count(self) -> None:
        self._ended += 1
        if self._ended > _MOST_MEMBERS:
            limit = f"{_MOST_MEMBERS} members"
            raise BadEncodingError("the gzip body has too many members", field="content-encoding", limit=limit)

    def result(self) -> bytes:
        if self._inside:
            raise BadEncodingError("the gzip body ends early", field="content-encoding")
        return bytes(self._out)


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    return message.get("body", b""), message.get("more_body", False)


def _declared(headers: RawHeaders) -> tuple[int, bytes]:
    length, coding = 0, b""
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit() or len(value) > _MOST_DIGITS:
                raise BadEncodingError("Content-Length must be a number", field="content-length")
            length = int(value)
        elif name == b"content-encoding":
            coding = value.strip().lower()
    return length, coding


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError("the body is too large", limit=f"{max_bytes} bytes")
