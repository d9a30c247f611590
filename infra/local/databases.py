"""Which databases there are, and how each gets its roles, its owner and its newest tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic.util import CommandError

from infra.local.errors import StackError
from kit.migrate import upgrade
from kit.servers import PostgresServer
from kit.walls import OWNER, make_database, make_roles

_SERVICES = Path(__file__).resolve().parents[2] / "services"

MIGRATIONS = {
    "vault": _SERVICES / "profile" / "vault_migrations",
    "profile": _SERVICES / "profile" / "migrations",
    "consent": _SERVICES / "consent" / "migrations",
    "recommendation": _SERVICES / "recommendation" / "migrations",
    "avatar": _SERVICES / "avatar" / "migrations",
}


@dataclass(frozen=True)
class Urls:
    """The URL of each database, by room."""

    #: As the role of its processes, which sees one brand at a time.
    service: Mapping[str, str]
    #: As its owner, who migrates it, and sees every brand.
    owner: Mapping[str, str]


def prepare_databases(server: PostgresServer, password: Callable[[str], str], announce: Callable[[str], None]) -> Urls:
    """Creates what is missing and migrates."""
    existing = server.sql("SELECT datname FROM pg_database").split()
    service: dict[str, str] = {}
    owner: dict[str, str] = {}
    for room, migrations in MIGRATIONS.items():
        announce(room)
        server.sql(make_roles(room, password))
        if room in existing:
            hand_over(server, room)
        else:
            server.sql(make_database(room))
        service[room] = server.url(room, role=room, password=password(room))
        owner[room] = server.url(room, role=room + OWNER, password=password(room + OWNER))
        try:
            upgrade(owner[room], migrations)
        except CommandError as error:
            raise StackError(
                f"The database {room} cannot be brought to this version ({error}). Was the data folder last used by a "
                "newer version? Use that one, or choose another folder with --data-dir."
            ) from error
    return Urls(service, owner)


def hand_over(server: PostgresServer, room: str) -> None:
    """Gives a database of a version before the wall to its owner; there the role of the processes owned everything."""
    server.sql(f'ALTER DATABASE "{room}" OWNER TO "{room}{OWNER}"; GRANT CONNECT ON DATABASE "{room}" TO "{room}"')
    server.sql(f'REASSIGN OWNED BY "{room}" TO "{room}{OWNER}"', database=room)
