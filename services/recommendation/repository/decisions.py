"""Statements about decisions: what is kept of personas, the log, what was learnt from it, and terms of offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kit.db import Database
from services.recommendation.deciding import Answers
from services.recommendation.domain import Circle, Keyed, Persona

# Rows are locked in this order: decisions, states by shard and pid, answers by bucket, customs by name. So nobody waits
# for somebody who waits for them.
_STATES = """
SELECT s.pid, s.body, s.habits, s.xmin::text::bigint AS version FROM unnest($2::int[], $3::bytea[]) AS u (shard, pid)
JOIN decision_states s ON s.brand = $1 AND s.shard = u.shard AND s.pid = u.pid
"""
_HOLD = """
INSERT INTO decision_states AS s (brand, shard, pid, codec, body, taught, changed_at)
SELECT $1, shard, pid, $4, '', '', $5 FROM unnest($2::int[], $3::bytea[]) AS u (shard, pid) ORDER BY shard, pid
ON CONFLICT (brand, shard, pid) DO UPDATE SET changed_at = excluded.changed_at
RETURNING s.pid, s.body, s.taught, s.habits, s.customs
"""
_PUT_STATE = """
UPDATE decision_states SET codec = $4, body = $5, taught = $6, habits = $7, customs = $8
WHERE brand = $1 AND shard = $2 AND pid = $3
"""
_ADD = """
INSERT INTO decisions (brand, decision_id, shard, pid, decided_at, outcome, codec, body)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
"""
# Nothing is written when the state of anybody is not the version that was seen: then states come back instead. Whoever
# answers while this runs has said more than that somebody turned up: then that is not noted.
_NOTE = """
WITH circle AS MATERIALIZED (
    SELECT u.pid, s.body, s.habits, s.version, s.version IS DISTINCT FROM nullif(u.seen, 0) AS is_news
    FROM unnest($10::int[], $11::bytea[], $12::bigint[]) AS u (shard, pid, seen) LEFT JOIN LATERAL (
        SELECT body, habits, xmin::text::bigint AS version FROM decision_states
        WHERE brand = $1 AND shard = u.shard AND pid = u.pid LIMIT 1
    ) s ON true
), met AS (
    INSERT INTO decision_states AS s (brand, shard, pid, codec, body, taught, changed_at, habits)
    SELECT $1::text, $3::smallint, $4::bytea, $6::smallint, '', '', $5::timestamptz, $8::bytea
    WHERE NOT EXISTS (SELECT FROM circle WHERE is_news)
    ON CONFLICT (brand, shard, pid) DO UPDATE SET habits = excluded.habits, changed_at = excluded.changed_at
    WHERE s.habits = $9
    RETURNING s.xmin::text::bigint AS version
), logged AS (
    INSERT INTO decisions (brand, decision_id, shard, pid, decided_at, outcome, codec, body)
    SELECT $1::text, $2::bytea, $3::smallint, $4::bytea, $5::timestamptz, 0, $6::smallint, $7::bytea
    WHERE NOT EXISTS (SELECT FROM circle WHERE is_news)
)
SELECT pid, body, habits, version FROM circle WHERE EXISTS (SELECT FROM circle WHERE is_news)
UNION ALL SELECT NULL, NULL, NULL, version FROM met
"""
_FIND = """
SELECT shard, pid, outcome, body FROM decisions WHERE brand = $1 AND decision_id = $2 AND decided_at > $3
"""
_LIST = """
SELECT d.decision_id, d.shard, d.pid, d.outcome, d.body, d.decided_at
FROM unnest($2::int[], $3::bytea[]) AS u (shard, pid)
JOIN decisions d ON d.brand = $1 AND d.shard = u.shard AND d.pid = u.pid
WHERE d.decided_at > $4 AND (d.decided_at, d.decision_id) < ($5, $6)
ORDER BY d.decided_at DESC, d.decision_id DESC LIMIT $7
"""
_FIND_LOCKED = f"{_FIND} FOR UPDATE"
_END = "UPDATE decisions SET outcome = $3 WHERE brand = $1 AND decision_id = $2"
_TEACH = """
INSERT INTO answers AS a (brand, bucket, seen, accepted, annoyed)
SELECT $1, bucket, seen, accepted, annoyed
FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS u (bucket, seen, accepted, annoyed)
ORDER BY bucket
ON CONFLICT (brand, bucket) DO UPDATE SET
    seen = a.seen + excluded.seen, accepted = a.accepted + excluded.accepted, annoyed = a.annoyed + excluded.annoyed
"""
_TEACH_CUSTOMS = """
INSERT INTO customs AS c (brand, name, for_yes, for_no)
SELECT $1, name, for_yes, for_no FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS u (name, for_yes, for_no)
ORDER BY name
ON CONFLICT (brand, name) DO UPDATE SET
    for_yes = c.for_yes + excluded.for_yes, for_no = c.for_no + excluded.for_no
