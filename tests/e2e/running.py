"""A whole stack in a folder, started the way a person starts it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

_READY_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 60


class RunningStack:
    """`maskenball up --json` as a child process. `endpoints` is what its JSON line said.

    `wrapper` is put before the command, to run it as somebody else.
    """

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None, wrapper: Sequence[str] = ()) -> None:
        self.folder = folder
        self.endpoints: dict[str, Any] = {}
        self._environment = {**os.environ, **(environment or {})}
        self._wrapper = wrapper
        self._launcher: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._said: list[str] = []

    @property
    def is_running(self) -> bool:
        """Whether its launcher lives."""
        return self._launcher is not None and self._launcher.poll() is None

    @property
    def said(self) -> str:
        """What it has told the person at the terminal so far."""
        return "".join(self._said)

    def launch(self) -> "RunningStack":
        """Start without waiting."""
        command = [sys.executable, "-m", "maskenball", "up", "--data-dir", str(self.folder), "--json"]
        self._launcher = subprocess.Popen(
            [*self._wrapper, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
            text=True,
        )
        # A full pipe would stop the launcher.
        self._listener = threading.Thread(target=self._listen, args=(self._launcher,), daemon=True)
        self._listener.start()
        return self

    def start(self) -> "RunningStack":
        """Start, and return once the JSON line was printed."""
        launcher = self.launch()._running()
        assert launcher.stdout is not None
        with _killed_after(_READY_TIMEOUT_S, launcher):
            line = launcher.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"no stack: {self.said[-4000:]}")
        self.endpoints = json.loads(line)
        return self

    def wait_refused(self) -> int:
        """Wait for the end of a start that cannot work; returns its exit status."""
        with _killed_after(_READY_TIMEOUT_S, self._running()):
            self._running().wait()
        return self.stop()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop as Ctrl-C does and see it end; returns the exit status."""
        launcher = self._running()
        if launcher.poll() is None:
            launcher.send_signal(number)
        try:
            launcher.wait(_STOP_TIMEOUT_S)
        finally:
            self.kill_launcher()
        return launcher.returncode

    def kill(self, name: str) -> int:
        """kill -9 one process by its name in `pids`; returns the pid it had."""
        pid: int = self.read_endpoints()["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_launcher(self) -> None:
        """kill -9 the launcher alone."""
        launcher = self._running()
        launcher.kill()
        launcher.wait(_STOP_TIMEOUT_S)
        assert self._listener is not None
        self._listener.join(_STOP_TIMEOUT_S)
        for pipe in (launcher.stdout, launcher.stderr):
            assert pipe is not None
            pipe.close()

    def read_endpoints(self) -> dict[str, Any]:
        """What the file says now: pids change when somebody is started again."""
        endpoints: dict[str, Any] = json.loads((self.folder / "endpoints.json").read_text())
        return endpoints

    def _running(self) -> "subprocess.Popen[str]":
        assert self._launcher is not None, "not started"
        return self._launcher

    def _listen(self, launcher: "subprocess.Popen[str]") -> None:
        assert launcher.stderr is not None
        with contextlib.suppress(ValueError):
            for line in launcher.stderr:
                self._said.append(line)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process that works for the stack in `folder`, launcher included: its command or its settings name it."""
    return [process for process in psutil.process_iter() if _names(process, str(folder))]


def gone(folder: Path) -> Callable[[], bool]:
    """A check for `eventually`: nobody works for this stack any more."""
    return lambda: not processes_of(folder)


def _names(process: psutil.Process, folder: str) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if any(folder in part for part in process.cmdline()) or process.cwd().startswith(folder):
            return True
        return any(folder in value for name, value in process.environ().items() if name.startswith("MASKENBALL_"))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def enterable(folder: Path) -> Path:
    """Let the user whom root hands PostgreSQL over to pass through a folder of a test's own; return it."""
    for part in (folder, *folder.parents):
        mode = part.stat().st_mode
        if mode & 0o011 != 0o011:
            part.chmod(mode | 0o011)
    return folder


@contextlib.contextmanager
def _killed_after(seconds: float, process: "subprocess.Popen[str]") -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
