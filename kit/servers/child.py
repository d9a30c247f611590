"""One supervised child process: started through the shim, known by pid and start time, stopped in stages."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kit.durable import rename_durably

_SHIM = Path(__file__).with_name("shim.py")


class ServerStartError(Exception):
    """A server could not start; the message says what is missing and how to mend it. Never crosses an RPC."""


class Child:
    """A running child process in a session of its own, which receives `death_signal` when this thread dies.

    Start it from a thread that lives as long as the child should: the kernel watches the thread, not the process.
    """

    def __init__(  # noqa: PLR0913  # what a process is started with, all by name
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        uid: int = -1,
        reach: Sequence[Path] = (),
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        reached = ":".join(str(path) for path in reach)
        shim = [sys.executable, "-I", "-S", str(_SHIM), str(os.getpid()), str(int(death_signal)), str(uid), reached]
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # the command is ours
                [*shim, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.started = start_ticks(self.pid)

    @property
    def returncode(self) -> int | None:
        """Exit status once the child is dead (negative: the signal), None while it lives."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; a child that is already dead is left alone."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """True once the child is dead, False when it still lives after `timeout_s` seconds."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *stages: tuple[signal.Signals, float]) -> None:
        """Sends each signal in turn and waits its seconds; what still lives then is killed."""
        for number, patience_s in stages:
            if self.returncode is not None:
                return
            self.send(number)
            if self.wait(patience_s):
                return
        if self.returncode is None:
            self.send(signal.SIGKILL)
            self._process.wait()


def start_ticks(pid: int) -> int:
    """Start time of a process in clock ticks since boot, 0 when there is none: tells a reused pid apart."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    # A zombie is dead, and where nobody reaps orphans it stays one.
    return 0 if fields[0] in "ZX" else int(fields[19])


def wait_until(ready: Callable[[], bool], *, timeout_s: float, every_s: float = 0.02) -> bool:
    """Asks `ready` until it says yes; False when it has not within `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, to say in an error what the program itself said."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def secret(path: Path, make: Callable[[], str], *, uid: int = -1) -> str:
    """Reads the secret in `path`; the first time writes a new one, mode 0600, owned by `uid` (-1: by us)."""
    if not path.exists():
        pending = path.with_suffix(".pending")
        pending.unlink(missing_ok=True)
        with os.fdopen(os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        if uid >= 0:
            os.chown(pending, uid, -1)
        rename_durably(pending, path)
    return path.read_text(encoding="utf-8").strip()
