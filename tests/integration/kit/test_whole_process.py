import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from kit.errors import RemoteError
from kit.http import free_port
from kit.rpc import connect

ROOM = Path(__file__).with_name("room.py")
ROOT = Path(__file__).resolve().parents[3]
SECRET = b"anna@example.org"


@pytest.fixture
def environment(empty_database_url, nats_url, tmp_path):
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("MASKENBALL_")},
        "PYTHONPATH": str(ROOT),
        "MASKENBALL_PROCESS": "room",
        "MASKENBALL_GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        "MASKENBALL_OPS_ADDRESS": f"127.0.0.1:{free_port()}",
        "MASKENBALL_DATABASE_URL": empty_database_url,
        "MASKENBALL_NATS_URL": nats_url,
        "MASKENBALL_LOG_FILE": str(tmp_path / "room.log"),
        "MASKENBALL_TRACE_FILE": str(tmp_path / "spans.jsonl"),
        "MASKENBALL_TRACE_RATIO": "1",
    }


@pytest.fixture
def start(environment):
    started: list[subprocess.Popen] = []

    def begin(*arguments: str, **variables: str) -> subprocess.Popen:
        command = [sys.executable, str(ROOM), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env={**environment, **variables}, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


async def until_ready(environment) -> dict:
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while True:
            try:
                answer = await client.get(f"http://{environment['MASKENBALL_OPS_ADDRESS']}/readyz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200 and "follower" in answer.json()["checks"]:
                return answer.json()
            await asyncio.sleep(0.05)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def ended(process: subprocess.Popen) -> tuple[int, bytes]:
    out, err = await asyncio.wait_for(asyncio.to_thread(process.communicate), 20)
    return process.returncode, out + err


class TestWholeProcess:
    async def test_answers_announces_hears_and_stops(self, start, environment, tmp_path):
        process = start()
        assert (await until_ready(environment))["checks"] == {"database": "ok", "follower": "ok"}
        async with connect(environment["MASKENBALL_GRPC_ADDRESS"]) as channel:
            say = channel.unary_unary("/room.v1.RoomService/Say")
            await say(b"first")
            async with asyncio.timeout(10):
                while b"first" not in await say(b"again"):
                    await asyncio.sleep(0.02)
            with pytest.raises(RemoteError):
                await channel.unary_unary("/room.v1.RoomService/Fail")(SECRET)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, b"")
        logged = lines(tmp_path / "room.log")
        assert [line["event"] for line in logged] == ["process.started", "rpc.failed", "process.stopped"]
        assert logged[1]["place"].endswith(" fail")
        assert SECRET not in (tmp_path / "room.log").read_bytes() + (tmp_path / "spans.jsonl").read_bytes()

    async def test_a_trace_goes_from_call_to_follower(self, start, environment, tmp_path):
        process = start()
        await until_ready(environment)
        async with connect(environment["MASKENBALL_GRPC_ADDRESS"]) as channel:
            say = channel.unary_unary("/room.v1.RoomService/Say")
            async with asyncio.timeout(10):
                while not await say(b"x"):
                    await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        await ended(process)
        spans = lines(tmp_path / "spans.jsonl")
        calls = {span["trace_id"] for span in spans if span["name"] == "room.v1.RoomService/Say"}
        heard = {span["trace_id"] for span in spans if span["name"] == "follow room"}
        assert heard
        assert heard <= calls

    async def test_a_defect_at_the_start_ends_it_without_its_text(self, start, environment, tmp_path):
        process = start("--fail")
        code, output = await ended(process)
        assert (code, output) == (1, b"")
        last = lines(tmp_path / "room.log")[-1]
        assert (last["event"], last["error"]) == ("process.failed", "builtins.KeyError")
        assert environment["MASKENBALL_DATABASE_URL"] not in (tmp_path / "room.log").read_text()

    async def test_no_text_comes_out_anywhere(self, start, environment, tmp_path):
        process = start("--leak")
        await until_ready(environment)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, b"")
        events = {line["event"] for line in lines(tmp_path / "room.log")}
        assert events >= {"thread.failed", "error.dropped", "task.failed", "library.complained"}
        assert environment["MASKENBALL_DATABASE_URL"] not in (tmp_path / "room.log").read_text()

    async def test_it_waits_for_a_database_that_is_not_there(self, start, environment, tmp_path):
        process = start(MASKENBALL_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
        async with asyncio.timeout(20), httpx.AsyncClient() as client:
            while True:
                try:
                    answer = await client.get(f"http://{environment['MASKENBALL_OPS_ADDRESS']}/readyz")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        assert (answer.status_code, answer.json()["checks"]) == (503, {"database": "UNAVAILABLE"})
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
        assert (await ended(process))[0] == 1

    async def test_it_goes_when_its_launcher_dies(self, environment, tmp_path):
        launcher = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)",
                sys.executable,
                str(ROOM),
            ],
            env={**environment, "MASKENBALL_DIE_WITH_PARENT": "1"},
        )
        await until_ready(environment)
        launcher.kill()
        launcher.wait()
        async with asyncio.timeout(20):
            while lines(tmp_path / "room.log")[-1]["event"] != "process.stopped":
                await asyncio.sleep(0.05)
