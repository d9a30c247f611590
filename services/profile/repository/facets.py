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
    rows = await source.fetch(
        """
        SELECT f.shard, f.pid, f.body, f.key_id, f.codec
        FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        JOIN facets f ON f.brand = $1 AND f.shard = q.shard AND f.pid = q.pid
        """,
        brand,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
    )
    return {row["pid"]: Sealed(*row) for row in rows}


async def upsert(connection: asyncpg.Connection, brand: str, facets: Sequence[Sealed]) -> None:
    await connection.execute(
        """
        INSERT INTO facets (brand, shard, pid, body, key_id, codec)
        SELECT $1, q.* FROM unnest($2::smallint[], $3::bytea[], $4::bytea[], $5::text[], $6::smallint[]) AS q
        ON CONFLICT (brand, shard, pid)
        DO UPDATE SET body = excluded.body, key_id = excluded.key_id, codec = excluded.codec
        """,
        brand,
        [each.shard for each in facets],
        [each.pid for each in facets],
        [each.body for each in facets],
        [each.key_id for each in facets],
        [each.codec for each in facets],
    )


async def append(connection: asyncpg.Connection, brand: str, block_id: bytes, blocks: Sequence[Block]) -> None:
    """Keep interactions, never to be changed."""
    await connection.copy_records_to_table(
        "interaction_blocks",
        columns=("brand", "shard", "pid", "block_id", "events", "body", "key_id", "codec"),
        records=[
            (
                brand,
                each.sealed.shard,
                each.sealed.pid,
                block_id,
                each.events,
                each.sealed.body,
                each.sealed.key_id,
                each.sealed.codec,
            )
            for each in blocks
        ],
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