"""
_CUSTOMS = "SELECT brand, name, for_yes, for_no FROM customs"
_ANSWERS = "SELECT brand, bucket, seen, accepted, annoyed FROM answers"
_ERASE_DECISIONS = """
DELETE FROM decisions d USING unnest($2::int[], $3::bytea[]) AS u (shard, pid)
WHERE d.brand = $1 AND d.shard = u.shard AND d.pid = u.pid RETURNING 1
"""
_ERASE_STATES = """
DELETE FROM decision_states s USING unnest($2::int[], $3::bytea[]) AS u (shard, pid)
WHERE s.brand = $1 AND s.shard = u.shard AND s.pid = u.pid RETURNING s.taught, s.customs
"""
_EXPIRE_DECISIONS = "DELETE FROM decisions WHERE decided_at < $1"
# What somebody taught stays, for it has to be taken back one day.
_EXPIRE_STATES = """
WITH emptied AS (
    UPDATE decision_states SET body = '', habits = ''
    WHERE changed_at < $1 AND (body <> '' OR habits <> '') AND (taught <> '' OR customs <> '')
)
DELETE FROM decision_states WHERE changed_at < $1 AND taught = '' AND customs = ''
"""
_PUT_OFFERS = """
INSERT INTO offers (brand, item, codec, body)
SELECT $1, item, $2, body FROM unnest($3::text[], $4::bytea[]) AS u (item, body) ORDER BY item
ON CONFLICT (brand, item) DO UPDATE SET codec = excluded.codec, body = excluded.body
"""
_RAISE = """
INSERT INTO offer_revisions AS r (brand, revision) VALUES ($1, 1)
ON CONFLICT (brand) DO UPDATE SET revision = r.revision + 1
"""
_COUNT_OFFERS = "SELECT count(*) FROM offers WHERE brand = $1"
_OFFERS = "SELECT body FROM offers WHERE brand = $1 ORDER BY item"
_REVISIONS = "SELECT brand, revision FROM offer_revisions"


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision as it lies in the log."""

    persona: Persona
    decision_id: bytes
    body: bytes
    outcome: int = 0
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldState:
    """A state as it is kept; nobody else changes it until the transaction ends."""

    body: bytes = b""
    taught: bytes = b""
    habits: bytes = b""
    customs: bytes = b""
    #: Which version of the row it is; 0 while there is none.
    version: int = 0


@dataclass(frozen=True, slots=True)
class Turned:
    """Habits of whom a decision is about, as they were read and as they are now."""

    before: bytes
    after: bytes
    codec: int


@dataclass(frozen=True, slots=True)
class Noted:
    """How the states were that were not as seen, so that nothing was noted; else the version that was made."""

    news: dict[bytes, HeldState]
    #: 0 when somebody answered while it was noted.
    version: int = 0


async def read_states(database: Database, circle: Circle) -> dict[bytes, HeldState]:
    """Return what is kept of each of a circle, by pid, without what it taught; nobody is kept from changing it."""
    rows = await database.fetch(_STATES, *_columns([each.persona for each in circle]))
    return _states(rows, circle)


async def hold_states(driver: asyncpg.Connection, circle: Circle, codec: int, now: datetime) -> dict[bytes, HeldState]:
    """Return the same, and keep everybody else from changing any of it until the transaction ends."""
    rows = await driver.fetch(_HOLD, *_columns([each.persona for each in circle]), codec, now)
    return {row["pid"]: HeldState(row["body"], row["taught"], row["habits"], row["customs"]) for row in rows}


async def put_state(driver: asyncpg.Connection, persona: Persona, codec: int, state: HeldState) -> None:
    """Replace a state that is held."""
    whose = persona.brand, persona.shard, persona.pid
    await driver.execute(_PUT_STATE, *whose, codec, state.body, state.taught, state.habits, state.customs)


async def note_decision(
    database: Database, logged: Logged, turned: Turned, now: datetime, seen: Mapping[Keyed, int]
) -> Noted:
    """Add a decision that promises nothing, and habits; the last half second of these is lost with the server.

    Nothing is added when the state of anybody in `seen` is another version than is said there.
    """
    _, shards, pids = _columns([each.persona for each in seen]) if seen else ("", [], [])
    row = _row(logged, turned.codec, now)
    rows = await database.note(_NOTE, *row, turned.after, turned.before, shards, pids, list(seen.values()))
    if rows and rows[0]["pid"] is not None:
        return Noted(_states(rows, tuple(seen)))
    return Noted({}, rows[0]["version"] if rows else 0)


async def add_decision(driver: asyncpg.Connection, logged: Logged, codec: int, now: datetime) -> None:
    """Add a decision in the transaction that holds what it takes."""
    await driver.execute(_ADD, *_row(logged, codec, now))


async def list_decisions(
    database: Database, personas: Sequence[Persona], since: datetime, before: tuple[datetime, bytes], count: int
) -> list[Logged]:
    """Return decisions about personas of one brand, newest first, that were made after `since` and before a place."""
    brand = personas[0].brand
    rows = await database.fetch(_LIST, *_columns(personas), since, *before, count)
    return [
        Logged(Persona(brand, shard, pid), decision_id, body, outcome, at)
        for decision_id, shard, pid, outcome, body, at in rows
    ]


