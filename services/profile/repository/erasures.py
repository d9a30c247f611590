"""Erasures: the one durable record of each, what it deletes from the vault, and marks of ids that are gone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.profile.domain import Bound, Persona, Subject

_COLUMNS = """
    erasure_id, brand, audience, method, asked_at_ms, shards, pids, fenced_at_ms, unbound_at_ms, owed, owed_key,
    signed::text, missing::text, rewrapped_at_ms, versions::text, complete_at_ms, receipt, attempts
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """How far one erasure is; times are 0 for not yet."""

    erasure_id: str
    brand: str
    audience: str
    method: str
    asked_at_ms: int
    personas: tuple[Persona, ...]
    fenced_at_ms: int = 0
    unbound_at_ms: int = 0
    owed: bytes = b""
    owed_key: str = ""
    signed: Mapping[str, int] | None = None
    missing: Mapping[str, str] | None = None
    rewrapped_at_ms: int = 0
    versions: Mapping[str, str] | None = None
    complete_at_ms: int = 0
    receipt: str = ""
    attempts: int = 0

    @property
    def shards(self) -> list[int]:
        """Shards of its personas, once each."""
        return sorted({persona.shard for persona in self.personas})

    @property
    def pids(self) -> list[bytes]:
        return [persona.pid for persona in self.personas]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it lies: whose, and the version of the shard key around it."""

    pid: bytes
    wrapped: bytes
    wrapped_by: str


async def begin(source: asyncpg.Connection | Database, erasure: Erasure, next_at_ms: int) -> None:
    await source.fetch(
        """
        INSERT INTO erasures (erasure_id, brand, audience, method, asked_at_ms, shards, pids, next_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        erasure.erasure_id,
        erasure.brand,
        erasure.audience,
        erasure.method,
        erasure.asked_at_ms,
        [persona.shard for persona in erasure.personas],
        erasure.pids,
        next_at_ms,
    )


async def read(vault: Database, erasure_id: str) -> Erasure | None:
    rows = await vault.fetch(f"SELECT {_COLUMNS} FROM erasures WHERE erasure_id = $1", erasure_id)  # noqa: S608 - names
    return _erasure(rows[0]) if rows else None


async def claim(connection: asyncpg.Connection, now_ms: int, until_ms: int, most: int) -> list[Erasure]:
    """Return those that are due, and keep others from taking them until then."""
    rows = await connection.fetch(
        f"""
        UPDATE erasures SET next_at_ms = $2, attempts = attempts + 1 WHERE erasure_id IN (
            SELECT erasure_id FROM erasures WHERE complete_at_ms = 0 AND next_at_ms <= $1
            ORDER BY next_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED
        ) RETURNING {_COLUMNS}
        """,  # noqa: S608 - names of columns
        now_ms,
        until_ms,
        most,
    )
    return [_erasure(row) for row in rows]


async def defer(vault: Database, erasure_id: str, next_at_ms: int, attempts: int) -> None:
    """Have it taken up at that time, as after so many attempts."""
    await vault.fetch(
        "UPDATE erasures SET next_at_ms = $2, attempts = $3 WHERE erasure_id = $1", erasure_id, next_at_ms, attempts
    )


async def grew(connection: asyncpg.Connection, erasure_id: str, personas: Sequence[Persona]) -> None:
    """Note that more is linked than was known: all of it is to be fenced anew."""
    await connection.execute(
        "UPDATE erasures SET shards = $2, pids = $3 WHERE erasure_id = $1",
        erasure_id,
        [persona.shard for persona in personas],
        [persona.pid for persona in personas],
    )


async def unbound(connection: asyncpg.Connection, erasure: Erasure, owed: tuple[bytes, str], at_ms: int) -> None:
    await connection.execute(
        "UPDATE erasures SET fenced_at_ms = $2, unbound_at_ms = $3, owed = $4, owed_key = $5 WHERE erasure_id = $1",
        erasure.erasure_id,
        erasure.fenced_at_ms,
        at_ms,
        *owed,
    )


