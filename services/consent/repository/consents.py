"""What is in force, the heads of the chains and the floors."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, func, select
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
SELECT NULL::bigint, shard::bigint, sequence FROM heads WHERE brand = $1 AND shard = ANY($3::int[])
UNION ALL
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
    WHERE brand = $1 AND shard = who.shard AND pid = who.pid AND audience = $2
      AND (purpose = ANY($5::text[]) OR purpose LIKE '%@%' AND split_part(purpose, '@', 1) = ANY($6::text[]))
    OFFSET 0
) c
ORDER BY who.place, c.purpose
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

_LOCK_HEAD = "SELECT sequence, hash, mended_at_ms FROM heads WHERE brand = $1 AND shard = $2 FOR UPDATE"
_BEGIN_CHAIN = "INSERT INTO heads (brand, shard, sequence, hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"

_TYPES = {Text: "text", LargeBinary: "bytea", Integer: "int", BigInteger: "bigint"}


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def _unnest(columns: Iterable[Column[Any]], first: int) -> str:
    arrays = (f"${number}::{_TYPES[type(column.type)]}[]" for number, column in enumerate(columns, first))
    return f"unnest({', '.join(arrays)})"


_IN_FORCE = tuple(current.columns)
_MOVED = (heads.c.brand, heads.c.shard, heads.c.sequence, heads.c.hash)

# Records, what is in force and the heads in one round trip: whoever withdraws holds the shard meanwhile.
_APPEND = f"""
WITH added AS (
    INSERT INTO records ({_names(records.columns)})
    SELECT * FROM {_unnest(records.columns, 1)}
), in_force AS (
    INSERT INTO current_consents ({_names(_IN_FORCE)})
    SELECT * FROM {_unnest(_IN_FORCE, 1 + len(records.columns))}
    ON CONFLICT ({_names(current.primary_key)})
    DO UPDATE SET {", ".join(f"{each.name} = excluded.{each.name}" for each in _IN_FORCE if not each.primary_key)}
)
UPDATE heads SET sequence = moved.sequence, hash = moved.hash
FROM {_unnest(_MOVED, 1 + len(records.columns) + len(_IN_FORCE))} AS moved({_names(_MOVED)})
WHERE heads.brand = moved.brand AND heads.shard = moved.shard
"""  # noqa: S608 - names of columns


async def lock_head(connection: AsyncConnection, brand: str, shard: int) -> Head:
    """Take the shard's head until the transaction ends: whoever holds it writes alone."""
    driver = await raw(connection)
    rows = await driver.fetch(_LOCK_HEAD, brand, shard)
    if not rows:
        first = genesis(brand, shard)
        await driver.execute(_BEGIN_CHAIN, brand, shard, first.sequence, first.hash)
        rows = await driver.fetch(_LOCK_HEAD, brand, shard)
    return Head(*rows[0])


async def read_many(
    connection: AsyncConnection, holders: Sequence[Holder], purposes: Sequence[str], named: Sequence[str] = ()
) -> dict[Holder, dict[str, Consent]]:
    """Return what is in force for holders of one brand and audience, by purpose; nothing for whom nothing is.

    Of the purposes `named` what was said about others by name, in the order of these names.
    """
    driver = await raw(connection)
    shards, pids = [holder.shard for holder in holders], [holder.pid for holder in holders]
    first = holders[0]
    rows = await driver.fetch(_READ_HOLDERS, first.brand, first.audience, shards, pids, purposes, named)
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
    chained: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for head, new in additions:
        digest = head.hash
        for record in new:
            digest = link(digest, record)
            chained.append({**asdict(record), "hash": digest})
        moved.append(chained[-1])
    # A raised floor is nobody's consent. Of two about the same the later one holds.
    in_force = {tuple(row[each.name] for each in current.primary_key): row for row in chained if row["pid"]}
    driver = await raw(connection)
    arrays = _arrays(records.columns, chained), _arrays(_IN_FORCE, in_force.values()), _arrays(_MOVED, moved)
    await driver.execute(_APPEND, *chain(*arrays))


def _arrays(columns: Iterable[Column[Any]], rows: Iterable[dict[str, Any]]) -> Iterator[list[Any]]:
    return ([row[column.name] for row in rows] for column in columns)


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
) -> tuple[dict[int, int], list[tuple[int, int, int]]]:
    """Return the sequences of shards, and (place in `who` from 0, mask, first expiry) of those with an allowed purpose.

    `who` is brand, audience and the parallel shards and pids; `asked` are (purpose, floor, bit). One snapshot; a shard
    of which nothing was ever recorded is at 0.
    """
    brand, audience, shards, pids = who
    purposes, floors, bits = ([each[part] for each in asked] for part in range(3))
    readable = [str(state) for state in READABLE]
    driver = await raw(connection)
    rows = await driver.fetch(_READ_MANY, brand, audience, shards, pids, purposes, floors, bits, readable, now_ms)
    sequences = dict.fromkeys(shards, 0) | {shard: sequence for place, shard, sequence in rows if place is None}
    return sequences, [(place - 1, mask, until_ms) for place, mask, until_ms in rows if place is not None]


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
