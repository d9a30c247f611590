"""What is read with every request is looked up by key, however many rows there are and whatever the planner knows.

The wall puts its filter before a join, and the planner may then read a whole table rather than look for one row.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from kit.db import Database
from kit.tenancy import acting_for
from kit.testing import Databases
from services.avatar import statements
from services.avatar.domain import Frame, Visit
from services.avatar.domain import Persona as Met
from services.avatar.domain import Subject as Visitor
from services.consent.domain import Holder
from services.consent.repository import consents
from services.profile.domain import Persona, Subject
from services.profile.repository import facets, vault

_ROWS = 5_000
_MD5 = "decode(md5(n::text), 'hex')"
_SEVERAL = f"FROM generate_series(1, {_ROWS}) AS n"
_PLANTED = {
    "vault": (
        f"""INSERT INTO bindings (brand, shard, audience, eid, pid, bound_at_ms, preferences, preferences_at_ms)
        SELECT 'oak', n % 64, 'app:shop', {_MD5}, {_MD5}, 0, '', 0 {_SEVERAL}""",
        f"""INSERT INTO personas (brand, shard, pid, generation, key_id, wrapped, wrapped_by)
        SELECT 'oak', n % 64, {_MD5}, 1, '1', '', '1' {_SEVERAL}""",
    ),
    "profile": (
        f"""INSERT INTO facets (brand, shard, pid, body, key_id, codec, blocks)
        SELECT 'oak', n % 64, {_MD5}, '', '1', 1, 1 {_SEVERAL}""",
    ),
    "consent": (
        f"""INSERT INTO current_consents (brand, shard, pid, audience, purpose, purpose_version, state, record_id,
            sequence, stated_at_ms, expires_at_ms, method, conflicts_with)
        SELECT 'oak', n % 64, {_MD5}, 'app:shop', 'p', 1, 'given', n::text, n, 0, 0, 'rest', '' {_SEVERAL}""",
    ),
    "avatar": (
        f"""INSERT INTO encounters (brand, shard, visit_id, audience, avatar, opened_at_ms, expires_at_ms, codec, state)
        SELECT 'oak', n % 64, {_MD5}, 'world:oak', 'ada', 0, 0, 1, '' {_SEVERAL}""",
        f"""INSERT INTO memories (brand, shard, pid, audience, avatar, key_id, codec, body)
        SELECT 'oak', n % 64, {_MD5}, 'world:oak', 'ada', '1', 1, 'x' {_SEVERAL}""",
    ),
}
_SOMEBODY = bytes(16)
_VISIT = Visit(_SOMEBODY, Visitor("oak", "world:oak", _SOMEBODY), "ada", 0)
_LOOK_UPS: dict[str, tuple[Callable[[Database], Awaitable[object]], ...]] = {
    "vault": (lambda service: vault.find(service, Subject("oak", "app:shop", _SOMEBODY)),),
    "profile": (lambda service: facets.load(service, "oak", [Persona("oak", 1, _SOMEBODY)]),),
    "consent": (lambda service: consents.check(service, Holder("oak", 1, _SOMEBODY, "app:shop"), ["p"]),),
    "avatar": (
        lambda service: statements.read_memory(service, _VISIT, Met("oak", 1, _SOMEBODY)),
        lambda service: statements.look(service, Frame(_VISIT, "f"), Met("oak", 1, _SOMEBODY)),
    ),
}
_READ = "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE seq_tup_read > 0 AND n_live_tup > 100"


@pytest.fixture(params=_LOOK_UPS)
async def full(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[tuple[str, str]]:
    """Room and URL of a database with many rows of one brand, which the planner has counted."""
    url = databases.fresh(request.param)
    owner = await asyncpg.connect(url)
    for plant in _PLANTED[request.param]:
        await owner.execute(plant)
    await owner.execute("ANALYZE")
    await owner.close()
    yield request.param, url
    databases.drop_all()


@pytest.fixture
async def service(full: tuple[str, str], databases: Databases) -> AsyncIterator[Database]:
    """The database, as a process of the room has it."""
    database = Database(databases.as_service(*full), pool_size=1)
    yield database
    await database.dispose()


async def test_no_table_is_read_whole(full: tuple[str, str], service: Database) -> None:
    with acting_for("oak"):
        before = await service.fetch(_READ)
        for look_up in _LOOK_UPS[full[0]]:
            await look_up(service)
        await service.fetch("SELECT pg_stat_force_next_flush()")
        assert await service.fetch(_READ) == before
