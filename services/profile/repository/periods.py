"""Periods of message ids: the present one is closed as a whole, packed in steps, and forgotten as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from asyncpg.pgproto.pgproto import UUID

from services.profile.repository.message_ids import KEY_BYTES, bucket_of, least_key

# Class of advisory locks of this database: the number only has to stay.
_LOCK_KEEPING = 7104
_LOCK_WAIT = "1s"
# A row has 60 bytes beside its keys: two and a half an id.
_IDS_A_BUCKET = 24
_MOST_BUCKETS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, and what is remembered of it."""

    number: int
    began_ms: int
    #: None of the present one.
    ended_ms: int | None
    #: What came before was forgotten early, for want of disk.
    is_cut: bool
    #: The packed period that is packed anew with this one.
    joins: int | None
    #: None until packing has begun.
    buckets: int | None
    packed_buckets: int
    #: On disk, indexes and all.
    bytes: int
    #: About, until it is packed.
    ids: int

    @property
    def is_packed(self) -> bool:
        return self.buckets == self.packed_buckets


async def are_there(connection: asyncpg.Connection) -> bool:
    """Return False before the migration that brings periods."""
    found: bool = await connection.fetchval("SELECT to_regclass('message_id_periods') IS NOT NULL")
    return found


async def lock(connection: asyncpg.Connection) -> bool:
    """Try to be the only one who changes periods until the transaction ends; False when another does.

    From here on the transaction waits a second at most for a table: whoever waits for one has the folds wait behind it.
    """
    is_ours: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock($1, 0) FROM set_config('lock_timeout', $2, true)", _LOCK_KEEPING, _LOCK_WAIT
    )
    return is_ours


async def all_of(connection: asyncpg.Connection) -> list[Period]:
    """Return every period, the oldest first; the last one is present."""
    rows = await connection.fetch(
        """
        SELECT p.number, p.began_ms, p.ended_ms, p.is_cut, p.joins, p.buckets, p.packed_buckets,
            coalesce(pg_total_relation_size(q.plain), 0) + coalesce(pg_total_relation_size(q.packed), 0),
            coalesce(p.ids, pg_stat_get_live_tuples(q.plain), 0)
        FROM message_id_periods p CROSS JOIN LATERAL (
            SELECT to_regclass(CASE WHEN p.ended_ms IS NULL THEN 'message_ids' ELSE 'message_ids_' || p.number END),
                to_regclass('packed_message_ids_' || p.number)
        ) AS q(plain, packed)
        ORDER BY p.number
        """
    )
    return [Period(*row) for row in rows]


async def close_present(connection: asyncpg.Connection, at_ms: int) -> None:
    """End the present period and begin the next.

    Renaming waits for every fold that has claimed and not committed, and those that come after find the new table: what
    is closed is complete, and nothing is added to it.
    """
    number = await connection.fetchval(
        "UPDATE message_id_periods SET ended_ms = $1 WHERE ended_ms IS NULL RETURNING number", at_ms
    )
    await connection.execute(
        f"""
        ALTER TABLE message_ids RENAME TO message_ids_{number};
        ALTER INDEX message_ids_pkey RENAME TO message_ids_{number}_pkey;
        CREATE TABLE message_ids (key uuid PRIMARY KEY);
        ALTER TABLE message_ids_{number} INHERIT closed_message_ids;
        """
    )
    await connection.execute("INSERT INTO message_id_periods (began_ms) VALUES ($1)", at_ms)


