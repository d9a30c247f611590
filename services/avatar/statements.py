"""What frames that come often read and write: single statements, each a transaction of its own.

What an opening or a question leaves behind is not waited for until it is on disk. Lost with the server, a visit is one
that nobody opened, and the world opens another. What a visitor did, gave, took back or wants forgotten is waited for.
"""

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.avatar import packing
from services.avatar.domain import Effect, Frame, Item, Persona, Visit
from services.avatar.encounter import Encounter
from services.avatar.repository import Kept, Sealed

# Changes nothing where something is remembered: then the encounter begins as the memory says.
_OPEN_UNREMEMBERED = """
WITH remembered AS (
    SELECT key_id, body FROM memories
    WHERE brand = $1 AND shard = $11 AND pid = $12 AND audience = $4 AND avatar = $5 AND body <> '' LIMIT 1
), opened AS (
    INSERT INTO encounters (brand, shard, visit_id, audience, avatar, opened_at_ms, expires_at_ms, codec, state, pid)
    SELECT $1::text, $2::int, $3::bytea, $4::text, $5::text, $6::bigint, $7::bigint, $8::smallint, $9::bytea, $10::bytea
    WHERE NOT EXISTS (SELECT FROM remembered)
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT FROM opened), key_id, body FROM (SELECT) AS one LEFT JOIN remembered ON true
"""

_OPEN = """
INSERT INTO encounters (brand, shard, visit_id, audience, avatar, opened_at_ms, expires_at_ms, codec, state, pid)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING 1
"""

_OPEN_MANY = """
INSERT INTO encounters (brand, shard, visit_id, audience, avatar, opened_at_ms, expires_at_ms, codec, state, pid)
SELECT *
FROM unnest($1::text[], $2::int[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::smallint[],
    $9::bytea[], $10::bytea[])
ON CONFLICT DO NOTHING RETURNING visit_id
"""

_LOOK = """
SELECT e.state, e.expires_at_ms, e.closed_at_ms, f.frame_id, m.key_id, m.body, coalesce(c.revision, 0)
FROM encounters e
LEFT JOIN effects f ON f.brand = e.brand AND f.shard = e.shard AND f.visit_id = e.visit_id AND f.frame_id = $6
LEFT JOIN memories m ON m.brand = e.brand AND m.shard = $7 AND m.pid = $8 AND m.audience = $4 AND m.avatar = $5
LEFT JOIN catalogues c ON c.brand = e.brand
WHERE e.brand = $1 AND e.shard = $2 AND e.visit_id = $3 AND e.audience = $4 AND e.avatar = $5
"""

# Holds only while the encounter is as it was looked at; a frame in between makes it change nothing.
_TURN = """
WITH turned AS (
    UPDATE encounters SET codec = $4, state = $5
    WHERE brand = $1 AND shard = $2 AND visit_id = $3 AND state = $6 AND expires_at_ms = $7 AND closed_at_ms IS NULL
    RETURNING brand, shard, visit_id
), noted AS (
    INSERT INTO effects (brand, shard, visit_id, frame_id, codec, body)
    SELECT brand, shard, visit_id, $8::text, $4::smallint, $9::bytea FROM turned WHERE $8::text <> ''
)
SELECT 1 FROM turned
"""

_ITEMS = "SELECT item, title, topics, price, place FROM items WHERE brand = $1 AND item = ANY($2::text[])"


@dataclass(frozen=True, slots=True)
class Begun:
    """An encounter to be added; the pid is empty for somebody nobody knows."""

    visit: Visit
    encounter: Encounter
    opened_at_ms: int
    pid: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """An encounter as one statement saw it, with what a question needs beside it."""

    kept: Kept
    state: bytes
    is_repeat: bool
    memory: Sealed | None
    revision: int


async def add_unremembered(database: Database, begun: Begun, persona: Persona | None) -> tuple[bool, Sealed | None]:
    """Add the encounter, unless something is remembered of the persona, where one is named: then return that.

    Returns False, with nothing changed, also when the visit is there already.
    """
    whose = (None, None) if persona is None else (persona.shard, persona.pid)
    [(is_added, key_id, body)] = await database.note(_OPEN_UNREMEMBERED, *_row(begun), *whose)
    return is_added, Sealed(key_id, body) if body else None


async def add_encounter(database: Database, begun: Begun) -> bool:
    """Return False, with nothing changed, when the visit is there already."""
    return bool(await database.note(_OPEN, *_row(begun)))


async def add_encounters(database: Database, begun: Collection[Begun]) -> set[bytes]:
    """Return the visits that were not there already."""
    rows = await database.note(_OPEN_MANY, *map(list, zip(*map(_row, begun), strict=True)))
    return {visit_id for (visit_id,) in rows}


async def look(database: Database, frame: Frame, persona: Persona | None) -> Standing | None:
    """Return how the visit of this frame stands, with the memory of the persona, where one is named."""
    visit = frame.visit
    whose = (None, None) if persona is None else (persona.shard, persona.pid)
    rows = await database.fetch(_LOOK, *_key(visit), visit.subject.audience, visit.avatar, frame.id, *whose)
    if not rows:
        return None
    state, expires_at_ms, closed_at_ms, frame_id, key_id, body, revision = rows[0]
    kept = Kept(packing.unpack_encounter(state), expires_at_ms, closed_at_ms is not None)
    return Standing(kept, state, frame_id is not None, Sealed(key_id, body) if body else None, revision)


async def turn(database: Database, frame: Frame, standing: Standing, encounter: Encounter, effect: Effect) -> bool:
    """Save what a frame brought about; False, with nothing changed, when the encounter is not as it was looked at."""
    before = standing.state, standing.kept.expires_at_ms
    after = packing.CODEC, packing.pack(encounter)
    try:
        noted = frame.id, packing.pack(effect)
        return bool(await database.note(_TURN, *_key(frame.visit), *after, *before, *noted))
    except asyncpg.UniqueViolationError:
        # The same frame came twice at once, and changed nothing but its effect.
        return False


async def list_items(database: Database, brand: str, ids: Collection[str]) -> list[Item]:
    """Return those that are known."""
    rows = await database.fetch(_ITEMS, brand, list(ids))
    return [Item(item, title, tuple(topics), price, place) for item, title, topics, price, place in rows]


def _row(begun: Begun) -> tuple[object, ...]:
    visit = begun.visit
    times = begun.opened_at_ms, visit.expires_at_ms
    state = packing.pack(begun.encounter)
    return *_key(visit), visit.subject.audience, visit.avatar, *times, packing.CODEC, state, begun.pid


def _key(visit: Visit) -> tuple[str, int, bytes]:
    return visit.subject.brand, visit.subject.shard, visit.id
