"""Every query of the consent database."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database, raw
from kit.fence import Scope
from services.consent.chain import Head, Record, genesis, link
from services.consent.domain import READABLE, Consent, Holder, State
from services.consent.tables import current, heads, records

_COLUMNS = (
    current.c.purpose,
    current.c.purpose_version,
    current.c.state,
    current.c.record_id,
    current.c.sequence,
    current.c.stated_at_ms,
    current.c.expires_at_ms,
)

# One statement, so one snapshot: the head's sequence is that of the consents beside it.
_READ = """
SELECT coalesce(h.sequence, 0),
       c.purpose, c.purpose_version, c.state, c.record_id, c.sequence, c.stated_at_ms, c.expires_at_ms
FROM (SELECT 1) one
LEFT JOIN heads h ON h.brand = $1 AND h.shard = $2
LEFT JOIN current_consents c
       ON c.brand = $1 AND c.shard = $2 AND c.pid = $3 AND c.audience = $4 AND c.purpose = ANY($5::text[])
"""

# The rule of domain.judge for many; a test holds the two together. OFFSET 0 keeps the planner to one index lookup a
# persona: left to itself, and to missing statistics, it reads the whole table for five hundred of them.
_READ_MANY = """
SELECT who.place, bit_or(asked.bit), min(c.expires_at_ms)
FROM unnest($3::int[], $4::bytea[]) WITH ORDINALITY AS who(shard, pid, place)
CROSS JOIN LATERAL (
    SELECT purpose, purpose_version, expires_at_ms
    FROM current_consents
    WHERE brand = $1 AND shard = who.shard AND pid = who.pid AND audience = $2 AND purpose = ANY($5::text[])
      AND state = ANY($8::text[]) AND expires_at_ms > $9
    OFFSET 0
) c
JOIN unnest($5::text[], $6::int[], $7::bigint[]) AS asked(purpose, floor, bit)
  ON asked.purpose = c.purpose AND c.purpose_version >= asked.floor
GROUP BY who.place
"""


# One index lookup a persona, as above.
_READ_HOLDERS = """
SELECT who.place, c.*
FROM unnest($3::int[], $4::bytea[]) WITH ORDINALITY AS who(shard, pid, place)
CROSS JOIN LATERAL (
    SELECT purpose, purpose_version, state, record_id, sequence, stated_at_ms, expires_at_ms
    FROM current_consents
    WHERE brand = $1 AND shard = who.shard AND pid = who.pid AND audience = $2 AND purpose = ANY($5::text[])
    OFFSET 0
) c
"""

_LIST_HEADS = "SELECT e.epoch, h.brand, h.shard, h.sequence FROM fence_epochs e LEFT JOIN heads h ON true"

_MOVE = (
    heads.update()
    .where(heads.c.brand == bindparam("of_brand"), heads.c.shard == bindparam("of_shard"))
    .values(sequence=bindparam("sequence"), hash=bindparam("hash"))
)


async def lock_head(connection: AsyncConnection, brand: str, shard: int) -> Head:
    """Take the shard's head until the transaction ends: whoever holds it writes alone."""
    query = select(heads.c.sequence, heads.c.hash).where(heads.c.brand == brand, heads.c.shard == shard)
    query = query.with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        first = genesis(brand, shard)
        new = insert(heads).values(brand=brand, shard=shard, sequence=first.sequence, hash=first.hash)
        await connection.execute(new.on_conflict_do_nothing())
        row = (await connection.execute(query)).one()
    return Head(row.sequence, row.hash)


async def read_current(connection: AsyncConnection, holder: Holder, purposes: Iterable[str]) -> dict[str, Consent]:
    """Return what is in force, by purpose."""
    query = select(*_COLUMNS).where(
        current.c.brand == holder.brand,
        current.c.shard == holder.shard,
        current.c.pid == holder.pid,
        current.c.audience == holder.audience,
        current.c.purpose.in_(list(purposes)),
    )
    return {row.purpose: _consent(*row) for row in await connection.execute(query)}


async def read_many(
    connection: AsyncConnection, holders: Sequence[Holder], purposes: Sequence[str]
) -> dict[Holder, dict[str, Consent]]:
    """Return what is in force for holders of one brand and audience, by purpose; nothing for whom nothing is."""
    driver = await raw(connection)
    shards, pids = [holder.shard for holder in holders], [holder.pid for holder in holders]
    first = holders[0]
    rows = await driver.fetch(_READ_HOLDERS, first.brand, first.audience, shards, pids, list(purposes))
    found: dict[Holder, dict[str, Consent]] = {}
    for place, *row in rows:
        consent = _consent(*row)
        found.setdefault(holders[place - 1], {})[consent.purpose] = consent
    return found