async def begin_packing(connection: asyncpg.Connection, closed: Period, joined: Period | None) -> None:
    """Make room for a closed period and for the packed one that it joins; nobody looks into it until it is packed."""
    number = closed.number
    ids = await connection.fetchval(f"SELECT count(*) FROM message_ids_{number}")  # noqa: S608 - a number of ours
    ids += joined.ids if joined else 0
    await connection.execute(f"CREATE TABLE packed_message_ids_{number} (LIKE packed_message_ids INCLUDING STORAGE)")
    await connection.execute(
        "UPDATE message_id_periods SET ids = $2, joins = $3, buckets = $4 WHERE number = $1",
        number,
        ids,
        joined.number if joined else None,
        min(_MOST_BUCKETS, max(1, ids // _IDS_A_BUCKET)),
    )


async def pack(connection: asyncpg.Connection, closed: Period, joined: Period | None, most_ids: int) -> None:
    """Pack the next ids of a period, about so many; after the last of them what is packed takes the place of all."""
    number, first, buckets = closed.number, closed.packed_buckets, closed.buckets or 1
    last = min(buckets, first + max(1, most_ids // _IDS_A_BUCKET))
    least, most = least_key(first, buckets), least_key(last, buckets) - 1
    source = f"SELECT uuid_send(key) AS key FROM message_ids_{number} WHERE key BETWEEN $1 AND $2"  # noqa: S608 - as above
    if joined:
        source += f" UNION ALL {_unpacked(joined, least, most)}"
    await connection.execute(
        f"""
        INSERT INTO packed_message_ids_{number} (slot, keys)
        SELECT slot, string_agg(key, '')
        FROM (
            SELECT key, $3::bigint << 32
                | (((substring(key FOR 4)::int::bigint & 4294967295) >> 1) * $4::bigint >> 31) AS slot
            FROM ({source}) AS q
        ) AS q
        GROUP BY slot
        """,  # noqa: S608 - as above
        UUID(least.to_bytes(KEY_BYTES)),
        UUID(most.to_bytes(KEY_BYTES)),
        number,
        buckets,
    )
    await connection.execute("UPDATE message_id_periods SET packed_buckets = $2 WHERE number = $1", number, last)
    if last == buckets:
        await _replace(connection, number, joined)


async def forget(connection: asyncpg.Connection, numbers: Sequence[int]) -> None:
    """Forget whole periods, never the present one."""
    # Whom one of them was to join is packed alone, from the beginning.
    alone = await connection.fetch(
        """
        UPDATE message_id_periods SET ids = NULL, joins = NULL, buckets = NULL, packed_buckets = 0
        WHERE joins = ANY ($1::int[]) RETURNING number
        """,
        numbers,
    )
    for (number,) in alone:
        await connection.execute(f"DROP TABLE packed_message_ids_{number}")
    for number in numbers:
        await connection.execute(f"DROP TABLE IF EXISTS message_ids_{number}, packed_message_ids_{number}")
    await connection.execute("DELETE FROM message_id_periods WHERE number = ANY ($1::int[])", numbers)


async def mark_cut(connection: asyncpg.Connection, number: int) -> None:
    await connection.execute("UPDATE message_id_periods SET is_cut = true WHERE number = $1", number)


def _unpacked(packed: Period, least: int, most: int) -> str:
    buckets, base = packed.buckets or 1, packed.number << 32
    first, last = (base | bucket_of(key, buckets) for key in (least, most))
    return f"""
        SELECT key FROM packed_message_ids_{packed.number} p
        CROSS JOIN LATERAL generate_series(1, length(p.keys), {KEY_BYTES}) AS start
        CROSS JOIN LATERAL substring(p.keys FROM start FOR {KEY_BYTES}) AS key
        WHERE p.slot BETWEEN {first} AND {last} AND key BETWEEN uuid_send($1) AND uuid_send($2)
    """  # noqa: S608 - as above


async def _replace(connection: asyncpg.Connection, number: int, joined: Period | None) -> None:
    await connection.execute(
        f"""
        CREATE UNIQUE INDEX ON packed_message_ids_{number} (slot) WITH (fillfactor = 100);
        ALTER TABLE packed_message_ids_{number} INHERIT packed_message_ids;
        DROP TABLE message_ids_{number};
        """
    )
    if joined:
        await connection.execute(f"DROP TABLE packed_message_ids_{joined.number}")
        await connection.execute("DELETE FROM message_id_periods WHERE number = $1", joined.number)
        await connection.execute(
            "UPDATE message_id_periods SET joins = NULL, began_ms = $2, is_cut = $3 WHERE number = $1",
            number,
            joined.began_ms,
            joined.is_cut,
        )