async def sign(vault: Database, erasure_id: str, projection: str, at_ms: int) -> None:
    """Note that a projection has deleted its part; the first time counts."""
    await vault.fetch(
        """
        UPDATE erasures SET signed = jsonb_build_object($2::text, $3::bigint) || signed, missing = missing - $2::text
        WHERE erasure_id = $1
        """,
        erasure_id,
        projection,
        at_ms,
    )


async def miss(vault: Database, erasure_id: str, projection: str, reason: str) -> None:
    await vault.fetch(
        "UPDATE erasures SET missing = missing || jsonb_build_object($2::text, $3::text) WHERE erasure_id = $1",
        erasure_id,
        projection,
        reason,
    )


async def settle_debt(vault: Database, erasure_id: str) -> None:
    """Drop what shared models had to take back."""
    await vault.fetch("UPDATE erasures SET owed = '', owed_key = '' WHERE erasure_id = $1", erasure_id)


async def rewrapped(vault: Database, erasure_id: str, versions: Mapping[str, str], at_ms: int) -> None:
    await vault.fetch(
        "UPDATE erasures SET rewrapped_at_ms = $2, versions = $3::jsonb WHERE erasure_id = $1",
        erasure_id,
        at_ms,
        json.dumps(dict(versions)),
    )


async def complete(vault: Database, erasure_id: str, receipt: str, at_ms: int) -> None:
    """End it: who was erased is not known from here on."""
    await vault.fetch(
        """
        UPDATE erasures SET complete_at_ms = $2, receipt = $3, shards = '{}', pids = '{}', missing = '{}'
        WHERE erasure_id = $1
        """,
        erasure_id,
        at_ms,
        receipt,
    )


async def circle(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> list[Bound]:
    """Return these and everybody linked to them, however far, as far as they have a data key."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE reached(shard, pid) AS (
            SELECT * FROM unnest($2::smallint[], $3::bytea[])
            UNION
            SELECT l.other_shard, l.other_pid
            FROM reached r JOIN links l ON l.brand = $1 AND l.shard = r.shard AND l.pid = r.pid
        )
        SELECT k.shard, k.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by
        FROM reached r JOIN personas k ON k.brand = $1 AND k.shard = r.shard AND k.pid = r.pid
        ORDER BY k.shard, k.pid
        """,
        brand,
        *_keys(personas),
    )
    return [Bound(Persona(brand, shard, pid), *facts) for shard, pid, *facts in rows]


