"""The wire between a reader and its authority: one gRPC stream, in the messages of a contract like the consents'."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc

from kit.errors import TypedError, UnavailableError
from kit.fence.words import Applied, Asked, Change, Lease, Release, Said, Scope
from kit.rpc import from_rpc_error

_PARTING_S = 0.5


class Stream:
    """See kit.fence.Wire. `contract` is the module with the messages, of which kit knows none; `method` is the RPC."""

    def __init__(self, call: Any, contract: Any, method: str) -> None:
        self._call = call
        self._contract = contract
        self._request_type = getattr(contract, f"{method}Request")
        self._response_type = getattr(contract, f"{method}Response")
        self._writing = asyncio.Lock()
        self._reading: asyncio.Future[Any] | None = None

    async def ask(self, asked: Asked) -> None:
        """See Wire.ask."""
        request = self._request(asked)
        # gRPC takes one message at a time, and ends the call when it is given two.
        with _broken():
            async with self._writing:
                await self._call.write(request)

    async def receive(self) -> Said:
        """See Wire.receive."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
            self._reading.add_done_callback(_retrieve)
        # Not awaited itself: a read that is cancelled ends the call, and the lease could not be given back.
        await asyncio.wait([self._reading])
        reading, self._reading = self._reading, None
        if reading.cancelled():
            raise UnavailableError("the call was cancelled")
        with _broken():
            answer = reading.result()
        if not isinstance(answer, self._response_type):
            raise UnavailableError("the authority hung up")
        return _said(answer)

    async def release(self) -> None:
        """See Wire.release."""
        with suppress(TypedError, TimeoutError):
            async with asyncio.timeout(_PARTING_S):
                await self.ask(Release())
                await self._call.done_writing()
                # Until the other side has hung up, so has heard it: a call that is cancelled loses what was on its way.
                while True:
                    await self.receive()
        self._call.cancel()

    def _request(self, asked: Asked) -> Any:
        contract = self._contract
        match asked:
            case Applied(heads):
                told = (contract.Head(brand=brand, shard=shard, sequence=at) for (brand, shard), at in heads)
                return self._request_type(applied=contract.Applied(heads=told))
            case Release():
                return self._request_type(release=contract.Release())
            case _:
                return self._request_type(renewal=contract.Renewal())


def _said(answer: Any) -> Said:
    if answer.WhichOneof("said") == "lease":
        heads = ((Scope(head.brand, head.shard), head.sequence) for head in answer.lease.heads)
        return Lease(answer.lease.term_ms * 1_000_000, tuple(heads), answer.lease.epoch)
    return tuple(
        Change(Scope(each.brand, each.shard), each.after, each.sequence, tuple(each.pids))
        for each in answer.changes.changes
    )


def _retrieve(reading: asyncio.Future[Any]) -> None:
    if not reading.cancelled():
        reading.exception()


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    except asyncio.InvalidStateError as error:
        raise UnavailableError("the connection has ended") from error
