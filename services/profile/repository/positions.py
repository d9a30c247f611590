"""How far each partition is folded, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.profile.domain import Partition
from services.profile.domain.errors import FencedError

# Class of advisory locks of this database: the number only has to stay.
_LOCK_OWNER = 7103


@dataclass(frozen=True, slots=True)
class Position:
    """The stream by its id ("" while none was ever read), the last sequence folded, and the owner's number."""

    stream_created: str
    sequence: int
    owner_epoch: int
    horizon_ms: int = 0


@dataclass(frozen=True, slots=True)
class Beginning:
    """A stream as it is found: its id, the sequence behind which unread messages may be, and its last."""

    stream_created: str
    sequence: int
    last: int


async def claim(connection: asyncpg.Connection, partition: Partition, stream_created: str, at_ms: int) -> Position:
    """Become the owner of a partition; whoever was it before is fenced from its next transaction on."""
    row = await connection.fetchrow(
        """
        INSERT INTO positions AS p
            (brand, partition, durability_class, stream_created, sequence, owner_epoch, horizon_ms)
        VALUES ($1, $2, $3, $4, 0, 1, $5)
        ON CONFLICT (brand, partition, durability_class) DO UPDATE SET owner_epoch = p.owner_epoch + 1
        RETURNING stream_created, sequence, owner_epoch, horizon_ms
        """,
        partition.brand,
        partition.number,
        partition.durability_class,
        stream_created,
        at_ms,
    )
    if row is None:
        raise FencedError("the position went while it was claimed")
    return Position(*row)


async def begin(connection: asyncpg.Connection, partition: Partition, owner_epoch: int, found: Beginning) -> Position:
    """Go on where the stream is still the one whose position is kept, and begin with the one found where it is not.

    Raises FencedError when another owner has claimed the partition meanwhile. The owner gets a new number: what it has
    in hand of the stream before is not kept any more.
    """
    row = await connection.fetchrow(
        """
        UPDATE positions SET
            sequence = CASE WHEN stream_created = $5 AND sequence <= $7 THEN sequence ELSE $6 END,
            stream_created = $5, owner_epoch = owner_epoch + 1
        WHERE brand = $1 AND partition = $2 AND durability_class = $3 AND owner_epoch = $4
        RETURNING stream_created, sequence, owner_epoch, horizon_ms
        """,
        partition.brand,
        partition.number,
        partition.durability_class,
        owner_epoch,
        found.stream_created,
        found.sequence,
        found.last,
    )
    if row is None:
        raise FencedError("another folder owns this partition")
    return Position(*row)


async def look(
    source: asyncpg.Connection | Database, partitions: Sequence[Partition], batch_ids: Sequence[bytes]
) -> dict[Partition, tuple[Position, set[bytes]]]:
    """Return by partition its position, and which of these batches it has folded before, as of one moment.

    All partitions are of one brand. A batch that was folded in another class counts as folded.
    """
    brand = partitions[0].brand
    rows = await source.fetch(
        """
        SELECT p.partition, p.durability_class, p.stream_created, p.sequence, p.owner_epoch, p.horizon_ms, ARRAY(
            SELECT q FROM unnest($4::bytea[]) AS q WHERE EXISTS (
                SELECT FROM batches b WHERE b.brand = $1 AND b.partition = p.partition AND b.batch_id = q
            )
        )
        FROM positions p JOIN unnest($2::smallint[], $3::smallint[]) AS asked(partition, durability_class)
            USING (partition, durability_class)
        WHERE p.brand = $1
        """,
        brand,
        [each.number for each in partitions],
        [each.durability_class for each in partitions],
        batch_ids,
    )
    return {
        Partition(brand, number, durability_class): (Position(*facts), set(seen))
        for number, durability_class, *facts, seen in rows
    }


async def advance(connection: asyncpg.Connection, partition: Partition, position: Position, horizon_ms: int) -> None:
    """Say that everything sealed before `horizon_ms` is folded, unless the stream has become another since."""
    await connection.execute(
        """
        UPDATE positions SET horizon_ms = greatest(horizon_ms, $5)
        WHERE brand = $1 AND partition = $2 AND durability_class = $3 AND stream_created = $4
        """,
        partition.brand,
        partition.number,
        partition.durability_class,
        position.stream_created,
        horizon_ms,
    )


async def all_of(connection: asyncpg.Connection, brand: str) -> dict[Partition, Position]:
    """Return the position of every partition of which anything was ever read."""
    rows = await connection.fetch(
        """
        SELECT partition, durability_class, stream_created, sequence, owner_epoch, horizon_ms
        FROM positions WHERE brand = $1 AND stream_created <> ''
        """,
        brand,
    )
    return {Partition(brand, number, class_): Position(*facts) for number, class_, *facts in rows}


async def least_horizon(connection: asyncpg.Connection) -> int | None:
    """Return the time before which everything of every brand is folded."""
    horizon_ms: int | None = await connection.fetchval(
        "SELECT min(horizon_ms) FROM positions WHERE stream_created <> ''"
    )
    return horizon_ms


async def classes_read(connection: asyncpg.Connection) -> set[int]:
    """Return the durability classes of which anything was ever read."""
    rows = await connection.fetch("SELECT DISTINCT durability_class FROM positions WHERE stream_created <> ''")
    return {durability_class for (durability_class,) in rows}


async def own(connection: asyncpg.Connection, partition: Partition) -> bool:
    """Try to be the one active folder of this number, in all classes, for as long as this connection lives."""
    is_ours: bool = await connection.fetchval(
        "SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK_OWNER, f"{partition.brand}|{partition.number}"
    )
    return is_ours


async def release(connection: asyncpg.Connection, partition: Partition) -> None:
    """Let others be the active folder of this number."""
    await connection.execute(
        "SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_OWNER, f"{partition.brand}|{partition.number}"
    )


async def disown(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT pg_advisory_unlock_all()")
