"""Lets ids under a new version of the edge key stand for whom those under an older one stand for."""

from collections.abc import Iterable, Sequence

import asyncpg

from kit.db import raw
from services.profile.domain import Subject
from services.profile.repository import edges, vault
from services.profile.use_cases.stores import Stores


async def adopt(stores: Stores, subjects: Sequence[Subject]) -> bool:
    """Find the personas of ids, of one brand, that nothing is bound to by their former ids; return whether any was.

    First contacts under two versions, binding and erasing exclude each other by the locks of all ids that are named.
    """
    former = [each for subject in subjects for each in subject.formerly()]
    if not former or not await edges.is_bound(stores.vault, former):
        return False
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        await vault.lock_identity(connection, subjects[0].brand, shards_named(subjects))
        return bool(await settle(connection, subjects))


async def settle(connection: asyncpg.Connection, subjects: Sequence[Subject]) -> list[Subject]:
    """Do that under the locks; return those whose former id was bound."""
    if not any(subject.former for subject in subjects):
        return []
    brand = subjects[0].brand
    everyone = [each for subject in subjects for each in (subject, *subject.formerly())]
    bound = await vault.resolve(connection, brand, [(each.audience, each.eid) for each in everyone])
    moves: list[edges.Move] = []
    for subject in subjects:
        if (subject.audience, subject.eid) in bound:
            continue
        known = next((each for each in subject.formerly() if (each.audience, each.eid) in bound), None)
        if known is not None:
            moves.append((known, subject))
    await edges.follow(connection, brand, moves)
    return [subject for _, subject in moves]


def shards_named(subjects: Iterable[Subject]) -> set[int]:
    """Return the shards of ids and of what they were called before."""
    return {each.shard for subject in subjects for each in (subject, *subject.formerly())}
