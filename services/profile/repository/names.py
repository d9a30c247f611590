"""Who is bound, a page at a time: handles are kept nowhere, and made of this."""

from typing import NamedTuple

from kit.db import Database
from services.profile.domain import Persona


class Faced(NamedTuple):
    """A persona in its present face, and the id by which an audience's door knows it."""

    eid: bytes
    persona: Persona
    generation: int
    bound_at_ms: int


async def page(vault: Database, brand: str, audience: str, after: tuple[int, bytes], most: int) -> list[Faced]:
    """Return the next personas of an audience in the shard of `after`, in the order of their ids."""
    shard, eid = after
    rows = await vault.fetch(
        """
        SELECT b.eid, k.shard, k.pid, k.generation, b.bound_at_ms
        FROM bindings b JOIN personas k ON k.brand = b.brand AND k.shard = coalesce(b.home, b.shard) AND k.pid = b.pid
        WHERE b.brand = $1 AND b.shard = $2 AND b.audience = $3 AND b.eid > $4 ORDER BY b.eid LIMIT $5
        """,
        brand,
        shard,
        audience,
        eid,
        most,
    )
    return [Faced(eid, Persona(brand, home, pid), *facts) for eid, home, pid, *facts in rows]


async def audiences(vault: Database, brand: str, shard: int) -> list[str]:
    """Return the audiences that somebody in a shard is bound for."""
    rows = await vault.fetch("SELECT DISTINCT audience FROM bindings WHERE brand = $1 AND shard = $2", brand, shard)
    return [audience for (audience,) in rows]
