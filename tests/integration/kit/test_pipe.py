import asyncio
import socket
from contextlib import suppress

import grpc
import pytest
from opentelemetry.trace import get_current_span

from kit.errors import DeadlineError, InternalError, InvalidArgumentError, RemoteError, Status, TypedError
from kit.rpc import build_server, connect
from kit.rpc.frames import (
    FLOW,
    MAX_BODY,
    SERVICE,
    TICKET_BYTES,
    Answer,
    Call,
    decode_answers,
    decode_invitation,
    encode,
)
from kit.settings import Settings
from kit.telemetry import extract, span

NAME = "echo.v1.EchoService"
METHOD = f"/{NAME}/Echo"
TRACE = 0xFEED


class Echo:
    """Answers what it is asked, and notes how it was asked: with a context, or through a pipe."""

    def __init__(self):
        self.piped = []
        self.traces = []
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, request, context):
        self.piped.append(context is None)
        self.traces.append(get_current_span().get_span_context().trace_id)
        match request:
            case b"refuse":
                raise InvalidArgumentError("too long", field="name", limit="3", retry_after_s=2)
            case b"fail":
                raise KeyError(request)
            case b"wait":
                self.started.set()
                try:
                    await self.go_on.wait()
                finally:
                    self.ended.set()
        return request


def serve(echo, address="127.0.0.1:0"):
    def add(servicer, server):
        handler = grpc.unary_unary_rpc_method_handler(servicer.__call__)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {"Echo": handler}),))

    return build_server(Settings(grpc_address=address), [(add, echo, NAME)])


async def opened(channel, echo):
    """Call until the pipe is open: it opens in the background of the first call."""
    call = channel.unary_unary(METHOD)
    while not any(echo.piped):
        await call(b"x")
    return call


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
async def server(echo):
    server = serve(echo)
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def call(server, echo):
    async with connect(server.address) as channel:
        yield await opened(channel, echo)


class TestPipe:
    async def test_many_at_once_are_each_answered_with_their_own(self, call, echo):
        asked = [str(number).encode() for number in range(2_000)]
        assert await asyncio.gather(*(call(each, timeout=30) for each in asked)) == asked
        assert all(echo.piped[-2_000:])

    async def test_a_refusal_crosses_whole(self, call, echo):
        with pytest.raises(RemoteError) as caught:
            await call(b"refuse")
        error = caught.value
        assert (error.reason, error.message, error.field, error.limit) == ("INVALID_ARGUMENT", "too long", "name", "3")
        assert (error.status, error.retry_after_s, echo.piped[-1]) == (Status.INVALID, 2, True)

    async def test_a_defect_is_told_without_its_text(self, call):
        with pytest.raises(RemoteError) as caught:
            await call(b"fail")
        assert (caught.value.status, caught.value.message) == (Status.INTERNAL, "")

    async def test_an_unknown_method_is_a_defect_of_the_caller(self, server, echo):
        async with connect(server.address) as channel:
            await opened(channel, echo)
            with pytest.raises((InternalError, RemoteError)) as caught:
                await channel.unary_unary(f"/{NAME}/Nothing")(b"")
        assert caught.value.status is Status.INTERNAL

    async def test_a_call_ends_in_time_and_its_work_with_it(self, call, echo):
        with pytest.raises(TypedError) as caught:
            await call(b"wait", timeout=0.05)
        assert caught.value.status is DeadlineError.status
        await echo.ended.wait()

    async def test_a_cancelled_call_is_cancelled_over_there(self, call, echo):
        waiting = asyncio.create_task(call(b"wait"))
        await echo.started.wait()
        waiting.cancel()
        await echo.ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_a_large_request_goes_by_a_call_of_its_own(self, call, echo):
        large = bytes(MAX_BODY + 1)
        assert await call(large) == large
        assert not echo.piped[-1]

    async def test_answers_too_many_for_one_message_all_arrive(self, call):
        asked = [bytes([number]) * MAX_BODY for number in range(20)]
        assert await asyncio.gather(*map(call, asked)) == asked

    async def test_a_trace_goes_on(self, call, echo):
        with span("outer", parent=extract({"traceparent": f"00-{TRACE:032x}-{7:016x}-01"})):
            await call(b"x")
        assert (echo.piped[-1], echo.traces[-1]) == (True, TRACE)