async def find_decision(database: Database, brand: str, decision_id: bytes, since: datetime) -> Logged | None:
    """Return a decision that was made after `since`."""
    rows = await database.fetch(_FIND, brand, decision_id, since)
    return _logged(brand, decision_id, rows[0]) if rows else None


async def lock_decision(driver: asyncpg.Connection, brand: str, decision_id: bytes, since: datetime) -> Logged | None:
    """Return the same, and keep everybody else from ending it until the transaction ends."""
    row = await driver.fetchrow(_FIND_LOCKED, brand, decision_id, since)
    return _logged(brand, decision_id, row) if row else None


async def end_decision(driver: asyncpg.Connection, brand: str, decision_id: bytes, outcome: int) -> None:
    """Note what became of a decision."""
    await driver.execute(_END, brand, decision_id, outcome)


async def teach(driver: asyncpg.Connection, brand: str, added: Mapping[int, Sequence[int]]) -> None:
    """Add to what was learnt; what is negative takes it back."""
    columns = ([each[place] for each in added.values()] for place in range(3))
    await driver.execute(_TEACH, brand, list(added), *columns)


async def teach_customs(driver: asyncpg.Connection, brand: str, added: Mapping[str, Sequence[int]]) -> None:
    """Add to what is the custom; what is negative takes it back."""
    for_yes, for_no = ([pair[place] for pair in added.values()] for place in (0, 1))
    await driver.execute(_TEACH_CUSTOMS, brand, list(added), for_yes, for_no)


async def list_customs(database: Database) -> dict[str, dict[str, tuple[int, int]]]:
    """Return what is the custom, by brand and name."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for brand, name, for_yes, for_no in await database.fetch(_CUSTOMS):
        found.setdefault(brand, {})[name] = for_yes, for_no
    return found


async def list_answers(database: Database) -> dict[str, dict[int, Answers]]:
    """Return what was learnt, by brand and bucket."""
    found: dict[str, dict[int, Answers]] = {}
    for brand, bucket, *counts in await database.fetch(_ANSWERS):
        found.setdefault(brand, {})[bucket] = Answers(*counts)
    return found


async def erase(driver: asyncpg.Connection, personas: Sequence[Persona]) -> tuple[int, list[HeldState]]:
    """Delete all that is kept of personas of one brand; return the number of decisions, and what each had taught."""
    decisions = await driver.fetch(_ERASE_DECISIONS, *_columns(personas))
    states = await driver.fetch(_ERASE_STATES, *_columns(personas))
    return len(decisions), [HeldState(taught=row["taught"], customs=row["customs"]) for row in states]


async def expire_decisions(database: Database, before: datetime) -> None:
    """Forget the decisions of every brand that are older."""
    await database.fetch(_EXPIRE_DECISIONS, before)


async def expire_states(database: Database, before: datetime) -> None:
    """Forget what is kept of personas of every brand about whom nothing was decided or heard since."""
    await database.fetch(_EXPIRE_STATES, before)


async def put_offers(driver: asyncpg.Connection, brand: str, codec: int, terms: Mapping[str, bytes]) -> int:
    """Add terms by item, or replace them; return of how many items the brand has some."""
    await driver.execute(_RAISE, brand)
    await driver.execute(_PUT_OFFERS, brand, codec, list(terms), list(terms.values()))
    return int(await driver.fetchval(_COUNT_OFFERS, brand))


async def list_offers(database: Database, brand: str) -> list[bytes]:
    """Return the terms of a brand, by item."""
    return [row["body"] for row in await database.fetch(_OFFERS, brand)]


async def list_revisions(database: Database) -> dict[str, int]:
    """Return how often the offers of each brand were changed."""
    return {row["brand"]: row["revision"] for row in await database.fetch(_REVISIONS)}


def _states(rows: Sequence[asyncpg.Record], circle: Circle) -> dict[bytes, HeldState]:
    found = {row["pid"]: row for row in rows if row["version"] is not None}
    states = {each.persona.pid: HeldState() for each in circle}
    return states | {
        pid: HeldState(row["body"], habits=row["habits"], version=row["version"]) for pid, row in found.items()
    }


def _columns(personas: Sequence[Persona]) -> tuple[str, list[int], list[bytes]]:
    return personas[0].brand, [each.shard for each in personas], [each.pid for each in personas]


def _row(logged: Logged, codec: int, now: datetime) -> tuple[object, ...]:
    persona = logged.persona
    return persona.brand, logged.decision_id, persona.shard, persona.pid, now, codec, logged.body


def _logged(brand: str, decision_id: bytes, row: asyncpg.Record) -> Logged:
    return Logged(Persona(brand, row["shard"], row["pid"]), decision_id, row["body"], row["outcome"])
