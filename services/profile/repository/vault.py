"""The vault: bindings and data keys in bulk, and the locks that keep folding, binding and erasing apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import asyncpg

from kit.db import Database
from services.profile.domain import Bound, Persona, Subject

# Classes of advisory locks: the numbers only have to differ and to stay.
_LOCK_LIFE = 7101
_LOCK_IDENTITY = 7102
_LOCK_KEYS = 7105

Address = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class NewBinding:
    """A binding to be made, with its data key wrapped under the shard key `wrapped_by`."""

    audience: str
    eid: bytes
    shard: int
    pid: bytes
    key_id: str
    wrapped: bytes
    wrapped_by: str
    version: int


async def share_life(connection: asyncpg.Connection, brand: str, shards: Iterable[int]) -> None:
    """Keep the personas of these shards from being erased until the transaction ends.

    One lock a shard instead of FOR SHARE on every key row: erasing takes the same lock exclusively, and reading
    thousands of keys a batch does not write to their pages.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared($1, key) FROM unnest($2::int[]) AS key",
        _LOCK_LIFE,
        _lock_keys(brand, shards),
    )


async def lock_identity(connection: asyncpg.Connection, brand: str, shards: Iterable[int]) -> None:
    """Let one transaction at a time change who stands behind the ids of these shards.

    Binding an id and saying who it is may happen at once in two partitions; each must see what the other did.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key", _LOCK_IDENTITY, _lock_keys(brand, shards)
    )


async def end_life(connection: asyncpg.Connection, brand: str, shards: Iterable[int]) -> None:
    """Be the only one who has to do with personas of these shards until the transaction ends.

    Waits for the folds under way, whose commits are then seen; those that come after find what is left.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key", _LOCK_LIFE, _lock_keys(brand, shards)
    )


async def share_keys(connection: asyncpg.Connection, shards: Iterable[int]) -> None:
    """Keep the shard keys that new data keys are wrapped under from being destroyed until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared($1, key) FROM unnest($2::int[]) AS key", _LOCK_KEYS, sorted(set(shards))
    )


async def hold_keys(connection: asyncpg.Connection, shards: Iterable[int]) -> None:
    """Wait until nobody wraps a new data key under a shard key that is not the newest; of all brands."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::int[]) AS key", _LOCK_KEYS, sorted(set(shards))
    )


async def resolve(connection: asyncpg.Connection, brand: str, addresses: Sequence[Address]) -> dict[Address, Bound]:
    """Return the facets bound to (audience, eid); those without binding or data key are left out."""
    # LIMIT keeps the planner to one look-up by key each: as a join, while the tables have no statistics, it reads whole
    # shards for every address.
    rows = await connection.fetch(
        """
        SELECT q.audience, q.eid, b.home, b.pid,
            k.generation, k.key_id, k.wrapped, k.wrapped_by, b.preferences, b.preferences_at_ms
        FROM unnest($2::smallint[], $3::text[], $4::bytea[]) AS q(shard, audience, eid)
        CROSS JOIN LATERAL (
            SELECT coalesce(home, shard) AS home, pid, preferences, preferences_at_ms FROM bindings
            WHERE brand = $1 AND shard = q.shard AND audience = q.audience AND eid = q.eid LIMIT 1
        ) AS b
        CROSS JOIN LATERAL (
            SELECT generation, key_id, wrapped, wrapped_by FROM personas
            WHERE brand = $1 AND shard = b.home AND pid = b.pid LIMIT 1
        ) AS k
        """,
        brand,
        *_columns(brand, addresses),
    )
    return {(audience, eid): Bound(Persona(brand, shard, pid), *facts) for audience, eid, shard, pid, *facts in rows}


async def find(vault: Database, brand: str, addresses: Sequence[Address]) -> dict[Address, tuple[Bound, bool]]:
    """Return the facets bound to (audience, eid), and whether anything is linked to each; others are left out."""
    # LIMIT keeps the planner to look-ups by key: behind the wall between brands it reads all personas for a join.
    rows = await vault.fetch(
        """
        SELECT q.audience, q.eid, EXISTS (SELECT FROM links WHERE brand = $1 AND shard = b.home AND pid = b.pid),
            b.home, b.pid, k.generation, k.key_id, k.wrapped, k.wrapped_by, b.preferences, b.preferences_at_ms,
            k.choices
        FROM unnest($2::smallint[], $3::text[], $4::bytea[]) AS q(shard, audience, eid)
        CROSS JOIN LATERAL (
            SELECT coalesce(home, shard) AS home, pid, preferences, preferences_at_ms FROM bindings
            WHERE brand = $1 AND shard = q.shard AND audience = q.audience AND eid = q.eid LIMIT 1
        ) AS b
        CROSS JOIN LATERAL (
            SELECT generation, key_id, wrapped, wrapped_by, choices FROM personas
            WHERE brand = $1 AND shard = b.home AND pid = b.pid LIMIT 1
        ) AS k
        """,
        brand,
        *_columns(brand, addresses),
    )
    return {
        (audience, eid): (Bound(Persona(brand, shard, pid), *facts), is_linked)
        for audience, eid, is_linked, shard, pid, *facts in rows
    }


async def lock_choices(connection: asyncpg.Connection, persona: Persona) -> Bound | None:
    """Return a persona with what it has chosen, and keep others from changing that; None for one that is gone."""
    row = await connection.fetchrow(
        """
        SELECT generation, key_id, wrapped, wrapped_by, choices FROM personas
        WHERE brand = $1 AND shard = $2 AND pid = $3 FOR UPDATE
        """,
        persona.brand,
        persona.shard,
        persona.pid,
    )
    if row is None:
        return None
    generation, key_id, wrapped, wrapped_by, choices = row
    return Bound(persona, generation, key_id, wrapped, wrapped_by, choices=choices)


