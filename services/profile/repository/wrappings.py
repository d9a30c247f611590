"""Data keys by the version of the shard key that wraps them."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import Database


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it lies: whose, and the version of the shard key around it."""

    pid: bytes
    wrapped: bytes
    wrapped_by: str


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
