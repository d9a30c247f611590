"""What is open to each audience of a brand: aggregates that enough personas share, in the place of those before."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from kit.db import Database

_LOCK_CENSUS = 7103


class CrowdRow(NamedTuple):
    """One audience; the body is what crowds.encode made."""

    brand: str
    audience: str
    is_compared: bool
    codec: int
    body: bytes
    counted_at_ms: int


async def take_turn(connection: asyncpg.Connection, brand: str) -> bool:
    """Tell whether nobody else counts this brand; if so nobody else will until the transaction ends."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, hashtext($2))", _LOCK_CENSUS, brand)
    return taken


async def counted_at_ms(connection: asyncpg.Connection, brand: str) -> int:
    """Return when the brand was counted last, 0 for never."""
    at_ms: int = await connection.fetchval("SELECT coalesce(max(counted_at_ms), 0) FROM crowds WHERE brand = $1", brand)
    return at_ms


async def replace(connection: asyncpg.Connection, brand: str, rows: Sequence[CrowdRow]) -> None:
    """Put these in the place of everything that was counted of the brand."""
    await connection.execute("DELETE FROM crowds WHERE brand = $1", brand)
    await connection.executemany("INSERT INTO crowds VALUES ($1, $2, $3, $4, $5, $6)", rows)


async def load(source: Database) -> list[CrowdRow]:
    """Return all there is, of every brand."""
    rows = await source.fetch("SELECT brand, audience, is_compared, codec, body, counted_at_ms FROM crowds")
    return [CrowdRow(*row) for row in rows]
