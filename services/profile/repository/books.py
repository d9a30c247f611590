"""The books: added to per fold, together with the positions they are true for, and read as one."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from services.profile.domain import BooksLine, Partition


@dataclass(frozen=True, slots=True)
class Folded:
    """One batch that was folded, and what became of its events: see fates.py."""

    batch_id: bytes
    fates: bytes
    reasons: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one partition is folded now, in whose name, and which batches were folded."""

    partition: Partition
    owner_epoch: int
    stream_created: str
    sequence: int
    horizon_ms: int
    batches: Sequence[Folded]


async def close(
    connection: asyncpg.Connection,
    brand: str,
    lines: Sequence[tuple[int, BooksLine]],
    reached: Sequence[Reached],
    day: dt.date,
) -> set[Partition]:
    """Enter what became of these batches and that they are folded, move the positions, and return whose moved.

    A position that another owner has taken, or of another stream, does not move: then nothing of this may be kept.
    """
    rows = await connection.fetch(
        """
        WITH kept AS (
            INSERT INTO batches (brand, partition, batch_id, day, fates, reasons)
            SELECT $1, q.partition, q.batch_id, $2, q.fates, q.reasons
            FROM unnest($3::smallint[], $4::bytea[], $19::bytea[], $20::text[])
                AS q(partition, batch_id, fates, reasons)
        ), entered AS (
            INSERT INTO books AS b
                (brand, partition, source, hour_ms, received, stored, duplicate, quarantined, suppressed)
            SELECT $1, q.* FROM unnest(
                $5::smallint[], $6::text[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]
            ) AS q
            ON CONFLICT (brand, partition, source, hour_ms) DO UPDATE SET
                received = b.received + excluded.received, stored = b.stored + excluded.stored,
                duplicate = b.duplicate + excluded.duplicate, quarantined = b.quarantined + excluded.quarantined,
                suppressed = b.suppressed + excluded.suppressed
        )
        UPDATE positions AS p
        SET sequence = greatest(p.sequence, q.sequence), horizon_ms = greatest(p.horizon_ms, q.horizon_ms)
        FROM unnest($13::smallint[], $14::smallint[], $15::bigint[], $16::text[], $17::bigint[], $18::bigint[])
            AS q(partition, durability_class, owner_epoch, stream_created, sequence, horizon_ms)
        WHERE p.brand = $1 AND p.partition = q.partition AND p.durability_class = q.durability_class
            AND p.owner_epoch = q.owner_epoch AND p.stream_created = q.stream_created
        RETURNING p.partition, p.durability_class
        """,
        brand,
        day,
        [each.partition.number for each in reached for _ in each.batches],
        [batch.batch_id for each in reached for batch in each.batches],
        *_columns(lines),
        [each.partition.number for each in reached],
        [each.partition.durability_class for each in reached],
        [each.owner_epoch for each in reached],
        [each.stream_created for each in reached],
        [each.sequence for each in reached],
        [each.horizon_ms for each in reached],
        [batch.fates for each in reached for batch in each.batches],
        [batch.reasons for each in reached for batch in each.batches],
    )
    return {Partition(brand, *place) for place in rows}


def _columns(lines: Sequence[tuple[int, BooksLine]]) -> tuple[list[int] | list[str], ...]:
    return (
        [number for number, _ in lines],
        [line.source for _, line in lines],
        [line.hour_ms for _, line in lines],
        [line.received for _, line in lines],
        [line.stored for _, line in lines],
        [line.duplicate for _, line in lines],
        [line.quarantined for _, line in lines],
        [line.suppressed for _, line in lines],
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


async def differences(connection: asyncpg.Connection, brand: str, numbers: Sequence[int]) -> dict[str, int]:
    """Return by source what these partitions received less what became of it: 0 when nothing was lost or made up."""
    rows = await connection.fetch(
        """
        SELECT source, sum(received - stored - duplicate - quarantined - suppressed)::bigint
        FROM books WHERE brand = $1 AND partition = ANY($2::smallint[]) GROUP BY source
        """,
        brand,
        numbers,
    )
    return dict(map(tuple, rows))
