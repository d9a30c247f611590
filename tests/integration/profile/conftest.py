import asyncio
import os
import time
from contextlib import AsyncExitStack

import pytest

from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from kit.db import Database, raw
from kit.fence import FencedCache, boottime_ns, follow
from kit.rpc import connect
from services.consent.__main__ import serving
from services.consent.settings import ConsentSettings
from services.profile import messages
from services.profile.__main__ import build, open_aggregates, open_eraser
from services.profile.clients import ConsentClient
from services.profile.crowds import Crowds
from services.profile.domain import POWER_CUT
from services.profile.fenced import Decisions
from services.profile.settings import ProfileSettings
from services.profile.streams import Streams
from services.profile.use_cases.stores import Stores
from services.profile.weights import load_weights
from tests.integration.profile.door import Clock, Room
from tests.integration.profile.rights import Rights

_TABLES = {
    "profile": (
        "positions, message_ids, batches, facets, interaction_blocks, books, dead_letters, outbox, "
        "quarantine, mending_rules, crowds, uses, offers, wish_memberships"
    ),
    "vault": "bindings, personas, links, faces, erasures, erased_ids, link_codes, link_tries, aggregates",
}
# What a test has closed goes, and the present period begins with the next.
_FORGET = """
    DO $$ DECLARE period regclass; BEGIN
        FOR period IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relname ~ 'message_ids_[0-9]+$'
        LOOP EXECUTE 'DROP TABLE ' || period; END LOOP;
    END $$;
    TRUNCATE message_id_periods RESTART IDENTITY;
    INSERT INTO message_id_periods (began_ms) SELECT extract(epoch FROM now()) * 1000;
"""


@pytest.fixture
def clock():
    return Clock(time.time_ns() // 1_000_000)


@pytest.fixture(scope="module")
def urls(databases):
    """One set of databases for all tests of a module: emptying them is faster than copying them."""
    yield {room: databases.fresh(room) for room in ("profile", "vault", "consent")}
    databases.drop_all()


@pytest.fixture
async def opened(urls):
    found = {room: Database(url) for room, url in urls.items()}
    yield found
    # Consent records cannot be emptied and need not be: every test makes personas of its own.
    for room, tables in _TABLES.items():
        async with found[room].transaction() as connection:
            await connection.exec_driver_sql(f"TRUNCATE {tables}")
            if room == "profile":
                await (await raw(connection)).execute(_FORGET)
    for each in found.values():
        await each.dispose()


@pytest.fixture
async def consent_address(opened, keyring, tmp_path):
    # Each test elects anew, and waits a term for the leases of the one before.
    settings = ConsentSettings(
        database_url="postgresql://unused",
        keyring_dir=tmp_path / "keyring",
        grpc_address="127.0.0.1:0",
        fence_term_s=0.1,
    )
    async with serving(settings, opened["consent"]) as server:
        yield server.address


@pytest.fixture
async def consent(consent_address):
    async with connect(consent_address) as channel:
        yield ConsentClient(channel)


@pytest.fixture
async def stores(opened, keyring, consent, clock):
    keyring.ensure("pair")
    cache = FencedCache(boottime_ns, margin_ns=50_000_000, capacity=10_000)
    following = asyncio.create_task(follow(consent.hold, cache, boottime_ns))
    decisions = Decisions(consent, cache, clock)
    crowds = Crowds(opened["profile"], least=1)
    databases = opened["profile"], opened["vault"]
    yield Stores(*databases, keyring, consent, decisions, load_weights(), crowds, clock, os.urandom)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
def room(stores, clock):
    return Room(stores, clock)


@pytest.fixture
async def profile(stores, nats):
    await nats.jetstream().add_stream(name=messages.STREAM, subjects=[messages.SUBJECTS])
    settings = ProfileSettings(grpc_address="127.0.0.1:0", partitions=1)
    streams = Streams({POWER_CUT: nats}, 64 << 20)
    async with AsyncExitStack() as closing:
        eraser = open_eraser(stores, streams)
        server = await build(settings, stores, streams, eraser, open_aggregates(settings, stores, closing))
    await server.start()
    async with connect(server.address) as channel:
        yield ProfileServiceStub(channel)
    await server.stop(grace=None)


@pytest.fixture
def rights(profile, room, clock):
    return Rights(profile, room, clock)
