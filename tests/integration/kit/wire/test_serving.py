import asyncio
import gzip

import httpx
import pytest

from kit.http import free_port, read_body, serve


class Door:
    """Answers with the body it got; /slow waits until it is let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] == "/slow":
            self.entered.set()
            await self.released.wait()
        body = await read_body(receive, scope["headers"], max_bytes=1_000_000)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def door():
    return Door()


@pytest.fixture
async def address(door):
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(door, "127.0.0.1:0", stop, started=started.set_result))
    yield await started
    stop.set()
    await serving


@pytest.fixture
async def client(address):
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client:
        yield client


class TestServe:
    async def test_bodies_come_through_whole(self, client):
        body = bytes(range(256)) * 2000
        assert (await client.post("/", content=body)).content == body

    async def test_gzip_is_undone(self, client):
        packed = gzip.compress(b"one and only")
        answer = await client.post("/", content=packed, headers={"content-encoding": "gzip"})
        assert answer.content == b"one and only"

    async def test_a_large_body_is_refused(self, client):
        answer = await client.post("/", content=b"x" * 1_000_001)
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")

    async def test_many_at_a_time(self, client):
        answers = await asyncio.gather(*(client.post("/", content=b"%d" % number) for number in range(200)))
        assert [answer.content for answer in answers] == [b"%d" % number for number in range(200)]

    async def test_a_taken_port_is_an_error(self, door, address):
        with pytest.raises(OSError, match="in use"):
            await serve(door, address, asyncio.Event())

    async def test_stopping_lets_running_requests_end(self, door):
        stop, port = asyncio.Event(), free_port()
        serving = asyncio.create_task(serve(door, f"127.0.0.1:{port}", stop))
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", transport=httpx.AsyncHTTPTransport(retries=5)
        ) as client:
            slow = asyncio.create_task(client.get("/slow"))
            await asyncio.wait_for(door.entered.wait(), 10)
            stop.set()
            await asyncio.sleep(0.1)
            door.released.set()
            assert (await slow).status_code == 200
        await asyncio.wait_for(serving, 10)

    async def test_stopping_with_an_idle_connection_is_quick(self, door):
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(door, "127.0.0.1:0", stop, started=started.set_result))
        async with httpx.AsyncClient(base_url=f"http://{await started}") as client:
            await client.get("/")
            stop.set()
            await asyncio.wait_for(serving, 5)

    async def test_a_cancelled_server_frees_its_port(self, door):
        port, started = free_port(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(door, f"127.0.0.1:{port}", asyncio.Event(), started=started.set_result))
        await started
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection("127.0.0.1", port)
