"""Everything there is of many facets, for reading alone: who they are, a page at a time, and their blocks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg
from sqlalchemy import text

from kit.db import Database, raw
from services.profile.domain import Bound, Persona

# Blocks of a busy fold are small, and those of a bulk import up to half a megabyte.
_PREFETCH = 64
_MOST_BLOCKS = 1_000


class Kept(NamedTuple):
    """A facet that has a data key; without audience nothing is bound to it any more."""

    bound: Bound
    audience: str | None
    is_linked: bool


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction that sees one moment and cannot write."""
    async with database.transaction() as transaction:
        await transaction.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield await raw(transaction)


async def page(connection: asyncpg.Connection, brand: str, shard: int, after: bytes, most: int) -> list[Kept]:
    """Return the next facets of a shard that have a data key, by pid."""
    rows = await connection.fetch(
        """
        SELECT k.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by, k.choices,
            coalesce(
                (
                    SELECT audience FROM bindings b
                    WHERE b.brand = $1 AND coalesce(b.home, b.shard) = $2 AND b.pid = k.pid LIMIT 1
                ),
                (
                    SELECT audience FROM faces f
                    WHERE f.brand = $1 AND coalesce(f.home, f.shard) = $2 AND f.pid = k.pid LIMIT 1
                )
            ),
            EXISTS (SELECT FROM links l WHERE l.brand = $1 AND l.shard = $2 AND l.pid = k.pid)
        FROM personas k WHERE k.brand = $1 AND k.shard = $2 AND k.pid > $3 ORDER BY k.pid LIMIT $4
        """,
        brand,
        shard,
        after,
        most,
    )
    return [
        Kept(
            Bound(Persona(brand, shard, pid), generation, key_id, wrapped, wrapped_by, choices=choices),
            audience,
            is_linked,
        )
        for pid, generation, key_id, wrapped, wrapped_by, choices, audience, is_linked in rows
    ]


class Lying(NamedTuple):
    """A block as it lies; nobody knows of the oldest whether shared models were taught with them."""

    block_id: bytes
    body: bytes
    is_taught: bool | None


async def taught(source: Database, persona: Persona) -> list[Lying]:
    """Return every block of a facet in order, if shared models were taught with any of them."""
    rows = await source.fetch(
        """
        SELECT block_id, body, is_taught FROM interaction_blocks b
        WHERE brand = $1 AND shard = $2 AND pid = $3 AND EXISTS (
            SELECT FROM interaction_blocks t
            WHERE t.brand = b.brand AND t.shard = b.shard AND t.pid = b.pid AND t.is_taught
        ) ORDER BY number
        """,
        persona.brand,
        persona.shard,
        persona.pid,
    )
    return [Lying(*row) for row in rows]


async def blocks(
    connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]
) -> AsyncIterator[tuple[int, bytes, bytes]]:
    """Yield every block of these facets, in no order: the place of its facet among them, its id and its sealed body."""
    # OFFSET keeps the planner to one look-up by key each, whatever it believes of a table without statistics.
    cursor = connection.cursor(
        """
        SELECT q.place, b.block_id, b.body
        FROM unnest($2::smallint[], $3::bytea[]) WITH ORDINALITY AS q(shard, pid, place)
        CROSS JOIN LATERAL (
            SELECT block_id, body FROM interaction_blocks
            WHERE brand = $1 AND shard = q.shard AND pid = q.pid OFFSET 0
        ) AS b
        """,
        brand,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
        prefetch=_PREFETCH,
    )
    async for place, block_id, body in cursor:
        yield place - 1, block_id, body


async def behind(source: Database, persona: Persona, number: int, most_bytes: int) -> list[tuple[int, bytes, bytes]]:
    """Return the next blocks of a facet behind one, as (number, id, body): at least one, and then as many as fit."""
    rows = await source.fetch(
        """
        SELECT number, block_id, body FROM (
            SELECT number, block_id, body, sum(length(body)) OVER (ORDER BY number) - length(body) AS before
            FROM (
                SELECT number, block_id, body FROM interaction_blocks
                WHERE brand = $1 AND shard = $2 AND pid = $3 AND number > $4 ORDER BY number LIMIT $5
            ) AS following
        ) AS measured WHERE before = 0 OR before + length(body) <= $6 ORDER BY number
        """,
        persona.brand,
        persona.shard,
        persona.pid,
        number,
        _MOST_BLOCKS,
        most_bytes,
    )
    return [(number, block_id, body) for number, block_id, body in rows]
