"""The server's end of pipes: one lane for each, calls side by side in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from kit.errors import ExhaustedError, InternalError, TypedError
from kit.rpc.frames import FLOW, SERVICE, Answer, Call, decode_calls, encode, first_message
from kit.rpc.status import to_details

#: Carries out one call from the request's bytes to the response's, or to the refusal.
Perform = Callable[[Call], Awaitable[bytes | TypedError]]


class Lanes:
    """All pipes into one server. `find` returns what carries out a method, None for an unknown one."""

    def __init__(self, find: Callable[[str], Perform | None], *, most_at_once: int) -> None:
        self._find = find
        self._most_at_once = most_at_once
        self._lanes: set[_Lane] = set()

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handler of the pipe's own method."""
        flow: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(self._flow)
        return grpc.method_handlers_generic_handler(SERVICE, {FLOW: flow})

    def close(self) -> None:
        """Take no calls any more; each pipe ends with its last answer."""
        for lane in self._lanes:
            lane.close()

    async def _flow(self, messages: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
        lane = _Lane(self._find, self._most_at_once)
        self._lanes.add(lane)
        reading = asyncio.create_task(lane.read(messages))
        try:
            yield encode([])
            while (message := await lane.next()) is not None:
                yield message
        finally:
            self._lanes.discard(lane)
            reading.cancel()
            await lane.abandon()
            await asyncio.gather(reading, return_exceptions=True)


class _Lane:
    def __init__(self, find: Callable[[str], Perform | None], most_at_once: int) -> None:
        self._find = find
        self._most_at_once = most_at_once
        self._running: dict[int, asyncio.Task[None]] = {}
        self._out: list[Answer] = []
        self._moved = asyncio.Event()
        self._is_closing = False

    async def read(self, messages: AsyncIterator[bytes]) -> None:
        try:
            async for message in messages:
                for call in decode_calls(message):
                    self._take(call)
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
            self._moved.set()

    def _tell(self, number: int, result: bytes | TypedError) -> None:
        if isinstance(result, TypedError):
            self._out.append(Answer(number, to_details(result), b""))
        else:
            self._out.append(Answer(number, b"", result))
        self._moved.set()
