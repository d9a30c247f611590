import asyncio

import httpx
import pytest

from kit.errors import UnavailableError
from kit.http import guarded, ops_app
from kit.process import Readiness


async def good():
    return None


async def bad():
    raise UnavailableError


async def broken():
    raise KeyError("anna@example.org")


async def silent():
    await asyncio.Event().wait()


@pytest.fixture
def readiness():
    return Readiness()


async def ask(readiness, path, *, stopping=False) -> httpx.Response:
    stop = asyncio.Event()
    if stopping:
        stop.set()
    transport = httpx.ASGITransport(guarded(ops_app(readiness.look, stop)))
    async with httpx.AsyncClient(transport=transport, base_url="http://ops") as client:
        return await client.get(path)


class TestReadyz:
    async def test_is_ready_when_every_check_passes(self, readiness):
        readiness.add("database", good)
        answer = await ask(readiness, "/readyz")
        assert (answer.status_code, answer.json()["checks"]) == (200, {"database": "ok"})

    async def test_names_what_is_missing_and_why(self, readiness, monkeypatch):
        monkeypatch.setattr("kit.process._CHECK_S", 0.01)
        for name, check in (("a", good), ("b", bad), ("c", broken), ("d", silent)):
            readiness.add(name, check)
        answer = await ask(readiness, "/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"a": "ok", "b": "UNAVAILABLE", "c": "KeyError", "d": "TimeoutError"}

    async def test_is_not_ready_while_stopping(self, readiness):
        answer = await ask(readiness, "/readyz", stopping=True)
        assert (answer.status_code, answer.json()["stopping"]) == (503, True)


class TestOtherPages:
    async def test_livez_asks_nobody(self, readiness):
        readiness.add("b", bad)
        assert (await ask(readiness, "/livez")).status_code == 200

    async def test_metrics_are_in_prometheus_form(self, readiness):
        assert "# TYPE http_server_seconds histogram" in (await ask(readiness, "/metrics")).text

    async def test_there_is_nothing_else(self, readiness):
        assert (await ask(readiness, "/")).status_code == 404
