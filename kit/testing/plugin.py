"""Fixtures of every test: one PostgreSQL and one NATS a session, started when the first test asks for them."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import nats as nats_client
import pytest
from nats.aio.client import Client

from kit.db import Database
from kit.keyring import FolderKeyRing
from kit.servers import NatsServer, PostgresServer
from kit.testing.databases import Databases


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL without fsync: for tests that never pull the plug."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def durable_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of this test alone, with fsync as in earnest: may be killed."""
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrations() -> Mapping[str, Path]:
    """The Alembic folder of every room; the project's conftest says which."""
    return {}


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer, migrations: Mapping[str, Path]) -> Databases:
    """Templates of the session."""
    return Databases(postgres, migrations)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[Callable[[str], str]]:
    """`database_url("room")`: URL of a fresh migrated database of this test."""
    yield databases.fresh
    databases.drop_all()


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """URL of a fresh database with nothing in it."""
    yield databases.empty()
    databases.drop_all()


@pytest.fixture
async def database(database_url: Callable[[str], str]) -> AsyncIterator[Callable[[str], Database]]:
    """`database("room")`: a fresh migrated database of this test, disposed afterwards."""
    opened: list[Database] = []

    def open_fresh(room: str) -> Database:
        opened.append(Database(database_url(room)))
        return opened[-1]

    yield open_fresh
    for each in opened:
        await each.dispose()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server that leaves fsync to its own rhythm: for tests that never pull the plug."""
    server = NatsServer(tmp_path_factory.mktemp("nats"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def durable_nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A nats-server of this test alone, with fsync as in earnest: may be killed."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def nats_class_1_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A nats-server of durability class 1 of this test alone: may be killed, and its folder put back."""
    server = NatsServer(tmp_path / "nats-class-1", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def nats(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A client of the session's server, on which no stream of another test is left."""
    client = await nats_client.connect(nats_server.url)
    jetstream = client.jetstream()
    for stream in await jetstream.streams_info():
        await jetstream.delete_stream(str(stream.config.name))
    yield client
    await client.close()


@pytest.fixture
def nats_url(nats: Client, nats_server: NatsServer) -> str:  # noqa: ARG001  # the client has emptied the server
    """URL, with its password, of the session's server, emptied for this test."""
    return nats_server.url


@pytest.fixture
def keyring(tmp_path: Path) -> FolderKeyRing:
    """An empty key ring that goes with the test."""
    return FolderKeyRing(tmp_path / "keyring")
