import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from structlog.testing import capture_logs

from kit.errors import (
    DeadlineError,
    ExhaustedError,
    InternalError,
    InvalidArgumentError,
    RemoteError,
    Status,
    TypedError,
    UnavailableError,
)
from kit.rpc import RpcServer, build_server, connect
from kit.settings import Settings

NAME = "echo.v1.EchoService"
METHOD = f"/{NAME}/Echo"
Behaviour = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]


class GoneError(TypedError):
    reason = "VISIT_GONE"
    status = Status.GONE


def as_is(message: bytes) -> bytes:
    return message


def add_echo(servicer: Behaviour, server: grpc.aio.Server) -> None:
    handler = grpc.unary_unary_rpc_method_handler(servicer, as_is, as_is)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {"Echo": handler}),))


def build(behaviour: Behaviour, address: str = "127.0.0.1:0") -> RpcServer:
    return build_server(Settings(grpc_address=address), [(add_echo, behaviour, NAME)])


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Behaviour], Awaitable[RpcServer]]]:
    started: list[RpcServer] = []

    async def start(behaviour: Behaviour) -> RpcServer:
        server = build(behaviour)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop(0)


async def call(server: RpcServer, request: bytes = b"x", **options: object) -> bytes:
    async with connect(server.address) as channel:
        return await channel.unary_unary(METHOD)(request, **options)


def raising(error: Exception) -> Behaviour:
    async def behaviour(_request, _context):
        raise error

    return behaviour


async def never(_request, _context):
    await asyncio.Event().wait()


async def echo(request, _context):
    return request


class TestTypedErrors:
    async def test_every_field_of_an_error_crosses(self, serve):
        server = await serve(raising(GoneError("it is over", field="visit", limit="1 hour", retry_after_s=7)))
        with pytest.raises(RemoteError) as caught:
            await call(server)
        error = caught.value
        assert (error.reason, error.status, error.message) == ("VISIT_GONE", Status.GONE, "it is over")
        assert (error.field, error.limit, error.retry_after_s) == ("visit", "1 hour", 7)

    @pytest.mark.parametrize("status", list(Status))
    async def test_every_status_crosses(self, serve, status):
        error = TypedError()
        error.status = status
        with pytest.raises(RemoteError) as caught:
            await call(await serve(raising(error)))
        assert caught.value.status is status

    async def test_a_foreign_client_reads_the_standard_details(self, serve):
        server = await serve(raising(InvalidArgumentError(field="purpose", retry_after_s=2)))
        async with grpc.aio.insecure_channel(server.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(METHOD)(b"")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
        info, bad, retry = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
        )
        assert [p.Unpack(m) for p, m in zip(status.details, (info, bad, retry), strict=True)] == [True] * 3
        assert (info.reason, info.domain) == ("INVALID_ARGUMENT", "maskenball")
        assert bad.field_violations[0].field == "purpose"
        assert retry.retry_delay.seconds == 2

    async def test_an_error_received_may_be_passed_on(self, serve):
        inner = await serve(raising(ExhaustedError(retry_after_s=3)))

        async def outer(request, _context):
            return await call(inner, request)

        with pytest.raises(RemoteError) as caught:
            await call(await serve(outer))
        assert (caught.value.reason, caught.value.retry_after_s) == ("EXHAUSTED", 3)

    async def test_an_untyped_status_becomes_the_general_error(self, serve):
        async def behaviour(_request, context):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "")

        with pytest.raises(ExhaustedError):
            await call(await serve(behaviour))


class TestUnexpectedErrors:
    async def test_text_of_a_defect_reaches_neither_caller_nor_log(self, serve):
        server = await serve(raising(KeyError("anna@example.org")))
        with capture_logs() as lines, pytest.raises(RemoteError) as caught:
            await call(server)
        assert (caught.value.status, caught.value.message) == (Status.INTERNAL, "")
        assert [line["event"] for line in lines] == ["rpc.failed"]

    async def test_expected_refusals_are_not_logged(self, serve):
        with capture_logs() as lines, pytest.raises(RemoteError):
            await call(await serve(raising(InvalidArgumentError())))
        assert lines == []

    async def test_a_time_out_of_something_else_is_a_defect(self, serve):
        with capture_logs(), pytest.raises(RemoteError) as caught:
            await call(await serve(raising(TimeoutError())))
        assert caught.value.status is Status.INTERNAL

    async def test_an_unknown_method_is_a_defect_of_the_caller(self, serve):
        server = await serve(echo)
        async with connect(server.address) as channel:
            with pytest.raises(InternalError):
                await channel.unary_unary(f"/{NAME}/Nothing")(b"")


