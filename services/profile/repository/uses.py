"""Who used what of whom, and what it gave: a line per persona, day, audience, purpose, record and kind."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from kit.db import Database
from services.profile.domain import Persona


class Line(NamedTuple):
    """One line. `day` counts from 1970 UTC, times are milliseconds."""

    persona: Persona
    day: int
    audience: str
    purpose: str
    what: str
    record_id: str
    times: int
    first_at_ms: int
    last_at_ms: int


async def add(profile: Database, lines: Sequence[Line]) -> None:
    """Add to what is counted. Not waited for until it is on disk: what a second adds may go with the server."""
    # In the order of keys, so that two processes never wait for each other.
    ordered = sorted(lines, key=lambda line: (*_key(line.persona), *line[1:6]))
    await profile.note(
        """
        INSERT INTO uses (brand, shard, pid, day, audience, purpose, what, record_id, count, first_at_ms, last_at_ms)
        SELECT * FROM unnest(
            $1::text[], $2::smallint[], $3::bytea[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::bigint[], $11::bigint[]
        )
        ON CONFLICT (brand, shard, pid, day, audience, purpose, what, record_id) DO UPDATE
        SET count = uses.count + excluded.count, first_at_ms = least(uses.first_at_ms, excluded.first_at_ms),
            last_at_ms = greatest(uses.last_at_ms, excluded.last_at_ms)
        """,
        *map(list, zip(*((*_key(line.persona), *line[1:]) for line in ordered), strict=True)),
    )


async def of(profile: Database, personas: Sequence[Persona]) -> list[Line]:
    """Return what is told of these personas of one brand, newest day first."""
    rows = await profile.fetch(
        """
        SELECT u.shard, u.pid, u.day, u.audience, u.purpose, u.what, u.record_id, u.count, u.first_at_ms, u.last_at_ms
        FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        JOIN uses u ON u.brand = $1 AND u.shard = q.shard AND u.pid = q.pid
        ORDER BY u.day DESC, u.audience, u.purpose, u.what, u.first_at_ms
        """,
        personas[0].brand,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
    )
    return [Line(Persona(personas[0].brand, shard, pid), *facts) for shard, pid, *facts in rows]


async def expire(connection: asyncpg.Connection, brand: str, before_day: int, most: int) -> None:
    """Forget lines of days before one, so many at a time."""
    await connection.execute(
        """
        DELETE FROM uses WHERE ctid IN (SELECT ctid FROM uses WHERE brand = $1 AND day < $2 LIMIT $3)
        """,
        brand,
        before_day,
        most,
    )


def _key(persona: Persona) -> tuple[str, int, bytes]:
    return persona.brand, persona.shard, persona.pid
