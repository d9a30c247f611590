"""Facets and interaction blocks: sealed bytes, read and written by the batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.profile.domain import Persona


@dataclass(frozen=True, slots=True)
class Sealed:
    """Sealed bytes of one persona."""

    shard: int
    pid: bytes
    body: bytes
    key_id: str
    codec: int


@dataclass(frozen=True, slots=True)
class Block:
    """The interactions of one persona in one fold, sealed."""

    sealed: Sealed
    events: int


async def load(source: asyncpg.Connection | Database, brand: str, personas: Sequence[Persona]) -> dict[bytes, Sealed]:
    """Return the facets there are, by pid: within a transaction, or with a statement of its own."""
    # LIMIT keeps the planner to one look-up by key each, whatever it believes of a table without statistics.
    rows = await source.fetch(
        """
        SELECT f.*
        FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        CROSS JOIN LATERAL (
            SELECT shard, pid, body, key_id, codec FROM facets
            WHERE brand = $1 AND shard = q.shard AND pid = q.pid LIMIT 1
        ) AS f
        """,
        brand,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
    )
    return {row[1]: Sealed(*row) for row in rows}


async def keep(
    connection: asyncpg.Connection, brand: str, facets: Sequence[Sealed], block_id: bytes, blocks: Sequence[Block]
) -> None:
    """Put facets in the place of those before, and append their interactions, never to be changed.

    One statement: on a busy machine each way to the database and back is a good part of what a small fold takes.
    """
    sealed = [each.sealed for each in blocks]
    await connection.execute(
        """
        WITH grown AS (
            INSERT INTO facets (brand, shard, pid, body, key_id, codec)
            SELECT $1, q.* FROM unnest($2::smallint[], $3::bytea[], $4::bytea[], $5::text[], $6::smallint[]) AS q
            ON CONFLICT (brand, shard, pid)
            DO UPDATE SET body = excluded.body, key_id = excluded.key_id, codec = excluded.codec
        )
        INSERT INTO interaction_blocks (brand, block_id, shard, pid, body, key_id, codec, events)
        SELECT $1, $7, q.*
        FROM unnest($8::smallint[], $9::bytea[], $10::bytea[], $11::text[], $12::smallint[], $13::int[]) AS q
        """,
        brand,
        *_columns(facets),
        block_id,
        *_columns(sealed),
        [each.events for each in blocks],
    )


def _columns(of: Sequence[Sealed]) -> tuple[list[int], list[bytes], list[bytes], list[str], list[int]]:
    return (
        [each.shard for each in of],
        [each.pid for each in of],
        [each.body for each in of],
        [each.key_id for each in of],
        [each.codec for each in of],
    )


async def blocks_of(connection: asyncpg.Connection, persona: Persona) -> list[tuple[bytes, Sealed]]:
    """Return every block of one persona with its id."""
    rows = await connection.fetch(
        """
        SELECT block_id, shard, pid, body, key_id, codec FROM interaction_blocks
        WHERE brand = $1 AND shard = $2 AND pid = $3
        """,
        persona.brand,
        persona.shard,
        persona.pid,
    )
    return [(row["block_id"], Sealed(*tuple(row)[1:])) for row in rows]


async def count(connection: asyncpg.Connection, brand: str) -> int:
    number: int = await connection.fetchval("SELECT count(*) FROM facets WHERE brand = $1", brand)
    return number
