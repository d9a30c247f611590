"""Memberships in wish segments: a row each, with the one moment at which time ends it."""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import asyncpg

from kit.db import Database
from services.profile.domain import Persona
from services.profile.segments import Decided, Moved

_PAGE = 1_000
# Of the advisory locks of this database: the number only has to stay.
_LOCK_MEMBERS = 7107
# Fewer than a server has room for, however many are in one fold; who shares one waits for a commit now and then.
_LOCKS = 256


class Member(NamedTuple):
    """One row, without its segment."""

    audience: str
    persona: Persona


async def hold(connection: asyncpg.Connection, personas: Sequence[Persona]) -> None:
    """Let nobody make these leave until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared($1, key) FROM unnest($2::int[]) AS key", _LOCK_MEMBERS, _locks(personas)
    )


async def settle(connection: asyncpg.Connection, brand: str, decided: Sequence[Decided]) -> list[Moved]:
    """Make members of those who are and of nobody else of these; return how many came and went."""
    held = [(each, membership) for each in decided for membership in each.ends_at_ms.items()]
    rows = await connection.fetch(
        """
        WITH told AS (
            SELECT * FROM unnest($4::smallint[], $5::bytea[], $6::text[], $7::text[], $8::bigint[])
                AS q(shard, pid, audience, segment, ends_at_ms)
        ), gone AS (
            DELETE FROM wish_memberships m USING unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            WHERE m.brand = $1 AND m.shard = q.shard AND m.pid = q.pid
                AND (m.shard, m.pid, m.segment) NOT IN (SELECT shard, pid, segment FROM told)
            RETURNING m.segment
        ), kept AS (
            INSERT INTO wish_memberships (brand, shard, pid, segment, audience, ends_at_ms)
            SELECT $1, shard, pid, segment, audience, ends_at_ms FROM told ORDER BY shard, pid, segment
            ON CONFLICT (brand, shard, pid, segment) DO UPDATE SET ends_at_ms = excluded.ends_at_ms
            -- Zero where no row was there before.
            RETURNING segment, xmax = 0 AS is_new
        )
        SELECT segment, false, count(*)::int FROM gone GROUP BY segment
        UNION ALL SELECT segment, true, count(*)::int FROM kept WHERE is_new GROUP BY segment
        ORDER BY 1, 2
        """,
        brand,
        [each.persona.shard for each in decided],
        [each.persona.pid for each in decided],
        [each.persona.shard for each, _ in held],
        [each.persona.pid for each, _ in held],
        [each.audience for each, _ in held],
        [segment for _, (segment, _) in held],
        [ends_at_ms for _, (_, ends_at_ms) in held],
    )
    return [Moved(*row) for row in rows]


async def end(connection: asyncpg.Connection, brand: str, at_ms: int, most: int) -> list[Moved]:
    """End those memberships that are due, and no others: a fold that prolonged one meanwhile is not overruled."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT brand, shard, pid, segment FROM wish_memberships WHERE brand = $1 AND ends_at_ms <= $2
            ORDER BY ends_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM wish_memberships m USING due
            WHERE (m.brand, m.shard, m.pid, m.segment) = (due.brand, due.shard, due.pid, due.segment)
            RETURNING m.segment
        )
        SELECT segment, false, count(*)::int FROM gone GROUP BY segment ORDER BY segment
        """,
        brand,
        at_ms,
        most,
    )
    return [Moved(*row) for row in rows]


async def next_end_ms(source: Database, brand: str) -> int | None:
    """Return when the next membership ends; None while there is none."""
    [(at_ms,)] = await source.fetch("SELECT min(ends_at_ms) FROM wish_memberships WHERE brand = $1", brand)
    found: int | None = at_ms
    return found


async def leave(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> list[Moved]:
    """End every membership of these, also what a fold is about to commit that holds them."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key", _LOCK_MEMBERS, _locks(personas)
    )
    rows = await connection.fetch(
        """
        WITH gone AS (
            DELETE FROM wish_memberships m USING unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            WHERE m.brand = $1 AND m.shard = q.shard AND m.pid = q.pid
            RETURNING m.segment
        )
        SELECT segment, false, count(*)::int FROM gone GROUP BY segment ORDER BY segment
        """,
        brand,
        [each.shard for each in personas],
        [each.pid for each in personas],
    )
    return [Moved(*row) for row in rows]


async def leave_unknown(connection: asyncpg.Connection, brand: str, known: Sequence[str]) -> list[Moved]:
    """End every membership in segments that are not configured any more."""
    rows = await connection.fetch(
        """
        WITH gone AS (
            DELETE FROM wish_memberships WHERE brand = $1 AND segment <> ALL ($2::text[]) RETURNING segment
        )
        SELECT segment, false, count(*)::int FROM gone GROUP BY segment ORDER BY segment
        """,
        brand,
        list(known),
    )
    return [Moved(*row) for row in rows]


async def page(source: Database, brand: str, segment: str, at_ms: int, after: tuple[int, bytes]) -> list[Member]:
    """Return members behind a place, in the order of their keys; whose end has come is none, removed or not."""
    rows = await source.fetch(
        """
        SELECT audience, shard, pid FROM wish_memberships
        WHERE brand = $1 AND segment = $2 AND ends_at_ms > $3 AND (shard, pid) > ($4, $5)
        ORDER BY shard, pid LIMIT $6
        """,
        brand,
        segment,
        at_ms,
        *after,
        _PAGE,
    )
    return [Member(audience, Persona(brand, shard, pid)) for audience, shard, pid in rows]


def _locks(personas: Sequence[Persona]) -> list[int]:
    # In one order everywhere, so that two transactions never wait for each other.
    return sorted({crc32(each.pid) % _LOCKS for each in personas})
