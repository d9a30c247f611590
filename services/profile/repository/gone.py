"""Marks of ids whose persona was erased: what comes late is told by them."""

from collections.abc import Sequence

import asyncpg

from kit.db import Database


async def mark(connection: asyncpg.Connection, brand: str, marks: Sequence[tuple[int, bytes]], at_ms: int) -> None:
    await connection.execute(
        """
        INSERT INTO erased_ids (brand, shard, mark, erased_at_ms)
        SELECT $1, q.shard, q.mark, $4 FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, mark)
        ON CONFLICT (brand, shard, mark) DO UPDATE SET erased_at_ms = excluded.erased_at_ms
        """,
        brand,
        [shard for shard, _ in marks],
        [each for _, each in marks],
        at_ms,
    )


async def marked(
    source: asyncpg.Connection | Database, brand: str, marks: Sequence[tuple[int, bytes]]
) -> dict[bytes, int]:
    """Return when those of these marks were set that were."""
    rows = await source.fetch(
        """
        SELECT e.mark, e.erased_at_ms FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, mark)
        JOIN erased_ids e ON e.brand = $1 AND e.shard = q.shard AND e.mark = q.mark
        """,
        brand,
        [shard for shard, _ in marks],
        [each for _, each in marks],
    )
    return dict(map(tuple, rows))


async def forget(vault: Database, before_ms: int) -> None:
    await vault.fetch("DELETE FROM erased_ids WHERE erased_at_ms < $1", before_ms)
