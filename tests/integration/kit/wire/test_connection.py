"""HTTP/1.1 as it comes over a wire, byte by byte if need be."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from kit.http import connection, read_body, serve
from kit.http.bodies import DisconnectedError

CLOSED = b""
HELLO = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n"


class Door:
    """Answers with what it was asked; /slow waits until it is let go, /parts answers in parts, /refused at once."""

    def __init__(self) -> None:
        self.asked = []
        self.released = asyncio.Event()
        self.disconnected = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        self.asked.append((scope["method"], scope["path"], scope["query_string"]))
        if scope["path"] == "/refused":
            return await self._answer(send, b"no")
        try:
            body = await read_body(receive, scope["headers"], max_bytes=1_000_000)
        except DisconnectedError:
            self.disconnected.set()
            raise
        if scope["path"] == "/slow":
            await self.released.wait()
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise KeyError
        if scope["path"] == "/parts":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for part in (b"one", b"", b"two"):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            return await send({"type": "http.response.body"})
        return await self._answer(send, body or scope["path"].encode())

    async def _answer(self, send, body) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def door():
    return Door()


@asynccontextmanager
async def serving(door, **bounds):
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(door, "127.0.0.1:0", stop, started=started.set_result, **bounds))
    host, _, port = (await started).rpartition(":")
    writers = []

    async def call():
        reader, writer = await asyncio.open_connection(host, int(port))
        writers.append(writer)
        return reader, writer

    yield call
    stop.set()
    await task
    for writer in writers:
        writer.close()


@pytest.fixture
async def call(door):
    async with serving(door) as call:
        yield call


@pytest.fixture
async def line(call):
    return await call()


async def answer_to(line, *parts):
    """Return status, headers and body; parts are sent one by one, each with a turn of the loop."""
    reader, writer = line
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    return await answer(reader)


async def answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(each.lower().split(": ", 1) for each in head[1:-2])
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), headers, body


class TestReading:
    async def test_a_request_in_single_bytes(self, line):
        request = b"POST /here%20%C3%A4?a=b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
        status, _, body = await answer_to(line, *(bytes([byte]) for byte in request))
        assert (status, body) == (200, b"hello")

    async def test_paths_are_unquoted_and_queries_are_not(self, door, line):
        await answer_to(line, b"GET /here%20%C3%A4?a=%20b HTTP/1.1\r\n\r\n")
        assert door.asked == [("GET", "/here ä", b"a=%20b")]

    async def test_an_absolute_target_is_its_path(self, door, line):
        await answer_to(line, b"GET http://elsewhere/there?a HTTP/1.1\r\nhost: x\r\n\r\n")
        assert door.asked == [("GET", "/there", b"a")]

    async def test_a_body_in_chunks(self, line):
        chunks = (b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n")
        _, _, body = await answer_to(line, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)
        assert body == b"hello"

    async def test_a_body_is_asked_for_where_the_caller_waits_for_that(self, line):
        reader, writer = line
        writer.write(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await answer_to(line, b"hello"))[2] == b"hello"

    async def test_requests_that_come_together_are_answered_in_order(self, line):
        reader, writer = line
        writer.write(b"".join(b"POST /%d HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d" % (each, each) for each in range(9)))
        assert [(await answer(reader))[2] for _ in range(9)] == [b"%d" % each for each in range(9)]

    async def test_who_waits_for_another_is_read_to_the_end(self, door, line):
        reader, writer = line
        writer.write(b"GET /slow HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
        while not door.asked:
            await asyncio.sleep(0)
        door.released.set()
        writer.write(200_000 * b"x")
        assert [len((await answer(reader))[2]) for _ in range(2)] == [5, 200_000]

    async def test_an_offer_of_another_protocol_is_declined(self, door, line):
        offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        request = b"POST /%d HTTP/1.1\r\n%bContent-Length: 5\r\n\r\nhello"
        reader, writer = line
        writer.write(request % (1, offer) + request % (2, offer) + HELLO)
        assert [(await answer(reader))[2] for _ in range(3)] == [b"hello", b"hello", b"/hello"]
        assert [path for _, path, _ in door.asked] == ["/1", "/2", "/hello"]

    @pytest.mark.parametrize(
        "rubbish",
        [
            b"GET / HTTP/3.7\r\n\r\n",
            b"GET / HTTP/1.1\r\nname\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nname: a\r\n b\r\n\r\n",
            b"GET / HTTP/1.1\r\nname: " + 70_000 * b"x",
        ],
    )
    async def test_what_is_no_http_is_refused(self, door, line, rubbish):
        status, headers, body = await answer_to(line, rubbish)
        assert (status, headers["connection"]) == (400, "close")
        assert b'"BAD_REQUEST"' in body
        assert await line[0].read() == CLOSED
        assert door.asked == []

    @pytest.mark.parametrize("method", [b"BREW", b"\x16\x03\x01\x02\x00\x01"])
    async def test_what_is_no_method_is_found_nowhere(self, line, method):
        assert (await answer_to(line, method + b" / HTTP/1.1\r\n\r\n"))[0] == 404

    async def test_who_was_asked_before_rubbish_is_answered(self, line):
        reader, writer = line
        writer.write(HELLO + b"rubbish\r\n\r\n")
        assert (await answer(reader))[2] == b"/hello"
        assert await reader.read() == CLOSED

    async def test_who_goes_away_half_way_is_given_up(self, door, line):
        line[1].write(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe")
        await line[1].drain()
        line[1].close()
        await asyncio.wait_for(door.disconnected.wait(), 10)

    async def test_a_broken_body_is_nobodys(self, door, line):
        line[1].write(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nrubbish")
        await asyncio.wait_for(door.disconnected.wait(), 10)
        assert await line[0].read() == CLOSED


class TestAnswering:
    async def test_lengths_and_dates_are_told(self, line):
        _, headers, _ = await answer_to(line, HELLO)
        assert headers["content-length"] == "6"
        assert headers["date"].endswith(" gmt")
        assert "connection" not in headers

    async def test_an_answer_in_parts(self, line):
        assert (await answer_to(line, b"GET /parts HTTP/1.1\r\n\r\n"))[2] == b"onetwo"
        assert (await answer_to(line, HELLO))[2] == b"/hello"

    async def test_an_answer_in_parts_ends_with_the_connection_where_there_are_no_chunks(self, line):
        reader, writer = line
        writer.write(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await reader.read()).partition(b"\r\n\r\n")[2] == b"onetwo"

    async def test_half_an_answer_does_not_pass_for_one(self, line):
        line[1].write(b"GET /half HTTP/1.1\r\n\r\n")
        assert not (await line[0].read()).endswith(b"0\r\n\r\n")

    async def test_a_head_has_no_body(self, line):
        reader, writer = line
        writer.write(b"HEAD /hello HTTP/1.1\r\n\r\n")
        assert b"content-length: 6\r\n" in await reader.readuntil(b"\r\n\r\n")
        assert (await answer_to(line, HELLO))[2] == b"/hello"

    @pytest.mark.parametrize("version", [b"HTTP/1.0\r\n\r\n", b"HTTP/1.1\r\nConnection: close\r\n\r\n"])
    async def test_who_wants_one_answer_gets_one(self, line, version):
        assert (await answer_to(line, b"GET /hello " + version))[1]["connection"] == "close"
        assert await line[0].read() == CLOSED

    async def test_a_refusal_needs_no_body(self, line):
        status, headers, _ = await answer_to(line, b"POST /refused HTTP/1.1\r\nContent-Length: 900000\r\n\r\n", b"x")
        assert (status, headers["connection"]) == (200, "close")
        # Still writing is no error: what comes is thrown away until the caller has read the answer.
        line[1].write(100_000 * b"x")
        await line[1].drain()
        assert await line[0].read() == CLOSED

    async def test_what_came_before_the_end_is_answered(self, door):
        async with serving(door) as call:
            reader, writer = await call()
            writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
            while not door.asked:
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.05, door.released.set)
        assert (await answer(reader))[1]["connection"] == "close"

    async def test_what_was_coming_before_the_end_is_answered(self, door):
        async with serving(door) as call:
            reader, writer = await call()
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe")
            while not door.asked:
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.05, writer.write, b"llo")
        _, headers, body = await answer(reader)
        assert (headers["connection"], body) == ("close", b"hello")


class TestBounds:
    async def test_too_many_are_told_to_come_back(self, door):
        async with serving(door, connections=1) as call:
            first, second = await call(), await call()
            status, headers, _ = await answer(second[0])
            assert (status, headers["retry-after"]) == (429, "1")
            assert (await answer_to(first, HELLO))[0] == 200

    @pytest.mark.parametrize("begun", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe"])
    async def test_who_sends_nothing_for_long_is_closed(self, monkeypatch, door, begun):
        monkeypatch.setattr(connection, "PATIENCE_S", 0.05)
        monkeypatch.setattr("kit.http.serving._LOOK_EVERY_S", 0.01)
        async with serving(door) as call:
            reader, writer = await call()
            writer.write(begun)
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 20) == CLOSED

    async def test_a_long_body_waits_in_the_kernel(self, door):
        taken = []

        async def slow(_scope, receive, send) -> None:
            await door.released.wait()
            while True:
                message = await receive()
                taken.append(len(message["body"]))
                if not message["more_body"]:
                    break
            await door._answer(send, b"%d" % sum(taken))

        async with serving(slow) as call:
            reader, writer = await call()
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n")
            sending = asyncio.create_task(answer_to((reader, writer), bytes(50_000_000)))
            asyncio.get_running_loop().call_later(0.05, door.released.set)
            assert (await sending)[2] == b"50000000"
        # Of uvloop's largest read, and what had come until then.
        assert max(taken) < 1 << 20
