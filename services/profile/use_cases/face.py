"""Gives a visitor a new face for one audience: what is known there is let go of, and nothing leads back to it."""

from collections.abc import Sequence

import asyncpg

from kit.db import raw
from services.profile import marks
from services.profile.domain import Persona, Statement, Subject
from services.profile.repository import circles, crossings, edges, erasures, gone, links, vault
from services.profile.repository.crossings import Crossing
from services.profile.repository.erasures import Erasure
from services.profile.use_cases import cross
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.turn import settle, shards_named

_ID_BYTES = 16
# What is begun is ended by whoever began it; only then by others.
_OWN_MS = 10_000


async def shed(stores: Stores, subject: Subject, method: str) -> Erasure:
    """Unbind what one audience knows of a visitor, and write down that it is to be erased, alone.

    One transaction: whoever comes next is somebody new, and no link or code of before leads to whom is shed.
    """
    shards = shards_named([subject])
    while True:
        async with stores.vault.transaction() as transaction:
            connection = await raw(transaction)
            await vault.lock_identity(connection, subject.brand, shards)
            await settle(connection, [subject])
            personas = await _faces(connection, subject)
            needed = {each.shard for each in personas} | await edges.shards_of(connection, subject.brand, personas)
            if needed <= shards:
                cut, erasure = await _let_go(stores, connection, subject, personas, method)
                break
        # Somebody linked is in a shard that is not locked: they are locked together, in one order.
        shards |= needed
    others = [Crossing(each.there, each.other_audience, each.here, each.audience, ()) for each in cut]
    for each in others:
        # Their side of the consent says nothing any more; that of the shed ends with the erasure.
        await stores.consent.withdraw(
            each.here, each.audience, [cross.purpose(each.other_audience)], Statement(0, method)
        )
    return erasure


async def _faces(connection: asyncpg.Connection, subject: Subject) -> list[Persona]:
    """Return the facets that are one persona to this audience."""
    address = (subject.audience, subject.eid)
    bound = (await vault.resolve(connection, subject.brand, [address])).get(address)
    if bound is None:
        return []
    return [bound.persona, *(other.persona for other in await links.linked(connection, bound.persona))]


async def _let_go(
    stores: Stores, connection: asyncpg.Connection, subject: Subject, personas: Sequence[Persona], method: str
) -> tuple[list[Crossing], Erasure]:
    at_ms = stores.now_ms()
    erasure = Erasure(stores.token(_ID_BYTES).hex(), subject.brand, subject.audience, method, at_ms, tuple(personas))
    cut: list[Crossing] = []
    if personas:
        cut = await crossings.across(connection, personas)
        await crossings.unlink(connection, cut)
        await crossings.forget_codes(connection, personas)
        subjects = await circles.subjects_of(connection, subject.brand, personas)
        # As after any erasure: what was said before does not bring them back.
        await gone.mark(connection, subject.brand, [marks.mark_of(stores.keyring, each) for each in subjects], at_ms)
        await edges.unbind(connection, subject.brand, personas)
    await erasures.begin(connection, erasure, at_ms + _OWN_MS)
    return cut, erasure