class TestStoppingAndBreaking:
    async def test_a_server_that_stops_answers_what_it_has_begun(self, server, call, echo):
        waiting = asyncio.create_task(call(b"wait"))
        await echo.started.wait()
        stopping = asyncio.create_task(server.stop(30))
        echo.go_on.set()
        assert await waiting == b"wait"
        async with asyncio.timeout(5):
            await stopping

    async def test_an_idle_pipe_does_not_hold_up_a_stop(self, server, call):
        async with asyncio.timeout(5):
            await server.stop(30)

    async def test_a_call_in_a_pipe_that_breaks_is_made_again(self, echo):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        server = serve(echo, address)
        await server.start()
        async with connect(address) as channel:
            call = await opened(channel, echo)
            waiting = asyncio.create_task(call(b"wait", timeout=10))
            await echo.started.wait()
            await server.stop(0)
            again = serve(echo, address)
            echo.go_on.set()
            await again.start()
            assert await waiting == b"wait"
            await again.stop(0)

    async def test_a_server_without_pipes_is_called_as_ever(self):
        async def answer(request, _context):
            return request

        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(answer)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {"Echo": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with connect(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(METHOD)
            assert [await call(b"x") for _ in range(5)] == [b"x"] * 5
        await server.stop(0)


@pytest.fixture
async def shown(server):
    """A pipe's stream, and what the server said first in it."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = channel.stream_stream(f"/{SERVICE}/{FLOW}")()
        [first] = decode_answers(await stream.read())
        yield stream, decode_invitation(first.body)
        stream.cancel()


async def enter(invitation, *messages):
    reader, writer = await asyncio.open_connection("127.0.0.1", invitation.port)
    for message in messages:
        writer.write(len(message).to_bytes(4, "big") + message)
    return reader, writer


async def hears_nothing(reader, writer):
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()


class TestSocket:
    async def test_who_shows_the_ticket_is_answered_there(self, shown):
        _, invitation = shown
        reader, writer = await enter(invitation, invitation.ticket, encode([Call(1, METHOD, 5.0, "", b"x")]))
        size = int.from_bytes(await reader.readexactly(4), "big")
        assert decode_answers(await reader.readexactly(size)) == [Answer(1, b"", b"x")]
        writer.close()

    async def test_a_ticket_is_good_once_and_a_made_up_one_never(self, shown):
        _, invitation = shown
        used = await enter(invitation, invitation.ticket, encode([Call(1, METHOD, 5.0, "", b"x")]))
        await used[0].readexactly(4)
        await hears_nothing(*await enter(invitation, invitation.ticket))
        await hears_nothing(*await enter(invitation, bytes(TICKET_BYTES)))
        used[1].close()

    @pytest.mark.parametrize("rubbish", [b"\xff" * 8, b"\0\0\0\1\xc1"], ids=["too long", "no frames"])
    async def test_who_sends_what_cannot_be_read_is_hung_up_on(self, shown, rubbish):
        _, invitation = shown
        reader, writer = await enter(invitation, invitation.ticket)
        writer.write(rubbish)
        await hears_nothing(reader, writer)

    async def test_where_a_socket_breaks_the_pipe_does_and_its_work_ends(self, shown, echo):
        stream, invitation = shown
        _, writer = await enter(invitation, invitation.ticket, encode([Call(1, METHOD, 5.0, "", b"wait")]))
        await echo.started.wait()
        writer.close()
        await echo.ended.wait()
        assert await stream.read() is grpc.aio.EOF

    async def test_without_one_the_stream_carries_the_calls(self, echo):
        server = serve(echo)
        # Not by its own start, which opens a port.
        await server.server.start()
        async with connect(server.address) as channel:
            call = await opened(channel, echo)
            assert await call(b"y") == b"y"
            assert echo.piped[-1]
        await server.stop(0)
