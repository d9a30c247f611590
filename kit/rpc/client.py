"""The client side: calls end in time, wait for a server that is still starting, and raise typed errors."""

import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Self

import grpc
from grpc.aio import Channel, Metadata, UnaryUnaryMultiCallable
from opentelemetry.trace import SpanKind
from prometheus_client import Histogram

from kit.errors import DeadlineError, InternalError, TypedError
from kit.rpc.deadline import remaining
from kit.rpc.frames import MAX_ANSWER, MAX_BODY
from kit.rpc.pipe import Pipe, PipeBrokenError
from kit.rpc.status import from_details, from_rpc_error, is_typed
from kit.telemetry import inject, span
from kit.tls import Tls

DEFAULT_DEADLINE_S = 2.0
_SECONDS = Histogram(
    "rpc_client_seconds",
    "Time until an RPC is answered, its repetition included",
    ("method", "status"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_seconds = cache(_SECONDS.labels)

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_ANSWER),
    # A server that restarts is back within a second; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

Codec = Callable[[Any], Any]


def connect(target: str, tls: Tls | None = None) -> Channel:
    """Return a channel to "host:port" for generated async stubs; it connects with the first call.

    A call without timeout ends after 2 s, and never later than the RPC on whose behalf it is made. It waits that long
    for a server that is not there yet. When the connection breaks it is repeated once, so RPCs must bear repetition.
    Raises RemoteError for what the server refused, else UnavailableError, DeadlineError or InternalError.
    """
    host = target.rpartition(":")[0].strip("[]")
    if tls is None:
        return TypedChannel(grpc.aio.insecure_channel(target, options=_OPTIONS), host)
    return TypedChannel(grpc.aio.secure_channel(target, tls.of_channel(), options=_OPTIONS), host, tls.client)


class TypedChannel(Channel):
    """A channel that dresses unary calls itself: library interceptors cost a task each."""

    def __init__(self, channel: Channel, host: str, tls: ssl.SSLContext | None = None) -> None:
        self._channel = channel
        self._pipe = Pipe(channel, host, tls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await self._pipe.close()
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - overrides
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def unary_unary(
        self,
        method: str,
        request_serializer: Codec | None = None,
        response_deserializer: Codec | None = None,
        **options: Any,
    ) -> "TypedCall":
        call = self._channel.unary_unary(method, request_serializer, response_deserializer, **options)
        piped = PipedCall(self._pipe, method, request_serializer or bytes, response_deserializer or bytes)
        return TypedCall(method, call, piped)

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._channel.unary_stream(*arguments, **options)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._channel.stream_unary(*arguments, **options)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._channel.stream_stream(*arguments, **options)


class PipedCall:
    """One method of a stub through the pipe."""

    def __init__(self, pipe: Pipe, method: str, encode: Codec, decode: Codec) -> None:
        self._pipe = pipe
        self._method = method
        self._encode = encode
        self._decode = decode

    async def attempt(self, request: Any, left_s: float, trace: str) -> Any:
        """Return the response; None where a call of its own has to be made: no pipe, a broken one, or much to carry."""
        if not self._pipe.is_open():
            return None
        body = self._encode(request)
        if len(body) > MAX_BODY:
            return None
        try:
            answer = await self._pipe.call(self._method, body, left_s, trace)
        except PipeBrokenError:
            return None
        if answer.error:
            raise from_details(answer.error) or InternalError
        return self._decode(answer.body)


class TypedCall(UnaryUnaryMultiCallable[Any, Any]):
    """One method of a stub."""

    def __init__(self, method: str, call: UnaryUnaryMultiCallable[Any, Any], piped: PipedCall) -> None:
        self._name = method.lstrip("/")
        self._call = call
        self._piped = piped

    async def __call__(  # type: ignore[override]
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature generated stubs call
        metadata: Sequence[tuple[str, str | bytes]] | Metadata | None = None,
        **_: object,
    ) -> Any:
        started = time.perf_counter()
        outcome = "CANCELLED"
        try:
            with span(self._name, kind=SpanKind.CLIENT):
                answer = await self._within(remaining(timeout or DEFAULT_DEADLINE_S), request, metadata)
            outcome = "OK"
        except TypedError as error:
            outcome = error.reason
            raise
        finally:
            _seconds(self._name, outcome).observe(time.perf_counter() - started)
        return answer

    async def _within(self, seconds: float, request: Any, metadata: Any) -> Any:
        headers: dict[str, str] = {}
        inject(headers)
        end = time.monotonic() + seconds
        if not metadata and seconds > 0:
            answer = await self._piped.attempt(request, seconds, headers.get("traceparent", ""))
            if answer is not None:
                return answer
        sent = (*(metadata or ()), *headers.items())
        try:
            return await self._once(end, request, sent)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or is_typed(error):
                raise from_rpc_error(error) from error
        try:
            return await self._once(end, request, sent)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def _once(self, end: float, request: Any, metadata: Any) -> Any:
        left = end - time.monotonic()
        if left <= 0:
            raise DeadlineError
        return await self._call(request, timeout=left, metadata=metadata, wait_for_ready=True)
