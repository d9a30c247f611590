"""What is read with every request is looked up by key, however many rows there are and whatever the planner knows.

The wall puts its filter before a join, and the planner may then read a whole table rather than look for one row.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import asyncpg
import pytest

from kit.db import Database, raw
from kit.tenancy import acting_for
from kit.testing import Databases
from services.avatar import statements
from services.avatar.domain import Frame, Visit
from services.avatar.domain import Persona as Met
from services.avatar.domain import Subject as Visitor
from services.avatar.encounter import Encounter
from services.avatar.manners import Manners
from services.avatar.statements import Begun
from services.consent.domain import Holder
from services.consent.repository import consents
from services.profile.domain import Persona, Subject
from services.profile.repository import circles, crossings, edges, facets, links, uses, vault

_ROWS = 5_000
_MD5 = "decode(md5(n::text), 'hex')"
_SEVERAL = f"FROM generate_series(1, {_ROWS}) AS n"
_PLANTED = {
    "vault": (
        f"""INSERT INTO bindings (brand, shard, audience, eid, pid, bound_at_ms, preferences, preferences_at_ms)
        SELECT 'oak', n % 64, 'app:shop', {_MD5}, {_MD5}, 0, '', 0 {_SEVERAL}""",
        f"""INSERT INTO personas (brand, shard, pid, generation, key_id, wrapped, wrapped_by)
        SELECT 'oak', n % 64, {_MD5}, 1, '1', '', '1' {_SEVERAL}""",
        f"""INSERT INTO links (brand, shard, pid, other_shard, other_pid, kind, linked_at_ms, audience, other_audience)
        SELECT 'oak', n % 64, {_MD5}, (n + 1) % 64, decode(md5((n + 1)::text), 'hex'),
            CASE n % 4 WHEN 1 THEN '{links.IDENTIFIED}' ELSE '{crossings.LINKED}' END, 0, 'app:shop', 'world:oak'
        {_SEVERAL} WHERE n % 2 = 1""",
        f"""INSERT INTO faces (brand, shard, audience, eid, user_shard, user_pid, seen_at_ms)
        SELECT 'oak', n % 64, 'app:shop', {_MD5}, n % 64, {_MD5}, 0 {_SEVERAL}""",
    ),
    "profile": (
        f"""INSERT INTO facets (brand, shard, pid, body, key_id, codec, blocks)
        SELECT 'oak', n % 64, {_MD5}, '', '1', 1, 1 {_SEVERAL}""",
        f"""INSERT INTO uses (brand, shard, pid, day, audience, purpose, what, record_id, count, first_at_ms,
            last_at_ms)
        SELECT 'oak', n % 64, {_MD5}, 0, 'app:shop', 'p', 'view', '', 1, 0, 0 {_SEVERAL}""",
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
_LookUp = Callable[[Database], Awaitable[object]]
_Room = tuple[Database, _LookUp]


def _within(look_up: Callable[[asyncpg.Connection], Awaitable[object]]) -> _LookUp:
    """Return a look-up that is one statement of a transaction."""

    async def look(service: Database) -> object:
        async with service.transaction() as transaction:
            return await look_up(await raw(transaction))

    return look


# Links of one kind and of the other begin here.
_ONE, _OTHER, _GONE = (Persona("oak", number % 64, hashlib.md5(b"%d" % number).digest()) for number in (1, 3, 5))
_SUBJECT = Subject("oak", "app:shop", _ONE.pid)
_VISIT = Visit(_ONE.pid, Visitor("oak", "world:oak", _ONE.pid), "ada", 0)
_MET = Met("oak", _ONE.shard, _ONE.pid)
_BEGUN = Begun(_VISIT, Encounter("en", Manners(0, 0)), 0, _ONE.pid)
_LOOK_UPS: dict[str, dict[str, _LookUp]] = {
    "vault": {
        "find": lambda service: vault.find(service, "oak", [("app:shop", _ONE.pid)]),
        "resolve": _within(lambda driver: vault.resolve(driver, "oak", [("app:shop", _ONE.pid)])),
        "bound_to": _within(lambda driver: vault.bound_to(driver, "oak", [("app:shop", _ONE)])),
        "linked": _within(lambda driver: links.linked(driver, _ONE)),
        "awaited": _within(lambda driver: links.awaited(driver, "oak", [_SUBJECT])),
        "across": _within(lambda driver: crossings.across(driver, [_OTHER])),
        "is_bound": lambda service: edges.is_bound(service, [_SUBJECT]),
        "shards_of": _within(lambda driver: edges.shards_of(driver, "oak", [_ONE])),
        "unbind": _within(lambda driver: edges.unbind(driver, "oak", [_GONE])),
        "circle": _within(lambda driver: circles.circle(driver, "oak", [_ONE])),
        "subjects_of": _within(lambda driver: circles.subjects_of(driver, "oak", [_ONE])),
        "delete": _within(lambda driver: circles.delete(driver, "oak", [_GONE])),
        "user_behind": _within(lambda driver: links.user_behind(driver, _ONE)),
    },
    "profile": {
        "load": lambda service: facets.load(service, "oak", [_ONE]),
        "standings": lambda service: facets.standings(service, "oak", [_ONE]),
        "uses": lambda service: uses.of(service, [_ONE]),
    },
    "consent": {"check": lambda service: consents.check(service, Holder("oak", 1, _ONE.pid, "app:shop"), ["p"])},
    "avatar": {
        "add_unremembered": lambda service: statements.add_unremembered(service, _BEGUN, _MET),
        "look": lambda service: statements.look(service, Frame(_VISIT, "f"), _MET),
    },
}
_NAMED = [(room, name) for room, named in _LOOK_UPS.items() for name in named]
_READ = "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE seq_tup_read > 0 AND n_live_tup > 100"


@pytest.fixture(scope="module")
def full(databases: Databases) -> Iterator[Mapping[str, str]]:
    """URLs, by room, of databases with many rows of one brand, which the planner has counted."""
    yield {room: asyncio.run(_filled(databases.fresh(room), plants)) for room, plants in _PLANTED.items()}
    databases.drop_all()


async def _filled(url: str, plants: Sequence[str]) -> str:
    owner = await asyncpg.connect(url)
    for plant in plants:
        await owner.execute(plant)
    await owner.execute("ANALYZE")
    await owner.close()
    return url


@pytest.fixture(params=_NAMED, ids="-".join)
async def room(request: pytest.FixtureRequest, full: Mapping[str, str], databases: Databases) -> AsyncIterator[_Room]:
    """A database as a process of the room has it, and what it looks up there."""
    name, look_up = request.param
    service = Database(databases.as_service(name, full[name]), pool_size=1)
    yield service, _LOOK_UPS[name][look_up]
    await service.dispose()


async def test_no_table_is_read_whole(room: _Room) -> None:
    service, look_up = room
    with acting_for("oak"):
        before = await service.fetch(_READ)
        await look_up(service)
        # A transaction has a connection of its own, which tells what it has read when it goes.
        await service.dispose()
        await service.fetch("SELECT pg_stat_force_next_flush()")
        assert await service.fetch(_READ) == before
