"""A real Luanti server with Oak Street in it, and visitors without a screen."""

import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from miney.luanticlient import LuantiClient
from miney.luanticlient.exceptions import LuantiConnectionError

T = TypeVar("T")
WORLDS = Path(__file__).parents[3] / "worlds" / "luanti"
PROGRAM = shutil.which("minetestserver", path=f"{os.environ.get('PATH', '')}:/usr/games:/usr/local/games")
_STARTED = "listening on"
_READY_S = 30.0
_HEARD_S = 45.0
_COLOURS = re.compile(r"\x1b\([^)]*\)|\x1b[A-Za-z]")


def until(check: Callable[[], T], timeout_s: float, otherwise: str) -> T:
    """Return the first truthy answer of `check`, for states that send no signal."""
    deadline = time.monotonic() + timeout_s
    while not (answer := check()):
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)
    return answer


def door_of(endpoints: dict[str, Any], url: str = "") -> Callable[[dict[str, object]], Any]:
    """Return what sends one frame to the adapter, as the world of the token, and returns the answer."""

    def send(frame: dict[str, object]) -> Any:
        headers = {"Authorization": f"Bearer {endpoints['world_token']}"}
        return httpx.post(f"{url or endpoints['adapter']}/a/v1", json=frame, headers=headers, timeout=10).json()

    return send


class LuantiServer:
    """minetestserver in a folder of its own; nothing is read from or written to the home of whoever runs it."""

    def __init__(self, folder: Path, *, adapter: str, token: str, world: str) -> None:
        self.folder = folder
        self.port = _free_udp_port()
        self.world_key = base64.b64encode(os.urandom(24)).decode()
        self.settings = {
            "bind_address": "127.0.0.1",
            "port": self.port,
            "server_announce": "false",
            "secure.http_mods": "maskenball",
            "dedicated_server_step": "0.03",
            "default_privs": "interact, shout",
            # No limit: the server counts in whole seconds, so that any limit but none depends on when a second begins.
            "chat_message_limit_per_10sec": "0",
            "maskenball_adapter": adapter,
            "maskenball_token": token,
            "maskenball_world": world,
            "maskenball_world_key": self.world_key,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "LuantiServer":
        """Start it and return once it takes visitors."""
        assert PROGRAM, "minetestserver is missing: make setup-worlds"
        world, home = self.folder / "world", self.folder / "home"
        world.mkdir(parents=True, exist_ok=True)
        home.mkdir(exist_ok=True)
        lines = (f"{name} = {value}\n" for name, value in self.settings.items())
        (self.folder / "minetest.conf").write_text("".join(lines))
        backends = "".join(f"{kind}backend = sqlite3\n" for kind in ("", "player_", "auth_", "mod_storage_"))
        (world / "world.mt").write_text("gameid = oak_street\n" + backends)
        command = [
            PROGRAM,
            "--gameid",
            "oak_street",
            "--world",
            str(world),
            "--config",
            str(self.folder / "minetest.conf"),
        ]
        surroundings = {**os.environ, "HOME": str(home), "MINETEST_SUBGAME_PATH": str(WORLDS)}
        with (self.folder / "server.out").open("wb") as out:
            self._process = subprocess.Popen(
                [*command, "--logfile", str(self.folder / "log.txt")], env=surroundings, stdout=out, stderr=out
            )
        until(lambda: _STARTED in self.log(), _READY_S, "the world does not start")
        return self

    def log(self) -> str:
        """What the server has said so far."""
        path = self.folder / "server.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def pseudonym(self, name: str) -> str:
        """What this world calls a visitor towards the platform."""
        digest = hashlib.sha1(f"{self.world_key}\0{name}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode()[:22]

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class Visitor(LuantiClient):
    """One player: says things and remembers what it was told."""

    def __init__(self, server: LuantiServer, name: str) -> None:
        super().__init__("127.0.0.1", server.port, name, "a-password")
        self.told: list[str] = []
        self._news = threading.Condition()
        self.command_handler.register_chat_message_handler(self._hear)

    def send_init(self) -> None:
        # This server forgets an INIT that comes before its own greeting; the client would wait for ever.
        time.sleep(0.4)
        super().send_init()

    def join(self) -> "Visitor":
        assert self.connect(register=True), "the visitor cannot join"
        return self

    def rejoin(self) -> "Visitor":
        """Leave and come back under the same name."""
        self.disconnect()
        self.told.clear()
        assert any(self._comes_back() for _ in range(3)), "the visitor cannot come back"
        return self

    def say(self, words: str) -> None:
        assert self.send_chat_message(words)

    def hears(self, part: str, timeout_s: float = _HEARD_S) -> str:
        """Wait for a line that contains `part`, from now or before; returns the line."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                if found := [line for line in self.told if part in line]:
                    return found[0]
                assert self._news.wait(deadline - time.monotonic()), f"no {part!r} in {self.told}"

    def hears_often(self, part: str, times: int) -> None:
        """Wait until `times` lines contain `part`."""
        until(lambda: sum(part in line for line in self.told) >= times, _HEARD_S, f"not {times} times {part!r}")

    def of_ada(self) -> list[str]:
        """Return what the avatar has said."""
        return [line for line in self.told if line.startswith("Ada:")]

    def _comes_back(self) -> bool:
        try:
            return bool(self.connect(register=False))
        except LuantiConnectionError as denied:
            # Of what it hashes the client leaves out leading zeros, and once in 128 times its proof is another.
            if "Invalid password" not in str(denied):
                raise
            self.disconnect()
            return False

    def _hear(self, message: str) -> bool:
        with self._news:
            self.told.append(_COLOURS.sub("", message))
            self._news.notify_all()
        return False


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
