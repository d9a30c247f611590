"""How far each partition is folded, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

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


async def lock(
    connection: asyncpg.Connection, partition: Partition, batch_ids: Sequence[bytes]
) -> tuple[Position, set[bytes]] | None:
    """Return the position, held until the transaction ends, and which of the batches were folded before.

    What another folder has committed while this waited for the row is not in the second; it has fenced us by then.
    """
    row = await connection.fetchrow(
        """
        SELECT stream_created, sequence, owner_epoch, horizon_ms, ARRAY(
            SELECT batch_id FROM batches WHERE brand = $1 AND partition = $2 AND batch_id = ANY($3::bytea[])
        )
        FROM positions WHERE brand = $1 AND partition = $2 FOR UPDATE
        """,
        partition.brand,
        partition.number,
        batch_ids,
    )
    return None if row is None else (Position(*row[:4]), set(row[4]))


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


async def disown(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT pg_advisory_unlock_all()")
