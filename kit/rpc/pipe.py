"""The client's end of a pipe."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import msgspec

from kit.cancelling import raise_if_cancelled, rest
from kit.errors import DeadlineError, UnavailableError
from kit.rpc.frames import (
    FLOW,
    SERVICE,
    Answer,
    Call,
    decode_answers,
    decode_invitation,
    encode,
    first_message,
)
from kit.rpc.sockets import Socket

_PAUSE_S = 0.2
# For the socket: to connect, and to end behind the stream that it belongs to.
_SOCKET_S = 1.0
# A server that knows no pipes is asked again after it may have been replaced.
_LONG_PAUSE_S = 30.0


class PipeBrokenError(UnavailableError):
    """The pipe ended before the answer came; whether the call was carried out is unknown."""


class Pipe:
    """Carries calls to one server while it is open; opens itself in the background when it is missed.

    `host` is where the server's socket is looked for.
    """

    def __init__(self, channel: grpc.aio.Channel, host: str, tls: ssl.SSLContext | None = None) -> None:
        self._open: Callable[[], Any] = channel.stream_stream(f"/{SERVICE}/{FLOW}")
        self._host = host
        self._tls = tls
        self._socket: Socket | None = None
        self._socket_ended = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._is_open = False
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._out: list[Call] = []
        self._filled = asyncio.Event()

    def is_open(self) -> bool:
        """Tell whether calls can be put in; begin to open it when not."""
        if not self._is_open and (self._running is None or self._running.done()):
            loop = asyncio.get_running_loop()
            if loop.time() >= self._not_before:
                self._running = loop.create_task(self._run())
        return self._is_open

    async def call(self, method: str, body: bytes, left_s: float, trace: str) -> Answer:
        """Return the answer; raises DeadlineError after `left_s`, PipeBrokenError when the pipe breaks."""
        self._number = number = self._number + 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting[number] = answer
        self._put(Call(number, method, left_s, trace, body))
        timer = loop.call_later(left_s, _expire, answer)
        try:
            return await answer
        except (asyncio.CancelledError, DeadlineError):
            self._put(Call(number, "", 0, "", b""))
            raise
        finally:
            timer.cancel()
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End the pipe and what is in it."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _put(self, call: Call) -> None:
        if self._socket is not None:
            self._socket.put(call)
            return
        self._out.append(call)
        self._filled.set()

    async def _run(self) -> None:
        pause_s = _PAUSE_S
        stream = self._open()
        writing = asyncio.create_task(self._write(stream))
        try:
            while (message := await stream.read()) is not grpc.aio.EOF:
                raise_if_cancelled()
                if not self._is_open:
                    await self._begin(stream, message)
                self._take(message)
            await self._await_socket()
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                pause_s = _LONG_PAUSE_S
        except msgspec.DecodeError:
            pause_s = _LONG_PAUSE_S
        finally:
            self._break(pause_s)
            stream.cancel()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _begin(self, stream: Any, message: bytes) -> None:
        invited = next((frame.body for frame in decode_answers(message) if not frame.number), None)
        if invited is not None:
            # Elsewhere the stream alone may get through: it does as well.
            with suppress(OSError, TimeoutError):
                await self._connect(stream, invited)
        self._is_open = True

    async def _connect(self, stream: Any, invited: bytes) -> None:
        invitation = decode_invitation(invited)
        self._socket_ended.clear()

        def lose() -> None:
            self._socket_ended.set()
            # What was asked through it will not be answered: the stream ends, and with it the pipe.
            stream.cancel()

        def create() -> Socket:
            return Socket(self._take, lose)

        async with asyncio.timeout(_SOCKET_S):
            loop = asyncio.get_running_loop()
            _, self._socket = await loop.create_connection(create, self._host, invitation.port, ssl=self._tls)
        self._socket.show(invitation.ticket)

    async def _await_socket(self) -> None:
        """Let the last answers in: they may still be on their way when the stream has ended."""
        if self._socket is not None:
            await rest(self._socket_ended, _SOCKET_S)

    def _break(self, pause_s: float) -> None:
        self._is_open = False
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.abort()
        self._not_before = asyncio.get_running_loop().time() + pause_s
        self._out.clear()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(PipeBrokenError())

    def _take(self, message: bytes) -> None:
        for frame in decode_answers(message):
            answer = self._waiting.get(frame.number)
            if answer is not None and not answer.done():
                answer.set_result(frame)

    async def _write(self, stream: Any) -> None:
        # Whoever reads notices that the stream is broken, and why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                raise_if_cancelled()
                await self._filled.wait()
                self._filled.clear()
                while self._out:
                    count = first_message(self._out)
                    message, self._out[:count] = encode(self._out[:count]), []
                    await stream.write(message)


def _expire(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineError())
