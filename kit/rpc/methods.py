"""The methods that services have added to a server, for callers that come through a pipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from kit.rpc.frames import Call
from kit.rpc.lanes import Perform
from kit.rpc.performing import observed
from kit.rpc.tenants import for_its_brand


class Methods:
    """Stands before a server while services are added to it, and notes their handlers."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._found: dict[str, Perform] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._handlers += handlers
        self._server.add_generic_rpc_handlers(tuple(handlers))

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self._server.add_registered_method_handlers(service, handlers)

    def find(self, method: str) -> Perform | None:
        """Return what carries out a unary method; None for an unknown one."""
        if method not in self._found:
            handlers = (each.service(_Details(method)) for each in self._handlers)
            handler = next((each for each in handlers if each is not None), None)
            if handler is None or handler.unary_unary is None:
                return None
            self._found[method] = _performing(method, handler)
        return self._found[method]


@dataclass
class _Details:
    method: str
    invocation_metadata: tuple[Any, ...] = ()


def _performing(method: str, handler: Any) -> Perform:
    decode = handler.request_deserializer or bytes
    encode = handler.response_serializer or bytes
    perform_it = for_its_brand(handler.unary_unary)

    async def behave(body: bytes, context: None) -> Any:
        # Behaviours of ours refuse by raising: what a context is for, they have by other ways.
        return encode(await perform_it(decode(body), context))

    run = observed(method, behave)

    async def perform(call: Call) -> Any:
        return await run(call.body, None, call.left_s, call.trace)

    return perform
