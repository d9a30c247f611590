"""The truth as far as nothing of it was lost: a restored database that is behind what was acknowledged allows nothing.

Marks are read before the database, always: what is acknowledged in between is no loss.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from kit.errors import UnavailableError
from kit.fence import Kept, Scope
from services.consent.chain import Head
from services.consent.domain import Holder
from services.consent.repository import consents as repository
from services.consent.use_cases.surroundings import Surroundings


async def lock(connection: AsyncConnection, around: Surroundings, brand: str, shards: Sequence[int]) -> dict[int, Head]:
    """Take the heads of these shards, in this order; raises UnavailableError while one is behind its mark."""
    kept = around.marks.read()
    return _unlost(kept, brand, {shard: await repository.lock_head(connection, brand, shard) for shard in shards})


async def lock_all(connection: AsyncConnection, around: Surroundings, brand: str) -> dict[int, Head]:
    """Take every head that the brand has; raises UnavailableError while one is behind its mark."""
    kept = around.marks.read()
    return _unlost(kept, brand, await repository.lock_heads(connection, brand))


async def read(database: Database, around: Surroundings, holder: Holder, purposes: Sequence[str]) -> repository.Truth:
    """Return what holds for one persona and audience: nothing, while the shard is behind its mark."""
    kept = around.marks.read()
    truth = await repository.check(database, holder, purposes)
    is_lost = truth.sequence < kept.heads.get(Scope(holder.brand, holder.shard), 0)
    return replace(truth, consents={}) if is_lost else truth


def _unlost(kept: Kept, brand: str, heads: dict[int, Head]) -> dict[int, Head]:
    if any(head.sequence < kept.heads.get(Scope(brand, shard), 0) for shard, head in heads.items()):
        # Its numbers have been given out before, and readers take them for applied.
        raise UnavailableError("the database was restored, and is not mended yet", retry_after_s=1)
    return heads
