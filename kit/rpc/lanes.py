"""The server's end of pipes: one lane for each, calls side by side in it."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from kit.errors import ExhaustedError, InternalError, TypedError
from kit.rpc.frames import (
    FLOW,
    SERVICE,
    TICKET_BYTES,
    Answer,
    Call,
    Invitation,
    decode_calls,
    encode,
    first_message,
)
from kit.rpc.sockets import Socket
from kit.rpc.status import to_details

#: How long who connects may take to show a ticket.
_ENTRY_S = 5.0

#: Carries out one call from the request's bytes to the response's, or to the refusal.
Perform = Callable[[Call], Awaitable[bytes | TypedError]]


class Lanes:
    """All pipes into one server. `find` returns what carries out a method, None for an unknown one."""

    def __init__(
        self, find: Callable[[str], Perform | None], *, most_at_once: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._find = find
        self._most_at_once = most_at_once
        self._tls = tls
        self._lanes: set[_Lane] = set()
        self._invited: dict[bytes, _Lane] = {}
        self._listening: asyncio.Server | None = None

    async def listen(self, host: str) -> None:
        """Open a port for the sockets of pipes; until then, and without it, all goes through their streams."""
        self._listening = await asyncio.get_running_loop().create_server(self._entrance, host, 0, ssl=self._tls)

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handler of the pipe's own method."""
        flow: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(self._flow)
        return grpc.method_handlers_generic_handler(SERVICE, {FLOW: flow})

    def close(self) -> None:
        """Take no calls any more; each pipe ends with its last answer."""
        if self._listening is not None:
            self._listening.close()
        for lane in self._lanes:
            lane.close()

    async def _flow(self, messages: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
        lane = _Lane(self._find, self._most_at_once)
        self._lanes.add(lane)
        reading = asyncio.create_task(lane.read(messages))
        ticket = secrets.token_bytes(TICKET_BYTES)
        self._invited[ticket] = lane
        try:
            yield encode(self._invitation(ticket))
            while (message := await lane.next()) is not None:
                yield message
        finally:
            self._lanes.discard(lane)
            self._invited.pop(ticket, None)
            reading.cancel()
            await lane.abandon()
            await asyncio.gather(reading, return_exceptions=True)

    def _invitation(self, ticket: bytes) -> list[Answer]:
        if self._listening is None or not self._listening.sockets:
            return []
        port = self._listening.sockets[0].getsockname()[1]
        return [Answer(0, b"", encode(Invitation(port, ticket)))]

    def _entrance(self) -> Socket:
        def enter(message: bytes) -> None:
            lane = self._invited.pop(message, None)
            if lane is None:
                socket.abort()
                return
            patience.cancel()
            lane.connect(socket)

        socket = Socket(enter, lambda: patience.cancel())  # noqa: PLW0108 - it is made below
        patience = asyncio.get_running_loop().call_later(_ENTRY_S, socket.abort)
        return socket


class _Lane:
    def __init__(self, find: Callable[[str], Perform | None], most_at_once: int) -> None:
        self._find = find
        self._most_at_once = most_at_once
        self._running: dict[int, asyncio.Task[None]] = {}
        self._out: list[Answer] = []
        self._moved = asyncio.Event()
        self._is_closing = False
        self._socket: Socket | None = None

    def connect(self, socket: Socket) -> None:
        """Take calls from a socket, and answer all through it from now on."""
        socket.take, socket.lost = self._take_all, self._lose
        self._socket = socket

    async def read(self, messages: AsyncIterator[bytes]) -> None:
        try:
            async for message in messages:
                self._take_all(message)
        finally:
            self.close()

    async def next(self) -> bytes | None:
        """Return the next message; None after the last."""
        while not self._out:
            if self._is_closing and not self._running:
                return None
            await self._moved.wait()
            self._moved.clear()
        count = first_message(self._out)
        message, self._out[:count] = encode(self._out[:count]), []
        return message

    def close(self) -> None:
        self._is_closing = True
        self._moved.set()

    async def abandon(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    def _lose(self) -> None:
        # Whoever is at the other end cannot be answered any more, and hears it by the end of the stream.
        self._socket = None
        for task in self._running.values():
            task.cancel()
        self.close()

    def _take_all(self, message: bytes) -> None:
        for call in decode_calls(message):
            self._take(call)

    def _take(self, call: Call) -> None:
        if not call.method:
            task = self._running.get(call.number)
            if task is not None:
                task.cancel()
        elif self._is_closing:
            # Not answered: the caller hears that the pipe has ended, and asks again.
            return
        elif len(self._running) >= self._most_at_once:
            self._tell(call.number, ExhaustedError(retry_after_s=1))
        else:
            self._running[call.number] = asyncio.create_task(self._perform(call))

    async def _perform(self, call: Call) -> None:
        try:
            perform = self._find(call.method)
            self._tell(call.number, InternalError() if perform is None else await perform(call))
        finally:
            del self._running[call.number]
            if self._is_closing:
                self._moved.set()

    def _tell(self, number: int, result: bytes | TypedError) -> None:
        error, body = (to_details(result), b"") if isinstance(result, TypedError) else (b"", result)
        answer = Answer(number, error, body)
        if self._socket is not None:
            self._socket.put(answer)
            return
        self._out.append(answer)
        self._moved.set()
