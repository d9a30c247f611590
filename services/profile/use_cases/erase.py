"""Makes a persona unreadable: consent denies all of it, then one transaction of the vault drops its keys and names."""

from dataclasses import replace

from kit.db import raw
from services.profile import marks
from services.profile.domain import Statement, Subject
from services.profile.repository import circles, edges, erasures, gone, vault
from services.profile.repository.erasures import Erasure
from services.profile.use_cases.consents import circle
from services.profile.use_cases.owe import owe
from services.profile.use_cases.stores import Stores

_ID_BYTES = 16
# What is begun is ended by whoever began it; only then by others.
_OWN_MS = 10_000


async def begin(stores: Stores, subject: Subject, method: str) -> Erasure:
    """Write down that a subject is to be erased, with all that is linked to it. From here on it will be."""
    bound, others = await circle(stores, subject)
    at_ms = stores.now_ms()
    personas = () if bound is None else tuple(each.persona for each in (bound, *others))
    erasure = Erasure(stores.token(_ID_BYTES).hex(), subject.brand, subject.audience, method, at_ms, personas)
    await erasures.begin(stores.vault, erasure, at_ms + _OWN_MS)
    return erasure


async def make_unreadable(stores: Stores, erasure: Erasure) -> Erasure:
    """Fence and unbind, from wherever it stands."""
    while not erasure.unbound_at_ms:
        if not erasure.fenced_at_ms:
            erasure = await _fence(stores, erasure)
        erasure = await _unbind(stores, erasure)
    return erasure


async def _fence(stores: Stores, erasure: Erasure) -> Erasure:
    if erasure.personas:
        await stores.consent.erase(erasure.personas, Statement(erasure.asked_at_ms, erasure.method))
    # Written down with what follows: fencing again after a crash changes nothing.
    return replace(erasure, fenced_at_ms=stores.now_ms())


async def _unbind(stores: Stores, erasure: Erasure) -> Erasure:
    brand, at_ms = erasure.brand, stores.now_ms()
    async with stores.vault.reading() as reading:
        shards = {*erasure.shards, *await edges.shards_of(await raw(reading), brand, erasure.personas)}
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        # In this order, as folds do: they change who is who while they keep others from being erased.
        await vault.end_life(connection, brand, shards)
        await vault.lock_identity(connection, brand, shards)
        if not await edges.shards_of(connection, brand, erasure.personas) <= shards:
            # An id of a newer edge key has come to stand for them since we looked: folds go by that, too.
            return replace(erasure, fenced_at_ms=0)
        found = await circles.circle(connection, brand, erasure.personas)
        personas = [bound.persona for bound in found]
        if not set(personas) <= set(erasure.personas):
            # Somebody was linked meanwhile, perhaps in a shard that is not locked.
            grown = tuple(dict.fromkeys((*erasure.personas, *personas)))
            await erasures.grew(connection, erasure.erasure_id, grown)
            return replace(erasure, personas=grown, fenced_at_ms=0)
        debt = await owe(stores, erasure.erasure_id, found)
        subjects = await circles.subjects_of(connection, brand, personas)
        await gone.mark(connection, brand, [marks.mark_of(stores.keyring, each) for each in subjects], at_ms)
        await circles.delete(connection, brand, personas)
        await erasures.unbound(connection, erasure, debt, at_ms)
    return replace(erasure, unbound_at_ms=stores.now_ms(), owed=debt[0], owed_key=debt[1])
