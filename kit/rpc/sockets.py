"""One end of the socket beside a pipe: whole messages of frames, each behind its length in four bytes."""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from kit.rpc.frames import MAX_ANSWER, MAX_MESSAGE, Answer, Call, encode, first_message

_LENGTH_BYTES = 4


class Socket(asyncio.Protocol):
    """Gives `take` each message that comes, and tells `lost` once that none will come any more.

    What is put in within one turn of the loop leaves together. Whoever sends what cannot be read is hung up on.
    """

    def __init__(self, take: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.take = take
        self.lost = lost
        self._transport: asyncio.Transport | None = None
        self._in = bytearray()
        self._out: list[Call | Answer] = []
        self._is_due = False
        self._is_paused = False

    def put(self, frame: Call | Answer) -> None:
        """Send a frame with the next message."""
        self._out.append(frame)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def show(self, ticket: bytes) -> None:
        """Send the ticket, before anything else."""
        self._write(ticket)

    def close(self) -> None:
        """Hang up behind what was put in."""
        self._is_paused = False
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # A cast, and no question: what uvloop makes is one in deed and not by birth.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.lost()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            if not self._in and _end(data) == len(data):
                # Nearly always one message comes, and nothing of another.
                self.take(data[_LENGTH_BYTES:])
                return
            self._in += data
            while (end := _end(self._in)) <= len(self._in):
                message = bytes(self._in[_LENGTH_BYTES:end])
                del self._in[:end]
                self.take(message)
        except (msgspec.DecodeError, ValueError):
            self.abort()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_paused = False
        self._flush()

    def _flush(self) -> None:
        self._is_due = False
        while self._out and not self._is_paused:
            count = first_message(self._out)
            message, self._out[:count] = encode(self._out[:count]), []
            self._write(message)

    def _write(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)


def _end(held: bytes | bytearray) -> int:
    """Return where the first message ends, or how much is needed to tell."""
    if len(held) < _LENGTH_BYTES:
        return _LENGTH_BYTES
    size = int.from_bytes(held[:_LENGTH_BYTES], "big")
    if size > MAX_MESSAGE + MAX_ANSWER:
        raise ValueError("longer than a message may be")
    return _LENGTH_BYTES + size