class TestDeadlines:
    async def test_a_call_ends_in_time(self, serve):
        server = await serve(never)
        with pytest.raises(TypedError) as caught:
            await call(server, timeout=0.05)
        assert caught.value.status is Status.DEADLINE

    async def test_a_call_without_deadline_gets_one(self, serve, monkeypatch):
        monkeypatch.setattr("kit.rpc.server.DEFAULT_DEADLINE_S", 0.05)
        server = await serve(never)
        async with grpc.aio.insecure_channel(server.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(METHOD)(b"")
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    async def test_a_call_on_behalf_of_another_ends_no_later(self, serve):
        inner = await serve(never)
        seen = asyncio.get_running_loop().create_future()

        async def outer(request, _context):
            try:
                return await call(inner, request, timeout=60)
            except TypedError as error:
                seen.set_result(error.status)
                raise

        with pytest.raises(TypedError):
            await call(await serve(outer), timeout=0.2)
        # Either the inner call ended by itself, or the outer was cancelled in the same moment.
        if seen.done():
            assert seen.result() is Status.DEADLINE

    async def test_work_that_outlives_its_call_keeps_its_own_deadline(self, serve):
        slow = asyncio.Event()

        async def waiting(request, _context):
            await slow.wait()
            return request

        inner, tasks = await serve(waiting), []

        async def outer(request, _context):
            tasks.append(asyncio.create_task(call(inner, b"later", timeout=30)))
            return request

        await call(await serve(outer), timeout=0.3)
        await asyncio.sleep(0.4)
        slow.set()
        assert await tasks[0] == b"later"


class TestStartingInAnyOrder:
    async def test_a_call_waits_for_a_server_that_is_not_there_yet(self):
        port = free_port()
        async with connect(f"127.0.0.1:{port}") as channel:
            answer = asyncio.create_task(channel.unary_unary(METHOD)(b"early"))
            await asyncio.sleep(0.1)
            server = build(echo, f"127.0.0.1:{port}")
            await server.start()
            assert await answer == b"early"
            await server.stop(0)

    async def test_nobody_there_ends_in_time(self):
        async with connect(f"127.0.0.1:{free_port()}") as channel:
            with pytest.raises(TypedError) as caught:
                await channel.unary_unary(METHOD)(b"", timeout=0.1)
        assert caught.value.status in (Status.DEADLINE, Status.UNAVAILABLE)

    async def test_a_broken_connection_is_tried_once_more(self, serve):
        calls = []

        async def behaviour(request, context):
            calls.append(request)
            if len(calls) == 1:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "")
            return request

        assert await call(await serve(behaviour)) == b"x"
        assert len(calls) == 2

    async def test_a_typed_unavailable_is_not_tried_again(self, serve):
        calls = []

        async def behaviour(request, _context):
            calls.append(request)
            raise UnavailableError(retry_after_s=1)

        with pytest.raises(RemoteError):
            await call(await serve(behaviour))
        assert len(calls) == 1

    async def test_two_servers_cannot_share_a_port(self, serve):
        server = await serve(echo)
        with pytest.raises(RuntimeError):
            build(echo, server.address)


class TestHealthAndReflection:
    async def test_a_started_service_serves(self, serve):
        server = await serve(echo)
        async with grpc.aio.insecure_channel(server.address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=NAME))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING

    async def test_services_are_listed(self, serve):
        server = await serve(echo)
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            request = reflection_pb2.ServerReflectionRequest(list_services="")
            async for answer in stub.ServerReflectionInfo(iter([request])):
                listed = [service.name for service in answer.list_services_response.service]
                break
        assert NAME in listed


class TestDeadlineError:
    def test_is_what_a_spent_deadline_raises(self):
        assert DeadlineError().status is Status.DEADLINE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
