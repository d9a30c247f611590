"""Which databases there are, and how each gets its role, its owner and its newest tables."""

from collections.abc import Callable
from pathlib import Path

from alembic.util import CommandError

from infra.local.errors import StackError
from kit.migrate import upgrade
from kit.servers import PostgresServer

_SERVICES = Path(__file__).resolve().parents[2] / "services"

MIGRATIONS = {
    "vault": _SERVICES / "profile" / "vault_migrations",
    "profile": _SERVICES / "profile" / "migrations",
    "consent": _SERVICES / "consent" / "migrations",
    "recommendation": _SERVICES / "recommendation" / "migrations",
    "avatar": _SERVICES / "avatar" / "migrations",
}


def prepare_databases(
    server: PostgresServer, password: Callable[[str], str], announce: Callable[[str], None]
) -> dict[str, str]:
    """Creates what is missing and migrates; returns the URL of each database as its own role."""
    existing = server.sql("SELECT datname FROM pg_database").split()
    roles = server.sql("SELECT rolname FROM pg_roles").split()
    urls: dict[str, str] = {}
    for room, migrations in MIGRATIONS.items():
        announce(room)
        verb = "ALTER" if room in roles else "CREATE"
        server.sql(f"{verb} ROLE \"{room}\" LOGIN PASSWORD '{password(room)}'")
        if room not in existing:
            server.sql(f'CREATE DATABASE "{room}" OWNER "{room}"')
            # Every role may connect to a new database unless told otherwise.
            server.sql(f'REVOKE ALL ON DATABASE "{room}" FROM PUBLIC')
        urls[room] = server.url(room, role=room, password=password(room))
        try:
            upgrade(urls[room], migrations)
        except CommandError as error:
            raise StackError(
                f"The database {room} cannot be brought to this version ({error}). Was the data folder last used by a "
                "newer version? Use that one, or choose another folder with --data-dir."
            ) from error
    return urls