async def read_everywhere(connection: AsyncConnection, holder: Holder) -> list[tuple[str, Consent]]:
    """Return what is in force of a persona towards any audience and is not erased, each with its audience."""
    query = select(current.c.audience, *_COLUMNS).where(
        current.c.brand == holder.brand,
        current.c.shard == holder.shard,
        current.c.pid == holder.pid,
        current.c.state != State.ERASED.value,
    )
    rows = await connection.execute(query.order_by(current.c.audience, current.c.purpose))
    return [(audience, _consent(*row)) for audience, *row in rows]


async def append(connection: AsyncConnection, additions: Sequence[tuple[Head, Sequence[Record]]]) -> None:
    """Add records behind locked heads, put them in force and move the heads; to each shard its own, never none."""
    rows, moved = [], []
    for head, new in additions:
        digest = head.hash
        for record in new:
            digest = link(digest, record)
            rows.append({**asdict(record), "hash": digest})
        last = new[-1]
        moved.append({"of_brand": last.brand, "of_shard": last.shard, "sequence": last.sequence, "hash": digest})
    await connection.execute(insert(records), rows)
    await _put_in_force(connection, rows)
    await connection.execute(_MOVE, moved)


async def _put_in_force(connection: AsyncConnection, rows: Sequence[dict[str, object]]) -> None:
    statement = insert(current)
    keys = {column.name for column in current.primary_key}
    changed = {column.name: statement.excluded[column.name] for column in current.c if column.name not in keys}
    names = [column.name for column in current.c]
    await connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(keys), set_=changed),
        [{name: row[name] for name in names} for row in rows],
    )


async def check(database: Database, holder: Holder, purposes: Sequence[str]) -> tuple[int, dict[str, Consent]]:
    """Return the shard's sequence and what is in force, both of one snapshot."""
    rows = await database.fetch(_READ, holder.brand, holder.shard, holder.pid, holder.audience, purposes)
    return rows[0][0], {row[1]: _consent(*row[1:]) for row in rows if row[1] is not None}


async def check_many(
    connection: AsyncConnection,
    who: tuple[str, str, Sequence[int], Sequence[bytes]],
    asked: Sequence[tuple[str, int, int]],
    now_ms: int,
) -> list[tuple[int, int, int]]:
    """Return (place in `who` from 0, mask, first expiry) of those with any allowed purpose.

    `who` is brand, audience and the parallel shards and pids; `asked` are (purpose, floor, bit).
    """
    brand, audience, shards, pids = who
    purposes, floors, bits = ([each[part] for each in asked] for part in range(3))
    driver = await raw(connection)
    readable = [str(state) for state in READABLE]
    rows = await driver.fetch(_READ_MANY, brand, audience, shards, pids, purposes, floors, bits, readable, now_ms)
    return [(place - 1, mask, expires_at_ms) for place, mask, expires_at_ms in rows]


async def read_heads(connection: AsyncConnection, brand: str, shards: Collection[int]) -> dict[int, int]:
    """Return the sequences of shards, 0 where nothing was ever recorded."""
    query = select(heads.c.shard, heads.c.sequence).where(heads.c.brand == brand, heads.c.shard.in_(shards))
    return dict.fromkeys(shards, 0) | {row.shard: row.sequence for row in await connection.execute(query)}


async def list_heads(database: Database) -> tuple[int, dict[Scope, int]]:
    """Return the epoch of the elected authority and the sequence of every shard, both of one snapshot."""
    rows = await database.fetch(_LIST_HEADS)
    return rows[0][0], {Scope(brand, shard): sequence for _, brand, shard, sequence in rows if brand is not None}


async def read_chain(connection: AsyncConnection, brand: str, shard: int) -> list[tuple[Record, bytes]]:
    """Return a whole chain in order, every record with its hash."""
    query = select(records).where(records.c.brand == brand, records.c.shard == shard).order_by(records.c.sequence)
    found = []
    for row in await connection.execute(query):
        fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        digest = fields.pop("hash")
        found.append((Record(**fields), digest))
    return found


def _consent(purpose: str, version: int, state: str, *rest: Any) -> Consent:
    # The rest are columns in the order of Consent's own fields: record id, sequence, stated at, expires at.
    return Consent(purpose, version, State(state), *rest)