async def subjects_of(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> list[Subject]:
    """Return the ids that stand for these, or stood for them on a device they shared."""
    rows = await connection.fetch(
        """
        SELECT b.audience, b.eid FROM bindings b JOIN unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            ON b.brand = $1 AND coalesce(b.home, b.shard) = q.shard AND b.pid = q.pid
        UNION
        SELECT f.audience, f.eid FROM faces f JOIN unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)
            ON f.brand = $1 AND coalesce(f.home, f.shard) = q.shard AND f.pid = q.pid
        """,
        brand,
        *_keys(personas),
    )
    return [Subject(brand, audience, eid) for audience, eid in rows]


async def delete(connection: asyncpg.Connection, brand: str, personas: Sequence[Persona]) -> None:
    """Delete data keys, bindings, links and faces of a whole circle: both ends of every link are in it."""
    await connection.execute(
        """
        WITH gone AS MATERIALIZED (SELECT * FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, pid)), unlinked AS (
            DELETE FROM links l USING gone g WHERE l.brand = $1 AND l.shard = g.shard AND l.pid = g.pid
        ), faceless AS (
            DELETE FROM faces f USING gone g
            WHERE f.brand = $1 AND coalesce(f.home, f.shard) = g.shard AND f.pid = g.pid
        ), stood_behind AS (
            DELETE FROM faces f USING gone g
            WHERE f.brand = $1 AND f.user_shard = g.shard AND f.user_pid = g.pid AND f.pid IS NULL
        ), unbound AS (
            DELETE FROM bindings b USING gone g
            WHERE b.brand = $1 AND coalesce(b.home, b.shard) = g.shard AND b.pid = g.pid
        ), codeless AS (
            DELETE FROM link_codes c USING gone g WHERE c.brand = $1 AND c.shard = g.shard AND c.pid = g.pid
        )
        DELETE FROM personas p USING gone g WHERE p.brand = $1 AND p.shard = g.shard AND p.pid = g.pid
        """,
        brand,
        *_keys(personas),
    )


async def mark(connection: asyncpg.Connection, brand: str, marks: Sequence[tuple[int, bytes]], at_ms: int) -> None:
    await connection.execute(
        """
        INSERT INTO erased_ids (brand, shard, mark, erased_at_ms)
        SELECT $1, q.shard, q.mark, $4 FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, mark)
        ON CONFLICT (brand, shard, mark) DO UPDATE SET erased_at_ms = excluded.erased_at_ms
        """,
        brand,
        [shard for shard, _ in marks],
        [each for _, each in marks],
        at_ms,
    )


async def marked(
    source: asyncpg.Connection | Database, brand: str, marks: Sequence[tuple[int, bytes]]
) -> dict[bytes, int]:
    """Return when those of these marks were set that were."""
    rows = await source.fetch(
        """
        SELECT e.mark, e.erased_at_ms FROM unnest($2::smallint[], $3::bytea[]) AS q(shard, mark)
        JOIN erased_ids e ON e.brand = $1 AND e.shard = q.shard AND e.mark = q.mark
        """,
        brand,
        [shard for shard, _ in marks],
        [each for _, each in marks],
    )
    return dict(map(tuple, rows))


async def forget_marks(vault: Database, before_ms: int) -> None:
    await vault.fetch("DELETE FROM erased_ids WHERE erased_at_ms < $1", before_ms)


async def brands(vault: Database) -> list[str]:
    """Return the brands that have personas."""
    rows = await vault.fetch(
        """
        WITH RECURSIVE found(brand) AS (
            SELECT min(brand) FROM personas
            UNION ALL SELECT (SELECT min(brand) FROM personas p WHERE p.brand > f.brand) FROM found f
            WHERE f.brand IS NOT NULL
        ) SELECT brand FROM found WHERE brand IS NOT NULL
        """
    )
    return [brand for (brand,) in rows]


async def wrapped_otherwise(
    connection: asyncpg.Connection, brand: str, shard: int, version: str, most: int
) -> list[Wrapped]:
    """Return data keys of a shard that are wrapped under another version of its key."""
    rows = await connection.fetch(
        """
        SELECT pid, wrapped, wrapped_by FROM personas
        WHERE brand = $1 AND shard = $2 AND wrapped_by::bigint < $3::bigint ORDER BY pid LIMIT $4
        """,
        brand,
        shard,
        int(version),
        most,
    )
    return [Wrapped(*row) for row in rows]


async def rewrap(
    connection: asyncpg.Connection, place: tuple[str, int, str], before: Sequence[Wrapped], after: Sequence[bytes]
) -> None:
    """Put data keys of (brand, shard) wrapped under that version in the place of those before."""
    await connection.execute(
        """
        UPDATE personas p SET wrapped = q.wrapped, wrapped_by = $3
        FROM unnest($4::bytea[], $5::text[], $6::bytea[]) AS q(pid, was_by, wrapped)
        WHERE p.brand = $1 AND p.shard = $2 AND p.pid = q.pid AND p.wrapped_by = q.was_by
        """,
        *place,
        [each.pid for each in before],
        [each.wrapped_by for each in before],
        after,
    )


def _keys(personas: Sequence[Persona]) -> tuple[list[int], list[bytes]]:
    return [persona.shard for persona in personas], [persona.pid for persona in personas]


def _erasure(row: asyncpg.Record) -> Erasure:
    (erasure_id, brand, audience, method, asked_at_ms, shards, pids, fenced_at_ms, unbound_at_ms, owed, owed_key,
     signed, missing, rewrapped_at_ms, versions, complete_at_ms, receipt, attempts) = row  # fmt: skip
    return Erasure(
        erasure_id,
        brand,
        audience,
        method,
        asked_at_ms,
        tuple(Persona(brand, shard, pid) for shard, pid in zip(shards, pids, strict=True)),
        fenced_at_ms,
        unbound_at_ms,
        owed,
        owed_key,
        json.loads(signed),
        json.loads(missing),
        rewrapped_at_ms,
        json.loads(versions),
        complete_at_ms,
        receipt,
        attempts,
    )
