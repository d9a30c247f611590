"""Ids of one visitor under several versions of the edge key: all stand for one persona while they are read."""

from collections.abc import Sequence

import asyncpg

from kit.db import Database
from services.profile.domain import Persona, Subject

# Of a sweep: what a rotation left goes in many short transactions.
_MOST_SWEPT = 5_000

#: An id that is bound, and one of the same visitor that is to stand for the same persona.
Move = tuple[Subject, Subject]


async def is_bound(vault: Database, subjects: Sequence[Subject]) -> bool:
    """Return whether anything is bound to one of these, who are of one brand."""
    rows = await vault.fetch(
        """
        SELECT FROM unnest($2::smallint[], $3::text[], $4::bytea[]) AS q(shard, audience, eid)
        JOIN bindings b ON b.brand = $1 AND b.shard = q.shard AND b.audience = q.audience AND b.eid = q.eid LIMIT 1
        """,
        subjects[0].brand,
        [each.shard for each in subjects],
        [each.audience for each in subjects],
        [each.eid for each in subjects],
    )
    return bool(rows)


async def follow(connection: asyncpg.Connection, brand: str, moves: Sequence[Move]) -> None:
    """Let ids stand for whom others stand for, with what was said and who stood behind; what is bound already stays."""
    if not moves:
        return
    columns = _columns(moves)
    await connection.execute(
        """
        INSERT INTO bindings
            (brand, shard, audience, eid, pid, home, bound_at_ms, preferences, preferences_at_ms, edge_version)
        SELECT $1, q.shard, b.audience, q.eid, b.pid, coalesce(b.home, b.shard), b.bound_at_ms, b.preferences,
            b.preferences_at_ms, q.version
        FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::smallint[], $6::bytea[], $7::int[])
            AS q(from_shard, audience, from_eid, shard, eid, version)
        JOIN bindings b ON b.brand = $1 AND b.shard = q.from_shard AND b.audience = q.audience AND b.eid = q.from_eid
        ON CONFLICT DO NOTHING
        """,
        brand,
        *columns,
    )
    await connection.execute(
        """
        INSERT INTO faces (brand, shard, audience, eid, user_shard, user_pid, pid, seen_at_ms, home, edge_version)
        SELECT $1, q.shard, f.audience, q.eid, f.user_shard, f.user_pid, f.pid, f.seen_at_ms,
            coalesce(f.home, f.shard), q.version
        FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::smallint[], $6::bytea[], $7::int[])
            AS q(from_shard, audience, from_eid, shard, eid, version)
        JOIN faces f ON f.brand = $1 AND f.shard = q.from_shard AND f.audience = q.audience AND f.eid = q.from_eid
        ON CONFLICT DO NOTHING
        """,
        brand,
        *columns,
    )


async def shards_of(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> set[int]:
    """Return the shards of the ids that stand for these: their folds have to do with them too."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT b.shard FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
        JOIN bindings b ON b.brand = $1 AND coalesce(b.home, b.shard) = q.shard AND b.pid = q.pid
        """,
        brand,
        [each.shard for each in personas],
        [each.pid for each in personas],
    )
    return {shard for (shard,) in rows}


async def unbind(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> None:
    """Let no id stand for these any more, nor anybody behind one."""
    await connection.execute(
        """
        WITH gone AS MATERIALIZED (SELECT * FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)), faceless AS (
            DELETE FROM faces f USING gone g WHERE f.brand = $1
                AND ((coalesce(f.home, f.shard) = g.shard AND f.pid = g.pid)
                    OR (f.user_shard = g.shard AND f.user_pid = g.pid))
        )
        DELETE FROM bindings b USING gone g
        WHERE b.brand = $1 AND coalesce(b.home, b.shard) = g.shard AND b.pid = g.pid
        """,
        brand,
        [each.shard for each in personas],
        [each.pid for each in personas],
    )


async def sweep(connection: asyncpg.Connection, until_version: int) -> list[Persona]:
    """Delete some of the ids that a version of the edge key or an older one made; return for whom none stands now."""
    rows = await connection.fetch(
        """
        WITH gone AS (
            DELETE FROM bindings WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM bindings WHERE edge_version <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
            )) RETURNING brand, coalesce(home, shard) AS home, pid
        )
        SELECT DISTINCT brand, home, pid FROM gone
        """,
        until_version,
        _MOST_SWEPT,
    )
    swept = [Persona(*row) for row in rows]
    # In a statement of its own: one sees nothing of what it deletes itself.
    rows = await connection.fetch(
        """
        SELECT q.brand, q.home, q.pid FROM unnest($1::text[], $2::smallint[], $3::bytea[]) AS q(brand, home, pid)
        WHERE NOT EXISTS (
            SELECT FROM bindings b WHERE b.brand = q.brand AND coalesce(b.home, b.shard) = q.home AND b.pid = q.pid
        )
        """,
        [each.brand for each in swept],
        [each.shard for each in swept],
        [each.pid for each in swept],
    )
    return [Persona(*row) for row in rows]


async def sweep_faces(connection: asyncpg.Connection, until_version: int) -> None:
    """Delete who stood behind ids that such a version made."""
    await connection.execute("DELETE FROM faces WHERE edge_version <= $1", until_version)


async def is_swept(vault: Database, until_version: int) -> bool:
    """Return whether no id of such a version is left."""
    rows = await vault.fetch("SELECT FROM bindings WHERE edge_version <= $1 LIMIT 1", until_version)
    return not rows


def _columns(
    moves: Sequence[Move],
) -> tuple[list[int], list[str], list[bytes], list[int], list[bytes], list[int]]:
    return (
        [known.shard for known, _ in moves],
        [known.audience for known, _ in moves],
        [known.eid for known, _ in moves],
        [new.shard for _, new in moves],
        [new.eid for _, new in moves],
        [new.version for _, new in moves],
    )
