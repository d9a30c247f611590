"""Events that were set aside: entered, looked through, and let in once a rule has mended them."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from services.profile.domain import SHARDS, Persona, Rejected


class Sealed(NamedTuple):
    """What is left of an event, sealed under the data key of its persona."""

    persona: Persona
    key_id: str
    codec: int
    body: bytes


class Refused(NamedTuple):
    """An event to set aside, where it is counted and stands, and what is kept of it."""

    event: Rejected
    hour_ms: int
    batch_id: bytes
    place: int
    sealed: Sealed | None


class Count(NamedTuple):
    """How many events were set aside alike."""

    source: str
    reason: str
    field: str
    named: bytes
    quarantined: int
    can_replay: int
    mended: int


class Listed(NamedTuple):
    """An event as staff may see it, and what tells it from others set aside at the same time."""

    source: str
    reason: str
    field: str
    named: bytes
    set_aside_at_ms: int
    can_replay: bool
    mended_at_ms: int
    fate: str
    mid: bytes


class Mendable(NamedTuple):
    """An event that a rule speaks of, with that rule encoded."""

    mid: bytes
    source: str
    set_aside_at_ms: int
    persona: Persona
    body: bytes
    rule: bytes


class RuleRow(NamedTuple):
    """A rule as it is kept."""

    source: str
    named: bytes
    means: str
    rule: bytes


#: Where a page ends: when the event was set aside, and its message id.
Cursor = tuple[int, bytes]


class Held(NamedTuple):
    """An event that is still set aside."""

    mid: bytes
    source: str
    hour_ms: int


class Expired(NamedTuple):
    """How many events of one sort were set aside for as long as they are kept."""

    source: str
    reason: str
    is_mended: bool
    events: int


def shard_of(mid: bytes) -> int:
    return mid[0] % SHARDS


async def enter(connection: asyncpg.Connection, brand: str, refused: Sequence[Refused], at_ms: int) -> set[bytes]:
    """Set events aside, and return the message ids that were not set aside before."""
    sealed = [each.sealed for each in refused]
    rows = await connection.fetch(
        """
        INSERT INTO quarantine (
            brand, shard, mid, source, reason, field, hour_ms, batch_id, place, named,
            persona_shard, pid, key_id, codec, remains, set_aside_at_ms
        )
        SELECT $1, q.*, $16 FROM unnest(
            $2::smallint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[], $9::int[],
            $10::bytea[], $11::smallint[], $12::bytea[], $13::text[], $14::smallint[], $15::bytea[]
        ) AS q
        ON CONFLICT DO NOTHING
        RETURNING mid
        """,
        brand,
        [shard_of(each.event.mid) for each in refused],
        [each.event.mid for each in refused],
        [each.event.source for each in refused],
        [each.event.reason for each in refused],
        [each.event.field for each in refused],
        [each.hour_ms for each in refused],
        [each.batch_id for each in refused],
        [each.place for each in refused],
        [each.event.remains.named if each.event.remains else b"" for each in refused],
        [each.persona.shard if each else 0 for each in sealed],
        [each.persona.pid if each else b"" for each in sealed],
        [each.key_id if each else "" for each in sealed],
        [each.codec if each else 0 for each in sealed],
        [each.body if each else b"" for each in sealed],
        at_ms,
    )
    return {mid for (mid,) in rows}


async def hold(connection: asyncpg.Connection, brand: str, mids: Sequence[bytes]) -> dict[bytes, Held]:
    """Return those that are still set aside, and keep others from letting them in until the transaction ends.

    A fold under way that lets one in is waited for; when it commits, the event is not set aside any more.
    """
    rows = await connection.fetch(
        """
        SELECT mid, source, hour_ms FROM quarantine q
        WHERE brand = $1 AND mended_at_ms = 0 AND remains <> ''
            AND (shard, mid) IN (SELECT * FROM unnest($2::smallint[], $3::bytea[]))
        FOR UPDATE
        """,
        brand,
        [shard_of(mid) for mid in mids],
        mids,
    )
    return {mid: Held(mid, source, hour_ms) for mid, source, hour_ms in rows}


async def let_in(connection: asyncpg.Connection, brand: str, fates: dict[bytes, str], at_ms: int) -> None:
    """Enter what became of events that were set aside; what was left of them goes."""
    await connection.execute(
        """
        UPDATE quarantine AS k SET mended_at_ms = $5, fate = q.fate, remains = ''
        FROM unnest($2::smallint[], $3::bytea[], $4::text[]) AS q(shard, mid, fate)
        WHERE k.brand = $1 AND k.shard = q.shard AND k.mid = q.mid
        """,
        brand,
        [shard_of(mid) for mid in fates],
        list(fates),
        list(fates.values()),
        at_ms,
    )


async def expire(connection: asyncpg.Connection, brand: str, before_ms: int, most: int) -> list[Expired]:
    """Delete the oldest events set aside before a moment, and return how many of each sort went.

    What a fold is letting in, or another folder deletes, is passed by: the next round finds it if it is still there.
    """
    rows = await connection.fetch(
        """
        WITH old AS (
            SELECT shard, mid FROM quarantine WHERE brand = $1 AND set_aside_at_ms < $2
            ORDER BY set_aside_at_ms, mid LIMIT $3 FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM quarantine q USING old WHERE q.brand = $1 AND q.shard = old.shard AND q.mid = old.mid
            RETURNING q.source, q.reason, q.mended_at_ms > 0 AS is_mended
        )
        SELECT source, reason, is_mended, count(*) FROM gone GROUP BY source, reason, is_mended
        """,
        brand,
        before_ms,
        most,
    )
    return [Expired(*row) for row in rows]


async def counts(connection: asyncpg.Connection, brand: str, source: str, reason: str) -> list[Count]:
    """Return how many there are alike; an empty source or reason stands for all."""
    rows = await connection.fetch(
        """
        SELECT source, reason, field, named, count(*) FILTER (WHERE mended_at_ms = 0),
            count(*) FILTER (WHERE mended_at_ms = 0 AND remains <> ''), count(*) FILTER (WHERE mended_at_ms > 0)
        FROM quarantine WHERE brand = $1 AND ($2 = '' OR source = $2) AND ($3 = '' OR reason = $3)
        GROUP BY source, reason, field, named ORDER BY source, reason, field, named
        """,
        brand,
        source,
        reason,
    )
    return [Count(*row) for row in rows]


async def page(
    connection: asyncpg.Connection, brand: str, only: tuple[str, str], before: Cursor, most: int
) -> list[Listed]:
    """Return the newest events before a cursor, of one source and reason; "" stands for all."""
    rows = await connection.fetch(
        """
        SELECT source, reason, field, named, set_aside_at_ms,
            mended_at_ms = 0 AND remains <> '', mended_at_ms, fate, mid
        FROM quarantine
        WHERE brand = $1 AND ($2 = '' OR source = $2) AND ($3 = '' OR reason = $3) AND (set_aside_at_ms, mid) < ($4, $5)
        ORDER BY set_aside_at_ms DESC, mid DESC LIMIT $6
        """,
        brand,
        *only,
        *before,
        most,
    )
    return [Listed(*row) for row in rows]


async def mendable(connection: asyncpg.Connection, brand: str, source: str, after: Cursor, most: int) -> list[Mendable]:
    """Return the oldest events after a cursor that a rule speaks of and something is left of."""
    rows = await connection.fetch(
        """
        SELECT q.mid, q.source, q.set_aside_at_ms, q.persona_shard, q.pid, q.remains, r.rule
        FROM quarantine q JOIN mending_rules r ON r.brand = q.brand AND r.source = q.source AND r.named = q.named
        WHERE q.brand = $1 AND ($2 = '' OR q.source = $2) AND q.mended_at_ms = 0 AND q.remains <> ''
            AND (q.set_aside_at_ms, q.mid) > ($3, $4)
        ORDER BY q.set_aside_at_ms, q.mid LIMIT $5
        """,
        brand,
        source,
        *after,
        most,
    )
    return [
        Mendable(mid, of, set_aside_at_ms, Persona(brand, shard, pid), body, rule)
        for mid, of, set_aside_at_ms, shard, pid, body, rule in rows
    ]


async def put_rules(connection: asyncpg.Connection, brand: str, rules: Sequence[RuleRow], at_ms: int) -> int:
    """Keep rules in the place of those before, and return how many events they can let in."""
    await connection.executemany(
        """
        INSERT INTO mending_rules (brand, source, named, means, rule, made_at_ms) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (brand, source, named)
        DO UPDATE SET means = excluded.means, rule = excluded.rule, made_at_ms = excluded.made_at_ms
        """,
        [(brand, *rule, at_ms) for rule in rules],
    )
    count: int = await connection.fetchval(
        """
        SELECT count(*) FROM quarantine
        WHERE brand = $1 AND source = ANY($2::text[]) AND named = ANY($3::bytea[])
            AND mended_at_ms = 0 AND remains <> ''
        """,
        brand,
        [rule.source for rule in rules],
        [rule.named for rule in rules],
    )
    return count


async def rules(connection: asyncpg.Connection, brand: str) -> list[RuleRow]:
    rows = await connection.fetch(
        "SELECT source, named, means, rule FROM mending_rules WHERE brand = $1 ORDER BY source, named", brand
    )
    return [RuleRow(*row) for row in rows]
