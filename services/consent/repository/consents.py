"""What is in force, the heads of the chains and the floors."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database, raw
from kit.fence import Kept, Scope
from services.consent.chain import Head, Record, genesis, link
from services.consent.domain import READABLE, Consent, Holder, State
from services.consent.tables import current, floors, heads, records

_COLUMNS = (
    current.c.purpose,
    current.c.purpose_version,
    current.c.state,
    current.c.record_id,
    current.c.sequence,
    current.c.stated_at_ms,
    current.c.expires_at_ms,
    current.c.method,
    current.c.conflicts_with,
)

# One statement, so one snapshot: the head's sequence is that of the consents and floors beside it.
_READ = """
SELECT coalesce(h.sequence, 0), ARRAY(SELECT (f.purpose, f.floor) FROM floors f WHERE f.brand = $1),
       c.purpose, c.purpose_version, c.state, c.record_id, c.sequence, c.stated_at_ms, c.expires_at_ms,
       c.method, c.conflicts_with
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
LEFT JOIN floors f ON f.brand = $1 AND f.purpose = split_part(asked.purpose, '@', 1)
WHERE f.floor IS NULL OR c.purpose_version >= f.floor
GROUP BY who.place
"""


# One index lookup a persona, as above.
_READ_HOLDERS = """
SELECT who.place, c.*
FROM unnest($3::int[], $4::bytea[]) WITH ORDINALITY AS who(shard, pid, place)
CROSS JOIN LATERAL (
    SELECT purpose, purpose_version, state, record_id, sequence, stated_at_ms, expires_at_ms, method, conflicts_with
    FROM current_consents
    WHERE brand = $1 AND shard = who.shard AND pid = who.pid AND audience = $2 AND purpose = ANY($5::text[])
    OFFSET 0
) c
"""

_LIST_HEADS = "SELECT e.epoch, h.brand, h.shard, h.sequence FROM fence_epochs e LEFT JOIN heads h ON true"

# Behind every number that was ever given out, acknowledged or not.
_STRIDE = 1 << 32

# Dated in the head, not row by row: of some of what was lost there is no row, and it may come again late.
_MEND = """
UPDATE heads SET sequence = $3, mended_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
WHERE brand = $1 AND shard = $2
"""
_FORGET = "UPDATE current_consents SET state = $3, expires_at_ms = 0 WHERE brand = $1 AND shard = $2"

_MOVE = (
    heads.update()
    .where(heads.c.brand == bindparam("of_brand"), heads.c.shard == bindparam("of_shard"))
    .values(sequence=bindparam("sequence"), hash=bindparam("hash"))
)


async def lock_head(connection: AsyncConnection, brand: str, shard: int) -> Head:
    """Take the shard's head until the transaction ends: whoever holds it writes alone."""
    columns = heads.c.sequence, heads.c.hash, heads.c.mended_at_ms
    query = select(*columns).where(heads.c.brand == brand, heads.c.shard == shard).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        first = genesis(brand, shard)
        new = insert(heads).values(brand=brand, shard=shard, sequence=first.sequence, hash=first.hash)
        await connection.execute(new.on_conflict_do_nothing())
        row = (await connection.execute(query)).one()
    return Head(*row)


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


async def list_named(connection: AsyncConnection, holder: Holder, kinds: Sequence[str]) -> list[str]:
    """Return the purposes of these kinds about which something was recorded towards others by name."""
    query = select(current.c.purpose).where(
        current.c.brand == holder.brand,
        current.c.shard == holder.shard,
        current.c.pid == holder.pid,
        current.c.audience == holder.audience,
        current.c.purpose.like("%@%"),
        func.split_part(current.c.purpose, "@", 1).in_(kinds),
    )
    return list((await connection.execute(query.order_by(current.c.purpose))).scalars())


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
    # A raised floor is nobody's consent.
    if own := [row for row in rows if row["pid"]]:
        await _put_in_force(connection, own)
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


@dataclass(frozen=True, slots=True)
class Truth:
    """What one snapshot says: the shard's sequence, raised floors by purpose, and what is in force by purpose."""

    sequence: int
    floors: dict[str, int]
    consents: dict[str, Consent]


async def check(database: Database, holder: Holder, purposes: Sequence[str]) -> Truth:
    """Return what holds for one persona and audience."""
    rows = await database.fetch(_READ, holder.brand, holder.shard, holder.pid, holder.audience, purposes)
    sequence, floors, *_ = rows[0]
    return Truth(sequence, dict(floors), {row[2]: _consent(*row[2:]) for row in rows if row[2] is not None})


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


async def mend(connection: AsyncConnection, kept: Kept) -> dict[Scope, int]:
    """Put nothing in force in shards that are behind what was acknowledged, and move their heads past it."""
    driver = await raw(connection)
    moved = {}
    for scope in sorted(kept.heads):
        head = await lock_head(connection, *scope)
        if head.sequence < kept.heads[scope]:
            moved[scope] = kept.heads[scope] + _STRIDE
            await driver.execute(_MEND, *scope, moved[scope])
            await driver.execute(_FORGET, *scope, str(State.NEVER_ASKED))
    return moved


async def lock_heads(connection: AsyncConnection, brand: str) -> dict[int, Head]:
    """Take every head that the brand has, in the order in which others take several."""
    query = select(heads.c.shard, heads.c.sequence, heads.c.hash).where(heads.c.brand == brand)
    rows = await connection.execute(query.order_by(heads.c.shard).with_for_update())
    return {row.shard: Head(row.sequence, row.hash) for row in rows}


async def keep_floor(connection: AsyncConnection, brand: str, purpose: str, floor: int) -> int:
    """Raise a floor and return it; a higher one stays."""
    new = insert(floors).values(brand=brand, purpose=purpose, floor=floor)
    kept = new.on_conflict_do_update(
        index_elements=["brand", "purpose"], set_={"floor": func.greatest(floors.c.floor, new.excluded.floor)}
    )
    return int((await connection.execute(kept.returning(floors.c.floor))).scalar_one())


def _consent(purpose: str, version: int, state: str, *rest: Any) -> Consent:
    # The rest are columns in the order of Consent's own fields, from the record's id on.
    return Consent(purpose, version, State(state), *rest)
