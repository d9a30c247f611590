"""Facets and interaction blocks: sealed bytes, read and written by the batch.

A facet lies behind its newest blocks: those it has not taken in are its tail, and a facet is read together with them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from kit.db import Database
from services.profile.domain import Persona
from services.profile.tails import Standing, Tailed


class Sealed(NamedTuple):
    """Sealed bytes of one persona."""

    shard: int
    pid: bytes
    body: bytes
    key_id: str
    codec: int


class Block(NamedTuple):
    """The interactions of one persona in one fold, sealed; numbered from 1 per facet."""

    sealed: Sealed
    number: int
    events: int
    #: Whether shared models are taught with it.
    is_taught: bool


class Facet(NamedTuple):
    """A facet that has taken in the blocks up to a number."""

    sealed: Sealed
    blocks: int


async def standings(source: Database, brand: str, personas: Sequence[Persona]) -> dict[bytes, Standing]:
    """Return how the facets there are stand, by pid."""
    if not personas:
        return {}
    # LIMIT keeps the planner to one look-up by key each, whatever it believes of a table without statistics.
    rows = await source.fetch(
        """
        SELECT q.pid, coalesce(t.number, f.blocks), f.blocks, coalesce(t.events, 0)
        FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        CROSS JOIN LATERAL (
            SELECT blocks FROM facets WHERE brand = $1 AND shard = q.shard AND pid = q.pid LIMIT 1
        ) AS f
        CROSS JOIN LATERAL (
            SELECT max(number) AS number, sum(events)::int AS events FROM interaction_blocks
            WHERE brand = $1 AND shard = q.shard AND pid = q.pid AND number > f.blocks
        ) AS t
        """,
        brand,
        *_keys(personas),
    )
    return {pid: Standing(*facts) for pid, *facts in rows}


async def load(source: asyncpg.Connection | Database, brand: str, personas: Sequence[Persona]) -> dict[bytes, Tailed]:
    """Return the facets there are with their tails, by pid: within a transaction, or with a statement of its own."""
    if not personas:
        return {}
    rows = await source.fetch(
        """
        SELECT q.pid, f.body, f.blocks, t.numbers, t.ids, t.bodies
        FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        CROSS JOIN LATERAL (
            SELECT body, blocks FROM facets WHERE brand = $1 AND shard = q.shard AND pid = q.pid LIMIT 1
        ) AS f
        CROSS JOIN LATERAL (
            SELECT array_agg(number) AS numbers, array_agg(block_id) AS ids, array_agg(body) AS bodies
            FROM interaction_blocks WHERE brand = $1 AND shard = q.shard AND pid = q.pid AND number > f.blocks
        ) AS t
        """,
        brand,
        *_keys(personas),
    )
    return {
        pid: Tailed(body, blocks, list(zip(numbers, ids, bodies, strict=True)) if numbers else [])
        for pid, body, blocks, numbers, ids, bodies in rows
    }


async def keep(
    connection: asyncpg.Connection, brand: str, facets: Sequence[Facet], block_id: bytes, blocks: Sequence[Block]
) -> None:
    """Put facets in the place of those before, and append interactions, never to be changed.

    One statement: on a busy machine each way to the database and back is a good part of what a small fold takes.
    Two folders that append under one number cannot both commit.
    """
    await connection.execute(
        """
        WITH grown AS (
            INSERT INTO facets (brand, shard, pid, body, key_id, codec, blocks)
            SELECT $1, q.*
            FROM unnest($2::smallint[], $3::bytea[], $4::bytea[], $5::text[], $6::smallint[], $7::int[]) AS q
            ON CONFLICT (brand, shard, pid) DO UPDATE
            SET body = excluded.body, key_id = excluded.key_id, codec = excluded.codec, blocks = excluded.blocks
        )
        INSERT INTO interaction_blocks (brand, block_id, shard, pid, body, key_id, codec, number, events, is_taught)
        SELECT $1, $8, q.* FROM unnest(
            $9::smallint[], $10::bytea[], $11::bytea[], $12::text[], $13::smallint[], $14::int[], $15::int[],
            $16::boolean[]
        ) AS q
        """,
        brand,
        *_columns([each.sealed for each in facets]),
        [each.blocks for each in facets],
        block_id,
        *_columns([each.sealed for each in blocks]),
        [each.number for each in blocks],
        [each.events for each in blocks],
        [each.is_taught for each in blocks],
    )


async def erase(source: Database, brand: str, personas: Sequence[Persona]) -> None:
    """Delete facets, blocks, uses and offers, and what is left of refused events; those stay counted as anybody's."""
    await source.fetch(
        """
        WITH gone AS (SELECT * FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)), facets_gone AS (
            DELETE FROM facets f USING gone WHERE f.brand = $1 AND f.shard = gone.shard AND f.pid = gone.pid
        ), blocks_gone AS (
            DELETE FROM interaction_blocks b USING gone
            WHERE b.brand = $1 AND b.shard = gone.shard AND b.pid = gone.pid
        ), uses_gone AS (
            DELETE FROM uses u USING gone WHERE u.brand = $1 AND u.shard = gone.shard AND u.pid = gone.pid
        ), offers_gone AS (
            DELETE FROM offers o USING gone WHERE o.brand = $1 AND o.shard = gone.shard AND o.pid = gone.pid
        )
        UPDATE quarantine k SET remains = '', pid = '', persona_shard = 0, key_id = ''
        FROM gone WHERE k.brand = $1 AND k.persona_shard = gone.shard AND k.pid = gone.pid AND k.pid <> ''
        """,
        brand,
        *_keys(personas),
    )


def _keys(of: Sequence[Persona]) -> tuple[list[int], list[bytes]]:
    return [each.shard for each in of], [each.pid for each in of]


def _columns(of: Sequence[Sealed]) -> tuple[list[int], list[bytes], list[bytes], list[str], list[int]]:
    return (
        [each.shard for each in of],
        [each.pid for each in of],
        [each.body for each in of],
        [each.key_id for each in of],
        [each.codec for each in of],
    )


async def count(connection: asyncpg.Connection, brand: str) -> int:
    number: int = await connection.fetchval("SELECT count(*) FROM facets WHERE brand = $1", brand)
    return number
