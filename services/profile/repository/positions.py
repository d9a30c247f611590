"""How far each partition is folded, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.profile.domain import FencedError, Partition

# Class of advisory locks of this database: the number only has to stay.
_LOCK_OWNER = 7103


@dataclass(frozen=True, slots=True)
class Position:
    """The stream by its time of creation, the last sequence folded, and the owner's number."""

    stream_created: str
    sequence: int
    owner_epoch: int
    horizon_ms: int = 0


async def claim(connection: asyncpg.Connection, partition: Partition, stream_created: str, at_ms: int) -> Position:
    """Become the owner of a partition; whoever was it before is fenced from its next transaction on."""
    row = await connection.fetchrow(
        """
        INSERT INTO positions AS p (brand, partition, stream_created, sequence, owner_epoch, horizon_ms)
        VALUES ($1, $2, $3, 0, 1, $4)
        ON CONFLICT (brand, partition) DO UPDATE SET owner_epoch = p.owner_epoch + 1
        RETURNING stream_created, sequence, owner_epoch, horizon_ms
        """,
        partition.brand,
        partition.number,
        stream_created,
        at_ms,
    )
    if row is None:
        raise FencedError("the position went while it was claimed")
    return Position(*row)


async def look(
    source: asyncpg.Connection | Database, brand: str, numbers: Sequence[int], batch_ids: Sequence[bytes]
) -> dict[int, tuple[Position, set[bytes]]]:
    """Return by partition its position, and which of these batches it has folded before, as of one moment."""
    rows = await source.fetch(
        """
        SELECT p.partition, p.stream_created, p.sequence, p.owner_epoch, p.horizon_ms, ARRAY(
            SELECT q FROM unnest($3::bytea[]) AS q WHERE EXISTS (
                SELECT FROM batches b WHERE b.brand = $1 AND b.partition = p.partition AND b.batch_id = q
            )
        )
        FROM positions p WHERE p.brand = $1 AND p.partition = ANY($2::smallint[])
        """,
        brand,
        numbers,
        batch_ids,
    )
    return {number: (Position(*facts), set(seen)) for number, *facts, seen in rows}


async def advance(connection: asyncpg.Connection, partition: Partition, sequence: int, horizon_ms: int) -> None:
    await connection.execute(
        """
        UPDATE positions SET sequence = greatest(sequence, $3), horizon_ms = greatest(horizon_ms, $4)
        WHERE brand = $1 AND partition = $2
        """,
        partition.brand,
        partition.number,
        sequence,
        horizon_ms,
    )


async def all_of(connection: asyncpg.Connection, brand: str) -> dict[int, Position]:
    """Return the position of every partition that was ever owned."""
    rows = await connection.fetch(
        "SELECT partition, stream_created, sequence, owner_epoch, horizon_ms FROM positions WHERE brand = $1", brand
    )
    return {row["partition"]: Position(*tuple(row)[1:]) for row in rows}


async def least_horizon(connection: asyncpg.Connection) -> int | None:
    """Return the time before which everything of every brand is folded."""
    horizon_ms: int | None = await connection.fetchval("SELECT min(horizon_ms) FROM positions")
    return horizon_ms


async def own(connection: asyncpg.Connection, partition: Partition) -> bool:
    """Try to be the one active folder of a partition for as long as this connection lives."""
    is_ours: bool = await connection.fetchval(
        "SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK_OWNER, f"{partition.brand}|{partition.number}"
    )
    return is_ours


async def release(connection: asyncpg.Connection, partition: Partition) -> None:
    """Let others be the active folder of a partition."""
    await connection.execute(
        "SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_OWNER, f"{partition.brand}|{partition.number}"
    )


async def disown(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT pg_advisory_unlock_all()")
