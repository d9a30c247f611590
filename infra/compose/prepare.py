"""`python -m infra.compose.prepare`: makes the keys and passwords that docker-compose.yml mounts."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.access import password_name, prepare_access
from infra.local.databases import MIGRATIONS
from infra.local.folder import DataFolder
from kit.walls import OWNER, make_database, make_roles

FOLDER = Path(".maskenball") / "compose"

# As in kit.servers.nats: an acknowledgement of durability class 2 follows fsync, and one of class 1 is synced in time.
_SYNC_INTERVALS = {"nats.conf": "always", "nats-class-1.conf": '"10s"'}
_NATS = """\
port: 4222
http: 8222
max_payload: 4MB
jetstream {{
  store_dir: /data
  sync_interval: {sync_interval}
}}
authorization {{
  user: maskenball
  password: "{password}"
}}
"""


def main() -> None:
    """Make what is missing; what is there stays, so that running it again changes nothing."""
    os.umask(0o077)
    folder = DataFolder(FOLDER)
    folder.open()
    access = prepare_access(folder)
    settings = _settings(folder.path / "compose.env", access)
    # The containers of PostgreSQL and NATS run as users of their own and read these; the folder above is closed.
    _write(folder.path / "initdb" / "roles.sql", _roles(access), mode=0o644)
    for name, sync_interval in _SYNC_INTERVALS.items():
        configuration = _NATS.format(password=settings["NATS_PASSWORD"], sync_interval=sync_interval)
        _write(folder.path / "nats" / name, configuration, mode=0o644)
    folder.close()
    sys.stdout.write(
        f"Keys and passwords are in {FOLDER}, for development.\n"
        f"Next: docker compose --env-file {FOLDER}/compose.env up --build\n"
    )


def _settings(path: Path, access: Mapping[str, str]) -> dict[str, str]:
    known = dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    settings = {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "NATS_PASSWORD": secrets.token_hex(16),
        "KEYS": str(path.parent),
        # The processes write epoch keys into the mounted key ring, so they run as its owner.
        "OWNER": f"{os.getuid()}:{os.getgid()}",
        **{
            f"{role.upper()}_PASSWORD": access[password_name(role)]
            for room in MIGRATIONS
            for role in (room, room + OWNER)
        },
        **known,
    }
    _write(path, "".join(f"{name}={value}\n" for name, value in settings.items()), mode=0o600)
    return settings


def _roles(access: Mapping[str, str]) -> str:
    return "".join(
        make_roles(room, lambda role: access[password_name(role)]) + make_database(room) for room in MIGRATIONS
    )


def _write(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755 if mode & 0o044 else 0o700)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


if __name__ == "__main__":
    main()
