"""Links between audiences, and the one-time codes that make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from kit.db import Database
from services.profile.domain import MAX_LINKED, Bound, Persona
from services.profile.repository.links import IDENTIFIED

LINKED = "linked"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A link from one audience to another: its two ends, and the facets that are one persona there."""

    here: Persona
    audience: str
    there: Persona
    other_audience: str
    facets: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code as it lies: its keyed hash, and whom it links."""

    mark: bytes
    audience: str
    persona: Persona
    expires_at_ms: int


async def across(connection: asyncpg.Connection, personas: Sequence[Persona]) -> list[Crossing]:
    """Return the links of these, who are one persona, to other audiences. Links of links are none of theirs."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE crossed AS MATERIALIZED (
            SELECT l.* FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            JOIN links l ON l.brand = $1 AND l.shard = q.shard AND l.pid = q.pid AND l.kind = $4
            ORDER BY l.linked_at_ms, l.other_pid LIMIT $6
        ), reached(root_shard, root_pid, shard, pid) AS (
            SELECT other_shard, other_pid, other_shard, other_pid FROM crossed
            UNION
            SELECT r.root_shard, r.root_pid, l.other_shard, l.other_pid
            FROM reached r JOIN links l ON l.brand = $1 AND l.shard = r.shard AND l.pid = r.pid AND l.kind = $5
        )
        SELECT c.shard, c.pid, c.audience, c.other_shard, c.other_pid, c.other_audience,
            k.shard, k.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by, k.choices
        FROM crossed c JOIN reached r ON r.root_shard = c.other_shard AND r.root_pid = c.other_pid
        JOIN personas k ON k.brand = $1 AND k.shard = r.shard AND k.pid = r.pid
        ORDER BY c.linked_at_ms, c.other_pid, k.shard, k.pid LIMIT $6
        """,
        personas[0].brand,
        [each.shard for each in personas],
        [each.pid for each in personas],
        LINKED,
        IDENTIFIED,
        MAX_LINKED,
    )
    return _crossings(personas[0].brand, rows)


async def link(connection: asyncpg.Connection, crossing: Crossing, at_ms: int) -> None:
    """Link the two ends; linking twice changes nothing."""
    here, there = crossing.here, crossing.there
    await connection.executemany(
        """
        INSERT INTO links
            (brand, shard, pid, other_shard, other_pid, kind, linked_at_ms, audience, other_audience)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
        """,
        [
            (here.brand, here.shard, here.pid, there.shard, there.pid, LINKED, at_ms, *_audiences(crossing)),
            (here.brand, there.shard, there.pid, here.shard, here.pid, LINKED, at_ms, *reversed(_audiences(crossing))),
        ],
    )


async def unlink(source: asyncpg.Connection | Database, crossings: Sequence[Crossing]) -> None:
    """Undo links in both directions. Nothing was merged at rest, so nothing of them is left."""
    ends = [(each.here, each.there) for each in crossings] + [(each.there, each.here) for each in crossings]
    if not ends:
        return
    await source.fetch(
        """
        DELETE FROM links l USING unnest($2::smallint[], $3::bytea[], $4::smallint[], $5::bytea[])
            AS q(shard, pid, other_shard, other_pid)
        WHERE l.brand = $1 AND l.shard = q.shard AND l.pid = q.pid AND l.other_shard = q.other_shard
            AND l.other_pid = q.other_pid AND l.kind = $6
        """,
        ends[0][0].brand,
        [one.shard for one, _ in ends],
        [one.pid for one, _ in ends],
        [other.shard for _, other in ends],
        [other.pid for _, other in ends],
        LINKED,
    )


async def keep_code(vault: Database, code: NewCode, now_ms: int) -> None:
    """Keep a code, and drop those whose time is over."""
    await vault.fetch(
        """
        WITH over AS (DELETE FROM link_codes WHERE expires_at_ms < $7)
        INSERT INTO link_codes (brand, mark, audience, shard, pid, expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        code.persona.brand,
        code.mark,
        code.audience,
        code.persona.shard,
        code.persona.pid,
        code.expires_at_ms,
        now_ms,
    )


async def look_up(connection: asyncpg.Connection, brand: str, mark: bytes) -> tuple[str, Persona] | None:
    """Return the audience and the persona that a code was issued for, whether or not it is still good."""
    row = await connection.fetchrow(
        "SELECT audience, shard, pid FROM link_codes WHERE brand = $1 AND mark = $2", brand, mark
    )
    return None if row is None else (row["audience"], Persona(brand, row["shard"], row["pid"]))


async def use_code(connection: asyncpg.Connection, brand: str, mark: bytes, at_ms: int) -> bool:
    """Use a code up; return whether it was still good. Of several at once one is told so."""
    row = await connection.fetchrow(
        """
        UPDATE link_codes SET redeemed_at_ms = $3
        WHERE brand = $1 AND mark = $2 AND redeemed_at_ms = 0 AND expires_at_ms > $3 RETURNING shard
        """,
        brand,
        mark,
        at_ms,
    )
    return row is not None


async def forget_codes(connection: asyncpg.Connection, personas: Sequence[Persona]) -> None:
    await connection.execute(
        """
        DELETE FROM link_codes c USING unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        WHERE c.brand = $1 AND c.shard = q.shard AND c.pid = q.pid
        """,
        personas[0].brand,
        [each.shard for each in personas],
        [each.pid for each in personas],
    )


async def count_try(vault: Database, address: tuple[str, str, bytes], now_ms: int, window_ms: int) -> tuple[int, int]:
    """Count a try of (brand, audience, id); return how many there were of late: by this id, by the audience."""
    rows = await vault.fetch(
        """
        WITH over AS (DELETE FROM link_tries WHERE since_ms < $4::bigint - 10 * $5::bigint)
        INSERT INTO link_tries AS t (brand, audience, eid, tries, since_ms)
        VALUES ($1, $2, '', 1, $4), ($1, $2, $3, 1, $4)
        ON CONFLICT (brand, audience, eid) DO UPDATE SET
            tries = CASE WHEN t.since_ms <= $4::bigint - $5::bigint THEN 1 ELSE t.tries + 1 END,
            since_ms = CASE WHEN t.since_ms <= $4::bigint - $5::bigint THEN $4 ELSE t.since_ms END
        RETURNING eid, tries
        """,
        *address,
        now_ms,
        window_ms,
    )
    tries = dict(map(tuple, rows))
    return tries[address[2]], tries[b""]


def _audiences(crossing: Crossing) -> tuple[str, str]:
    return crossing.audience, crossing.other_audience


def _crossings(brand: str, rows: Sequence[asyncpg.Record]) -> list[Crossing]:
    facets: dict[tuple[Persona, str, Persona, str], list[Bound]] = {}
    for shard, pid, audience, other_shard, other_pid, other_audience, *facet in rows:
        link_of = (Persona(brand, shard, pid), audience, Persona(brand, other_shard, other_pid), other_audience)
        facets.setdefault(link_of, []).append(_bound(brand, facet))
    return [Crossing(*link_of, tuple(found)) for link_of, found in facets.items()]


def _bound(brand: str, facet: Sequence[Any]) -> Bound:
    shard, pid, generation, key_id, wrapped, wrapped_by, choices = facet
    return Bound(Persona(brand, shard, pid), generation, key_id, wrapped, wrapped_by, choices=choices)
