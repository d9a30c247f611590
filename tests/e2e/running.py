"""A whole stack in a folder, started the way a person starts it."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

_READY_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 60


class RunningStack:
    """`maskenball up --json` as a child process. `endpoints` is what its JSON line said."""

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.endpoints: dict[str, Any] = {}
        self._environment = {**os.environ, **(environment or {})}
        self._launcher: subprocess.Popen[bytes] | None = None

    def start(self) -> "RunningStack":
        command = [sys.executable, "-m", "maskenball", "up", "--data-dir", str(self.folder), "--json"]
        self._launcher = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment, start_new_session=True
        )
        assert self._launcher.stdout is not None
        ready, _, _ = select.select([self._launcher.stdout], [], [], _READY_TIMEOUT_S)
        line = self._launcher.stdout.readline() if ready else b""
        if not line:
            self.stop()
            raise AssertionError(f"no stack: {self._said()}")
        self.endpoints = json.loads(line)
        return self

    def stop(self) -> None:
        """Stop as Ctrl-C does and see it end."""
        if self._launcher is None:
            return
        if self._launcher.poll() is None:
            self._launcher.send_signal(signal.SIGINT)
        self._launcher.wait(_STOP_TIMEOUT_S)

    def kill(self, name: str) -> int:
        """kill -9 one process by its name in `pids`; returns the pid it had."""
        pid: int = json.loads((self.folder / "endpoints.json").read_text())["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_launcher(self) -> None:
        assert self._launcher is not None
        self._launcher.kill()
        self._launcher.wait(_STOP_TIMEOUT_S)

    def _said(self) -> str:
        assert self._launcher is not None
        assert self._launcher.stderr is not None
        return self._launcher.stderr.read().decode(errors="replace")[-2000:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
