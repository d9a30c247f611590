"""Worlds before the running platform."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.http import free_port
from tests.e2e.running import RunningStack

from .luanti import WORLDS, LuantiServer, Visitor, door_of, until

CATALOGUE = WORLDS / "oak_street" / "mods" / "oak_street" / "catalogue.json"


class OwnAdapter:
    """An adapter of this test alone, on the shared platform: may be stopped and started."""

    def __init__(self, stack: RunningStack, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._endpoints = stack.endpoints
        ends, data = stack.endpoints, Path(stack.endpoints["data_dir"])
        told = {
            "PROCESS": "own_adapter",
            "HTTP_ADDRESS": self.address,
            "NATS_URL": ends["nats"]["url"],
            "PARTITIONS": str(ends["partitions"]),
            "KEYRING_DIR": str(data / "keyring"),
            "CREDENTIALS_FILE": str(data / "credentials.json"),
            "AVATAR_ADDRESS": ends["grpc"]["avatar"],
            "LOG_FILE": str(folder / "own_adapter.jsonl"),
        }
        self._environment = {**os.environ, **{f"MASKENBALL_{name}": value for name, value in told.items()}}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def door(self) -> Callable[[dict[str, object]], Any]:
        """Return what sends one frame to this adapter."""
        return door_of(self._endpoints, self.url)

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "avatar_adapter"], env=self._environment)
        until(self._answers, 60, "the adapter does not answer")

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, "the adapter does not start"
        try:
            httpx.get(self.url)
        except httpx.TransportError:
            return False
        return True


@pytest.fixture(scope="session")
def stack(shared_stack: RunningStack) -> RunningStack:
    """The platform, its catalogue holding what stands on the shelves of Oak Street."""
    ends = shared_stack.endpoints
    answer = httpx.put(
        f"{ends['gateway']}/v1/catalogue/items",
        json={"items": json.loads(CATALOGUE.read_text(encoding="utf-8"))},
        headers={"Authorization": f"Bearer {ends['staff_key']}"},
        timeout=30,
    )
    answer.raise_for_status()
    return shared_stack


@pytest.fixture(scope="session")
def oak_street(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LuantiServer]:
    ends = stack.endpoints
    folder = tmp_path_factory.mktemp("luanti")
    server = LuantiServer(folder, adapter=ends["adapter"], token=ends["world_token"], world=ends["world"])
    yield server.start()
    server.stop()


@pytest.fixture
def own_adapter(stack: RunningStack, tmp_path: Path) -> Iterator[OwnAdapter]:
    adapter = OwnAdapter(stack, tmp_path)
    adapter.start()
    yield adapter
    adapter.stop()


@pytest.fixture
def small_queue() -> dict[str, str]:
    """Room for few frames, so that a full queue is soon seen, and little patience."""
    return {"maskenball_queue": "6", "maskenball_longest_pause": "2"}


@pytest.fixture
def street_of_its_own(
    stack: RunningStack, own_adapter: OwnAdapter, small_queue: dict[str, str], tmp_path: Path
) -> Iterator[LuantiServer]:
    """A world whose adapter may be stopped."""
    ends = stack.endpoints
    server = LuantiServer(tmp_path / "luanti", adapter=own_adapter.url, token=ends["world_token"], world=ends["world"])
    server.settings |= small_queue
    yield server.start()
    server.stop()


@pytest.fixture
def visit() -> Iterator[Callable[[LuantiServer, str], Visitor]]:
    """`visit(server, name)`: a visitor who has joined; leaves when the test ends."""
    here: list[Visitor] = []

    def join(server: LuantiServer, name: str) -> Visitor:
        here.append(Visitor(server, name))
        return here[-1].join()

    yield join
    for visitor in here:
        visitor.disconnect()
