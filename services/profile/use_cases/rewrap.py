"""Puts survivors under new shard keys, so that logs, replicas and copies of the vault die with the old ones."""

from collections.abc import Iterable, Mapping

import asyncpg

from kit.db import raw
from services.profile import sealed
from services.profile.repository import vault, wrappings
from services.profile.use_cases.stores import Stores

_PAGE = 10_000


async def rewrap(stores: Stores, shards: Iterable[int]) -> dict[str, str]:
    """Wrap every data key of these shards, of all brands, under a new shard key each; return its version by shard.

    Keys of before stay until `destroy_before`: whoever reads just now has looked up what they wrap.
    """
    versions = {str(shard): sealed.renew_shard_key(stores.keyring, shard) for shard in sorted(shards)}
    brands = await wrappings.brands(stores.vault)
    for shard, version in versions.items():
        for brand in brands:
            while await _page(stores, brand, int(shard), version):
                pass
    return versions


async def destroy_before(stores: Stores, versions: Mapping[str, str]) -> None:
    """Destroy every shard key older than these; what was wrapped under one meanwhile is wrapped anew first."""
    shards = [int(shard) for shard in versions]
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        # Whoever makes keys now finds the new shard key; whoever had found an old one has committed.
        await vault.hold_keys(connection, shards)
        brands = await wrappings.brands(stores.vault)
        for shard, version in versions.items():
            for brand in brands:
                while await _rewrap(stores, connection, (brand, int(shard), version)):
                    pass
    for shard, version in versions.items():
        sealed.destroy_shard_keys(stores.keyring, int(shard), version)


async def _page(stores: Stores, brand: str, shard: int, version: str) -> int:
    async with stores.vault.transaction() as transaction:
        return await _rewrap(stores, await raw(transaction), (brand, shard, version))


async def _rewrap(stores: Stores, connection: asyncpg.Connection, place: tuple[str, int, str]) -> int:
    before = await wrappings.wrapped_otherwise(connection, *place, _PAGE)
    if before:
        pairs = [(each.wrapped, each.wrapped_by) for each in before]
        after = sealed.rewrap(stores.keyring, place[1], place[2], pairs)
        await wrappings.rewrap(connection, place, before, after)
    return len(before)
