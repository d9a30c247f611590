"""The books, added to per fold and read as one."""

import datetime as dt
from collections.abc import Sequence

import asyncpg

from services.profile.domain import BooksLine, Partition


async def add(
    connection: asyncpg.Connection,
    partition: Partition,
    lines: Sequence[BooksLine],
    day: dt.date,
    batch_ids: Sequence[bytes],
) -> None:
    """Enter what became of these batches, and that they are folded, in one statement."""
    await connection.execute(
        """
        WITH kept AS (
            INSERT INTO batches (brand, partition, batch_id, day) SELECT $1, $2, q, $10 FROM unnest($11::bytea[]) AS q
        )
        INSERT INTO books AS b (brand, partition, source, hour_ms, received, stored, duplicate, quarantined, suppressed)
        SELECT $1, $2, q.* FROM unnest(
            $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]
        ) AS q
        ON CONFLICT (brand, partition, source, hour_ms) DO UPDATE SET
            received = b.received + excluded.received, stored = b.stored + excluded.stored,
            duplicate = b.duplicate + excluded.duplicate, quarantined = b.quarantined + excluded.quarantined,
            suppressed = b.suppressed + excluded.suppressed
        """,
        partition.brand,
        partition.number,
        [line.source for line in lines],
        [line.hour_ms for line in lines],
        [line.received for line in lines],
        [line.stored for line in lines],
        [line.duplicate for line in lines],
        [line.quarantined for line in lines],
        [line.suppressed for line in lines],
        day,
        batch_ids,
    )


async def read(connection: asyncpg.Connection, brand: str, from_ms: int) -> list[BooksLine]:
    """Return what is folded, per source and hour, oldest first."""
    rows = await connection.fetch(
        """
        SELECT source, hour_ms, sum(received)::bigint, sum(stored)::bigint, sum(duplicate)::bigint,
               sum(quarantined)::bigint, sum(suppressed)::bigint
        FROM books WHERE brand = $1 AND hour_ms >= $2 GROUP BY source, hour_ms ORDER BY hour_ms, source
        """,
        brand,
        from_ms,
    )
    return [BooksLine(*row) for row in rows]
