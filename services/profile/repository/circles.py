"""What the vault has of those who are linked: found as a whole, and deleted as a whole."""

from collections.abc import Sequence

import asyncpg

from services.profile.domain import Bound, Persona, Subject


async def circle(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> list[Bound]:
    """Return these and everybody linked to them, however far, as far as they have a data key."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE reached(shard, pid) AS (
            SELECT * FROM unnest($2::smallint[], $3::bytea[])
            UNION
            SELECT l.other_shard, l.other_pid
            FROM reached r JOIN links l ON l.brand = $1 AND l.shard = r.shard AND l.pid = r.pid
        )
        SELECT k.shard, k.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by
        FROM reached r JOIN personas k ON k.brand = $1 AND k.shard = r.shard AND k.pid = r.pid
        ORDER BY k.shard, k.pid
        """,
        brand,
        *_keys(personas),
    )
    return [Bound(Persona(brand, shard, pid), *facts) for shard, pid, *facts in rows]


async def subjects_of(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> list[Subject]:
    """Return the ids that stand for these, or stood for them on a device they shared."""
    rows = await connection.fetch(
        """
        SELECT b.audience, b.eid FROM bindings b JOIN unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            ON b.brand = $1 AND coalesce(b.home, b.shard) = q.shard AND b.pid = q.pid
        UNION
        SELECT f.audience, f.eid FROM faces f JOIN unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            ON f.brand = $1 AND coalesce(f.home, f.shard) = q.shard AND f.pid = q.pid
        """,
        brand,
        *_keys(personas),
    )
    return [Subject(brand, audience, eid) for audience, eid in rows]


async def delete(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> None:
    """Delete data keys, bindings, links and faces of a whole circle: both ends of every link are in it."""
    await connection.execute(
        """
        WITH gone AS MATERIALIZED (SELECT * FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)), unlinked AS (
            DELETE FROM links l USING gone g WHERE l.brand = $1 AND l.shard = g.shard AND l.pid = g.pid
        ), faceless AS (
            DELETE FROM faces f USING gone g
            WHERE f.brand = $1 AND coalesce(f.home, f.shard) = g.shard AND f.pid = g.pid
        ), stood_behind AS (
            DELETE FROM faces f USING gone g
            WHERE f.brand = $1 AND f.user_shard = g.shard AND f.user_pid = g.pid AND f.pid IS NULL
        ), unbound AS (
            DELETE FROM bindings b USING gone g
            WHERE b.brand = $1 AND coalesce(b.home, b.shard) = g.shard AND b.pid = g.pid
        ), codeless AS (
            DELETE FROM link_codes c USING gone g WHERE c.brand = $1 AND c.shard = g.shard AND c.pid = g.pid
        )
        DELETE FROM personas p USING gone g WHERE p.brand = $1 AND p.shard = g.shard AND p.pid = g.pid
        """,
        brand,
        *_keys(personas),
    )


def _keys(personas: Sequence[Persona]) -> tuple[list[int], list[bytes]]:
    return [persona.shard for persona in personas], [persona.pid for persona in personas]
