"""The server side: health, reflection, and one interceptor that does what every RPC needs."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kit.errors import TypedError
from kit.rpc.frames import MAX_ANSWER
from kit.rpc.lanes import Lanes
from kit.rpc.methods import Methods
from kit.rpc.performing import observed
from kit.rpc.status import DETAILS_KEY, code_of, to_details
from kit.rpc.tenants import for_its_brand
from kit.settings import Settings

DEFAULT_DEADLINE_S = 5.0
_MAX_CONCURRENT = 2000
# add_XServicer_to_server of the generated code, the servicer, and the service's full name.
Service = tuple[Callable[[Any, Any], None], object, str]
_Behaviour = Callable[[Any, Any], Awaitable[Any]]
_Streaming = Callable[[Any, Any], AsyncIterator[Any]]
# The generic forms exist in the stubs alone.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True)
class RpcServer:
    """A gRPC server bound to its address. `address` names the real port when the settings asked for port 0."""

    server: grpc.aio.Server
    health: health.aio.HealthServicer
    address: str
    names: tuple[str, ...]
    lanes: Lanes

    @property
    def port(self) -> int:
        """The bound port."""
        return int(self.address.rpartition(":")[2])

    async def start(self) -> None:
        """Begin to answer and report every service as serving."""
        await self.lanes.listen(self.address.rpartition(":")[0].strip("[]"))
        await self.server.start()
        for name in ("", *self.names):
            await self.health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float | None = 5.0) -> None:
        """Report not serving, refuse new calls and give running ones `grace` seconds."""
        await self.health.enter_graceful_shutdown()
        self.lanes.close()
        await self.server.stop(grace)

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set."""
        await self.start()
        try:
            await stop.wait()
        finally:
            await self.stop()


def build_server(settings: Settings, services: Sequence[Service]) -> RpcServer:
    """Bind a server with these services, health and reflection to `settings.grpc_address`; it answers after start()."""
    server = grpc.aio.server(
        interceptors=[Guard()],
        maximum_concurrent_rpcs=_MAX_CONCURRENT,
        options=[
            # Otherwise two processes would share a port and each would get half of the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_ANSWER),
        ],
    )
    names = tuple(name for _, _, name in services)
    methods = Methods(server)
    for add, servicer, _ in services:
        add(servicer, methods)
    tls = None if settings.tls is None else settings.tls.server
    lanes = Lanes(methods.find, most_at_once=_MAX_CONCURRENT, tls=tls)
    server.add_generic_rpc_handlers((lanes.handler(),))
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = _bind(server, settings)
    host = settings.grpc_address.rpartition(":")[0]
    return RpcServer(server, healthy, f"{host}:{port}", names, lanes)


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    if settings.tls is None:
        return server.add_insecure_port(settings.grpc_address)
    return server.add_secure_port(settings.grpc_address, settings.tls.of_server())


class Guard(grpc.aio.ServerInterceptor):
    """Deadline, typed errors, trace, metric, and one log line for what nobody expected, around each unary RPC.

    Streams last as long as both sides live: of theirs only typed errors are answered.
    """

    def __init__(self) -> None:
        self._guarded: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Return the guarded handler of a method."""
        found = self._guarded.get(details.method)
        if found is not None:
            return found
        handler = await continuation(details)
        # An unknown method has no handler, and must not fill the table with names a caller invents.
        if handler is None:
            return None
        codec = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary is not None:
            guarded = grpc.unary_unary_rpc_method_handler(_guard(details.method, handler.unary_unary), **codec)
        elif inspect.isasyncgenfunction(handler.stream_stream):
            guarded = grpc.stream_stream_rpc_method_handler(_refusing(handler.stream_stream), **codec)
        else:
            return handler
        self._guarded[details.method] = guarded
        return guarded


def _guard(method: str, behaviour: _Behaviour) -> _Behaviour:
    run = observed(method, for_its_brand(behaviour))

    async def answer(request: Any, context: _Context) -> Any:
        # The stubs promise a number, but a call without deadline has none.
        left: float | None = context.time_remaining()
        trace = next((str(value) for key, value in context.invocation_metadata() or () if key == "traceparent"), "")
        result = await run(request, context, DEFAULT_DEADLINE_S if left is None else left, trace)
        if isinstance(result, TypedError):
            await context.abort(code_of(result), result.message, ((DETAILS_KEY, to_details(result)),))
        return result

    return answer


def _refusing(behaviour: _Streaming) -> _Streaming:
    async def answer(requests: Any, context: _Context) -> AsyncIterator[Any]:
        try:
            async for each in behaviour(requests, context):
                yield each
        except TypedError as refusal:
            error = refusal
        else:
            return
        await context.abort(code_of(error), error.message, ((DETAILS_KEY, to_details(error)),))

    return answer
