"""Offers that were made, one by one: sealed under the key of their persona, told for 90 days."""

from collections.abc import Sequence

import asyncpg

from kit.db import Database
from services.profile.domain import Persona
from services.profile.repository.facets import Sealed

# Of one facet that is shown. A row is what one report told of it.
_MOST_NEWEST = 100
_MOST_BEHIND = 1_000


async def add(profile: Database, brand: str, day: int, reported: Sequence[Sealed]) -> None:
    """Keep what was reported. Not waited for until it is on disk: what a second adds may go with the server."""
    await profile.note(
        """
        INSERT INTO offers (brand, shard, pid, day, body, key_id, codec)
        SELECT $1, q.shard, q.pid, $2, q.body, q.key_id, q.codec
        FROM unnest($3::smallint[], $4::bytea[], $5::bytea[], $6::text[], $7::smallint[])
            AS q(shard, pid, body, key_id, codec)
        """,
        brand,
        day,
        *map(list, zip(*reported, strict=True)),
    )


async def newest(profile: Database, personas: Sequence[Persona]) -> list[tuple[bytes, bytes]]:
    """Return the newest of these personas of one brand, each with its pid."""
    rows = await profile.fetch(
        """
        SELECT q.pid, o.body FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        CROSS JOIN LATERAL (
            SELECT body FROM offers WHERE brand = $1 AND shard = q.shard AND pid = q.pid ORDER BY number DESC LIMIT $4
        ) AS o
        """,
        personas[0].brand,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
        _MOST_NEWEST,
    )
    return [(pid, body) for pid, body in rows]


async def behind(profile: Database, persona: Persona, number: int) -> list[tuple[int, bytes]]:
    """Return the next of a facet behind a number, in the order of their report, each with its own."""
    rows = await profile.fetch(
        """
        SELECT number, body FROM offers
        WHERE brand = $1 AND shard = $2 AND pid = $3 AND number > $4 ORDER BY number LIMIT $5
        """,
        persona.brand,
        persona.shard,
        persona.pid,
        number,
        _MOST_BEHIND,
    )
    return [(number, body) for number, body in rows]


async def expire(connection: asyncpg.Connection, brand: str, before_day: int, most: int) -> None:
    """Forget what was made before a day, so many at a time."""
    await connection.execute(
        "DELETE FROM offers WHERE ctid IN (SELECT ctid FROM offers WHERE brand = $1 AND day < $2 LIMIT $3)",
        brand,
        before_day,
        most,
    )