async def keep_choices(connection: asyncpg.Connection, persona: Persona, sealed: bytes) -> None:
    await connection.execute(
        "UPDATE personas SET choices = $4 WHERE brand = $1 AND shard = $2 AND pid = $3",
        persona.brand,
        persona.shard,
        persona.pid,
        sealed,
    )


async def bound_to(
    connection: asyncpg.Connection, brand: str, personas: Sequence[tuple[str, Persona]]
) -> dict[tuple[str, bytes], tuple[bytes, Bound]]:
    """Return by (audience, pid) the id that is bound to a persona there, and the persona; others are left out."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (q.audience, b.pid) q.audience, b.eid, k.shard, b.pid,
            k.generation, k.key_id, k.wrapped, k.wrapped_by
        FROM unnest($2::smallint[], $3::text[], $4::bytea[]) AS q(shard, audience, pid)
        JOIN bindings b
            ON b.brand = $1 AND coalesce(b.home, b.shard) = q.shard AND b.pid = q.pid AND b.audience = q.audience
        JOIN personas k ON k.brand = $1 AND k.shard = q.shard AND k.pid = q.pid
        ORDER BY q.audience, b.pid, b.edge_version DESC, b.bound_at_ms DESC, b.eid
        """,
        brand,
        [persona.shard for _, persona in personas],
        [audience for audience, _ in personas],
        [persona.pid for _, persona in personas],
    )
    return {
        (audience, pid): (eid, Bound(Persona(brand, shard, pid), *facts)) for audience, eid, shard, pid, *facts in rows
    }


async def keep_preferences(
    connection: asyncpg.Connection, brand: str, said: Sequence[tuple[Address, bytes, int]]
) -> None:
    """Remember what was said with events by (audience, eid), digest and time; the latest stays."""
    await connection.execute(
        """
        UPDATE bindings b SET preferences = q.preferences, preferences_at_ms = q.at_ms
        FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::bytea[], $6::bigint[])
            AS q(shard, audience, eid, preferences, at_ms)
        WHERE b.brand = $1 AND b.shard = q.shard AND b.audience = q.audience AND b.eid = q.eid
            AND b.preferences_at_ms <= q.at_ms
        """,
        brand,
        *_columns(brand, [address for address, _, _ in said]),
        [digest for _, digest, _ in said],
        [at_ms for _, _, at_ms in said],
    )


async def bind(
    connection: asyncpg.Connection, brand: str, wanted: Sequence[NewBinding], at_ms: int
) -> list[NewBinding]:
    """Make bindings with their keys; return those that were made, without the ones somebody else made first."""
    rows = await connection.fetch(
        """
        INSERT INTO bindings (brand, shard, audience, eid, pid, bound_at_ms, edge_version)
        SELECT $1, q.shard, q.audience, q.eid, q.pid, $6, q.version
        FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::bytea[], $7::int[])
            AS q(shard, audience, eid, pid, version)
        ON CONFLICT DO NOTHING
        RETURNING pid
        """,
        brand,
        [each.shard for each in wanted],
        [each.audience for each in wanted],
        [each.eid for each in wanted],
        [each.pid for each in wanted],
        at_ms,
        [each.version for each in wanted],
    )
    pids = {pid for (pid,) in rows}
    made = [each for each in wanted if each.pid in pids]
    await keep_keys(connection, brand, made)
    return made


async def keep_keys(connection: asyncpg.Connection, brand: str, made: Sequence[NewBinding]) -> None:
    await connection.execute(
        """
        INSERT INTO personas (brand, shard, pid, generation, key_id, wrapped, wrapped_by)
        SELECT $1, q.shard, q.pid, 1, q.key_id, q.wrapped, q.wrapped_by
        FROM unnest($2::smallint[], $3::bytea[], $4::text[], $5::bytea[], $6::text[])
            AS q(shard, pid, key_id, wrapped, wrapped_by)
        """,
        brand,
        [each.shard for each in made],
        [each.pid for each in made],
        [each.key_id for each in made],
        [each.wrapped for each in made],
        [each.wrapped_by for each in made],
    )


async def rebind(connection: asyncpg.Connection, subject: Subject, persona: Persona, at_ms: int) -> None:
    """Put another persona behind an id, who has not said anything yet."""
    await connection.execute(
        """
        UPDATE bindings SET pid = $5, home = $7, bound_at_ms = $6, preferences = '', preferences_at_ms = 0
        WHERE brand = $1 AND shard = $2 AND audience = $3 AND eid = $4
        """,
        subject.brand,
        subject.shard,
        subject.audience,
        subject.eid,
        persona.pid,
        at_ms,
        persona.shard,
    )


def _columns(brand: str, addresses: Sequence[Address]) -> tuple[list[int], list[str], list[bytes]]:
    subjects = [Subject(brand, audience, eid) for audience, eid in addresses]
    return [each.shard for each in subjects], [each.audience for each in subjects], [each.eid for each in subjects]


def _lock_keys(brand: str, shards: Iterable[int]) -> list[int]:
    # In one order everywhere, so that two transactions never wait for each other.
    base = crc32(brand.encode()) & 0x7FFFFF00
    return [base | shard for shard in sorted(set(shards))]
