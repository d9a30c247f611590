"""Erasures: the one durable record of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database
from services.profile.domain import Persona

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
