"""What was ever recorded, and the notices that it rests on."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from services.consent.chain import Record
from services.consent.domain import Holder
from services.consent.tables import current, notices, records

# Every statement is answered with its receipt: by key, and in one round trip.
_READ_BY_ID = """
SELECT * FROM records
WHERE brand = $1 AND shard = $2 AND pid = $3 AND audience = $4 AND record_id = ANY($5::text[])
ORDER BY sequence
"""
_READ_NOTICES = "SELECT hash, body FROM notices WHERE hash = ANY($1::bytea[])"


async def keep_notice(connection: AsyncConnection, digest: bytes, body: bytes) -> None:
    """Keep what records of this hash rest on."""
    await connection.execute(insert(notices).values(hash=digest, body=body).on_conflict_do_nothing())


async def read_notices(database: Database, digests: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the bodies of notices by hash."""
    return {row["hash"]: row["body"] for row in await database.fetch(_READ_NOTICES, list(digests))}


async def read_history(connection: AsyncConnection, holder: Holder, purpose: str, most: int) -> list[Record]:
    """Return the records about one purpose, newest first."""
    query = select(records).where(*_of(holder), records.c.purpose == purpose)
    return [record for record, _ in await _records(connection, query.order_by(records.c.sequence.desc()).limit(most))]


async def read_in_force(connection: AsyncConnection, holder: Holder) -> list[Record]:
    """Return the record in force of every purpose, oldest first."""
    query = select(records).join(
        current,
        (current.c.brand == records.c.brand)
        & (current.c.shard == records.c.shard)
        & (current.c.sequence == records.c.sequence),
    )
    mine = (current.c.brand, current.c.shard, current.c.pid, current.c.audience)
    whose = (holder.brand, holder.shard, holder.pid, holder.audience)
    query = query.where(*(column == value for column, value in zip(mine, whose, strict=True)))
    return [record for record, _ in await _records(connection, query.order_by(records.c.sequence))]


async def read_by_id(database: Database, holder: Holder, record_ids: Iterable[str]) -> list[Record]:
    """Return records of one persona and audience by their ids, oldest first."""
    whose = holder.brand, holder.shard, holder.pid, holder.audience
    return [_record(dict(row))[0] for row in await database.fetch(_READ_BY_ID, *whose, list(record_ids))]


def _of(holder: Holder) -> tuple[ColumnElement[bool], ...]:
    return (
        records.c.brand == holder.brand,
        records.c.shard == holder.shard,
        records.c.pid == holder.pid,
        records.c.audience == holder.audience,
    )


async def read_chain(connection: AsyncConnection, brand: str, shard: int) -> list[tuple[Record, bytes]]:
    """Return a whole chain in order, every record with its hash."""
    query = select(records).where(records.c.brand == brand, records.c.shard == shard).order_by(records.c.sequence)
    return await _records(connection, query)


async def _records(connection: AsyncConnection, query: Select[Any]) -> list[tuple[Record, bytes]]:
    return [_record(dict(row._mapping)) for row in await connection.execute(query)]  # noqa: SLF001 - its public name


def _record(fields: dict[str, Any]) -> tuple[Record, bytes]:
    digest = fields.pop("hash")
    return Record(**fields), digest
