"""Who shows no certificate of the deployment's own authority is refused: by services, by NATS and at PostgreSQL."""

import asyncio
import datetime as dt
import ssl
import struct
from contextlib import asynccontextmanager, suppress

import pytest

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.profile_pb2_grpc import (
    ProfileServiceServicer,
    ProfileServiceStub,
    add_ProfileServiceServicer_to_server,
)
from kit import events
from kit.db import Database
from kit.errors import DeadlineError, UnavailableError
from kit.rpc import build_server, connect
from kit.servers import NatsServer
from kit.settings import Settings
from kit.testing import eventually
from kit.tls import Tls
from maskenball.certificates import make_certificates

_SSL_REQUEST = struct.pack(">ii", 8, 80877103)
REFUSED = (UnavailableError, DeadlineError)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Certificates of our authority, and of another."""
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder / "ours", ["here", "there"], now, day)
    make_certificates(folder / "foreign", ["here"], now, day)
    return folder


@pytest.fixture
def ours(folders):
    return Tls(folders / "ours" / "here")


@pytest.fixture
def there(folders):
    return Settings(tls_dir=folders / "ours" / "there")


def strangers(folders):
    """Whoever speaks in the clear, shows no certificate, or one of another authority."""
    foreign = folders / "foreign" / "here"
    mixed = folders / "mixed"
    mixed.mkdir(exist_ok=True)
    # Believes in our authority, and has a certificate of another.
    for name, source in (
        ("ca.pem", folders / "ours" / "ca.pem"),
        ("cert.pem", foreign / "cert.pem"),
        ("key.pem", foreign / "key.pem"),
    ):
        (mixed / name).write_bytes(source.read_bytes())
    return [None, Tls(foreign), Tls(mixed)]


class Removing(ProfileServiceServicer):
    async def Remove(self, request, context):  # noqa: N802 - the contract's
        return profile_pb2.RemoveResponse(removed_at_ms=request.statement.stated_at_ms)


async def removed_at(channel, at_ms, timeout_s=20):
    request = profile_pb2.RemoveRequest(statement=Statement(stated_at_ms=at_ms))
    request.subject.brand = "oak"
    return (await ProfileServiceStub(channel).Remove(request, timeout=timeout_s)).removed_at_ms


class TestServices:
    @pytest.fixture
    async def address(self, there):
        service = (add_ProfileServiceServicer_to_server, Removing(), "contracts.profile.v1.ProfileService")
        server = build_server(there, [service])
        await server.start()
        yield server.address
        await server.stop(0)

    async def test_those_of_one_authority_speak_also_through_the_socket_beside(self, address, ours):
        async with connect(address, ours) as channel:
            assert await removed_at(channel, 1) == 1
            await eventually(lambda: channel._pipe.is_open() and channel._pipe._socket is not None)
            assert await removed_at(channel, 2) == 2

    async def test_nobody_else_is_answered(self, address, folders):
        for stranger in strangers(folders):
            async with connect(address, stranger) as channel:
                with pytest.raises(REFUSED):
                    await removed_at(channel, 1, timeout_s=0.5)


class TestNats:
    @pytest.fixture
    def server(self, folders, tmp_path):
        started = NatsServer(tmp_path / "nats", durable=False, tls_dir=folders / "ours" / "there")
        started.start()
        yield started
        started.stop()

    async def test_those_of_one_authority_are_let_in(self, server, folders):
        client = await events.connect(Settings(nats_url=server.url, tls_dir=folders / "ours" / "here"))
        await client.flush()
        await client.close()

    async def test_nobody_else_hears_a_word(self, server, folders, ours):
        assert await heard(server.port, ours) == b"I"
        assert [await heard(server.port, stranger) for stranger in strangers(folders)] == [b"", b"", b""]


async def heard(port, tls):
    """The first byte that a server says, nothing from one that hangs up."""
    with suppress(ssl.SSLError, OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=None if tls is None else tls.client)
        try:
            # What is no TLS at all is hung up on when it is said.
            writer.write(b"PING\r\n")
            return await reader.read(1)
        finally:
            writer.close()
            with suppress(ssl.SSLError, OSError):
                await writer.wait_closed()
    return b""


@asynccontextmanager
async def before(database_url, tls):
    """PostgreSQL's own way into TLS, before a server that was built without it: asks for a certificate as it would."""
    host, port = database_url.rpartition("@")[2].partition("/")[0].split(":")
    path = database_url.rpartition("/")[2]

    async def carry(reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def entered(reader, writer):
        try:
            if await reader.readexactly(8) != _SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.start_tls(tls.server)
            inner, outer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(carry(reader, outer), carry(inner, writer))
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(entered, "127.0.0.1", 0)
    async with server:
        credentials = database_url.rpartition("@")[0]
        yield f"{credentials}@127.0.0.1:{server.sockets[0].getsockname()[1]}/{path}"


class TestPostgres:
    async def test_those_of_one_authority_are_let_in_by_every_pool(self, database_url, ours, there):
        async with before(database_url("profile"), there.tls) as url:
            database = Database(url, pool_size=1, tls=ours)
            await database.ping()
            async with database.reading() as connection:
                await connection.exec_driver_sql("SELECT 1")
            async with database.transaction() as connection:
                await connection.exec_driver_sql("SELECT 1")
            await database.dispose()

    async def test_nobody_else_is(self, database_url, there, folders):
        async with before(database_url("profile"), there.tls) as url:
            for stranger in strangers(folders)[1:]:
                database = Database(url, pool_size=1, tls=stranger)
                with pytest.raises(UnavailableError):
                    await database.ping()
                await database.dispose()

    async def test_a_server_that_speaks_in_the_clear_is_not_spoken_to(self, database_url, ours):
        database = Database(database_url("profile"), pool_size=1, tls=ours)
        with pytest.raises(UnavailableError):
            await database.ping()
        await database.dispose()
