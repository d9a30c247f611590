"""What was seen before: message ids, and batch ids in partitions a day; and what was set aside."""

import datetime as dt
from collections.abc import Iterable, Sequence
from weakref import WeakSet

import asyncpg

from services.profile.domain import Batch, Partition, Poison
from services.profile.repository import message_ids, periods

_DAY = "%Y%m%d"
_WITH_PERIODS: WeakSet[asyncpg.Connection] = WeakSet()


async def create_day(connection: asyncpg.Connection, day: dt.date) -> None:
    """Make the partitions of one day; making them twice changes nothing."""
    for table in await _by_day(connection):
        name = f"{table}_{day.strftime(_DAY)}"
        # Another folder may be making it at the same moment, and IF NOT EXISTS does not hold against that.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", table)
        if await connection.fetchval("SELECT to_regclass($1) IS NULL", name):
            # Attached afterwards: creating it as a partition would lock out everybody who uses the table.
            await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING INDEXES)")
            await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES IN ('{day.isoformat()}')")


async def drop_days_before(connection: asyncpg.Connection, day: dt.date) -> list[str]:
    """Drop the partitions of all days before `day` and return their names."""
    dropped = []
    for table in await _by_day(connection):
        rows = await connection.fetch(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass", table
        )
        dropped += [name for (name,) in rows if name < f"{table}_{day.strftime(_DAY)}"]
    for name in dropped:
        await connection.execute(f"DROP TABLE IF EXISTS {name}")
    return dropped


async def claim_messages(
    connection: asyncpg.Connection, brand: str, day: dt.date, ids: Sequence[tuple[int, bytes]]
) -> set[tuple[int, bytes]]:
    """Keep (shard, message id), each given once, and return the new ones. The caller owns their partitions."""
    if connection not in _WITH_PERIODS:
        if not await periods.are_there(connection):
            return await _claim_by_day(connection, brand, day, ids)
        _WITH_PERIODS.add(connection)
    return await message_ids.claim(connection, brand, ids)


async def batches_seen(connection: asyncpg.Connection, partition: Partition, ids: Sequence[bytes]) -> set[bytes]:
    rows = await connection.fetch(
        "SELECT batch_id FROM batches WHERE brand = $1 AND partition = $2 AND batch_id = ANY($3::bytea[])",
        partition.brand,
        partition.number,
        ids,
    )
    return {batch_id for (batch_id,) in rows}


async def bury(
    connection: asyncpg.Connection, partition: Partition, stream_created: str, poison: Sequence[Poison], at_ms: int
) -> None:
    """Set whole messages aside."""
    await connection.executemany(
        """
        INSERT INTO dead_letters (brand, partition, stream_created, sequence, reason, payload, set_aside_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        [
            (partition.brand, partition.number, stream_created, each.sequence, each.reason, each.payload, at_ms)
            for each in poison
        ],
    )


async def buried_since(connection: asyncpg.Connection, partition: Partition, since_ms: int) -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM dead_letters WHERE brand = $1 AND partition = $2 AND set_aside_at_ms >= $3",
        partition.brand,
        partition.number,
        since_ms,
    )
    return count


async def unsent(connection: asyncpg.Connection, most: int) -> list[bytes]:
    """Return what is announced and has not left yet."""
    return [payload for (payload,) in await connection.fetch("SELECT payload FROM outbox ORDER BY id LIMIT $1", most)]


def batch_ids(messages: Iterable[Batch | Poison]) -> list[bytes]:
    return [message.batch_id for message in messages if message.batch_id]


async def _by_day(connection: asyncpg.Connection) -> list[str]:
    # Before the migration to periods message ids are kept like batches.
    rows = await connection.fetch(
        """
        SELECT relname::text FROM pg_class
        WHERE oid IN (to_regclass('batches'), to_regclass('message_ids')) AND relkind = 'p' ORDER BY 1
        """
    )
    return [name for (name,) in rows]


async def _claim_by_day(
    connection: asyncpg.Connection, brand: str, day: dt.date, ids: Sequence[tuple[int, bytes]]
) -> set[tuple[int, bytes]]:
    rows = await connection.fetch(
        """
        INSERT INTO message_ids (brand, shard, mid, day)
        SELECT $1, q.shard, q.mid, $4 FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, mid)
        WHERE NOT EXISTS (
            SELECT FROM message_ids m WHERE m.brand = $1 AND m.shard = q.shard AND m.mid = q.mid AND m.day <> $4
        )
        ON CONFLICT DO NOTHING
        RETURNING shard, mid
        """,
        brand,
        [shard for shard, _ in ids],
        [mid for _, mid in ids],
        day,
    )
    return {(shard, mid) for shard, mid in rows}
