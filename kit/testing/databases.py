"""Fresh migrated databases: each room is migrated once per session into a template, every test gets a copy."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from kit.migrate import upgrade
from kit.servers import PostgresServer
from kit.walls import OWNER, make_roles


class Databases:
    """Makes databases on one server. `migrations` names the Alembic folder of every room."""

    def __init__(self, server: PostgresServer, migrations: Mapping[str, Path]) -> None:
        self._server = server
        self._migrations = migrations
        self._passwords: dict[str, str] = {}
        self._made: list[str] = []

    def fresh(self, room: str) -> str:
        """URL of a new database of `room`, migrated to the newest version, as its owner, who sees every brand."""
        if room not in self._passwords:
            self._make_template(room)
        name = f"{room}_{secrets.token_hex(4)}"
        self._server.sql(f'CREATE DATABASE "{name}" TEMPLATE "{room}_template" OWNER "{room}{OWNER}"')
        self._made.append(name)
        return self._server.url(name, role=room + OWNER, password=self._passwords[room])

    def as_service(self, room: str, url: str) -> str:
        """URL of the same database as the role that processes of the room sign in as."""
        return self._server.url(url.rpartition("/")[2], role=room, password=self._passwords[room])

    def empty(self) -> str:
        """URL of a new database with nothing in it, as a role of its own that owns it."""
        name, password = f"empty_{secrets.token_hex(4)}", secrets.token_hex(16)
        self._make_role(name, password)
        self._server.sql(f'CREATE DATABASE "{name}" OWNER "{name}"')
        self._made.append(name)
        return self._server.url(name, role=name, password=password)

    def drop_all(self) -> None:
        """Drops what was made since the last call; connections that are still open are cut."""
        while self._made:
            self._server.sql(f'DROP DATABASE "{self._made.pop()}" WITH (FORCE)')

    def _make_template(self, room: str) -> None:
        password = secrets.token_hex(16)
        self._server.sql(make_roles(room, lambda _role: password))
        self._server.sql(f'CREATE DATABASE "{room}_template" OWNER "{room}{OWNER}"')
        url = self._server.url(f"{room}_template", role=room + OWNER, password=password)
        upgrade(url, self._migrations[room])
        self._passwords[room] = password

    def _make_role(self, name: str, password: str) -> None:
        self._server.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'")
