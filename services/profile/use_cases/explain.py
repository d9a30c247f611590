"""Says to a person or to staff why a purpose is allowed or denied; only the consent service knows the reasons."""

import asyncio
from dataclasses import dataclass

from services.profile import handles
from services.profile.domain import SHARDS, HandleUnknownError, Named, Persona, Subject
from services.profile.repository import vault
from services.profile.use_cases.consents import find, named
from services.profile.use_cases.stores import Stores


@dataclass(frozen=True, slots=True)
class Explained:
    """Whose consent it is, and what the consent service says of it, in its own words."""

    audience: str
    explanation: bytes


async def to_person(stores: Stores, subject: Subject, purpose: str) -> Explained:
    """Explain to whoever a door speaks for. Somebody unknown is explained like anybody who was never asked."""
    whose = named(stores, subject, await find(stores, subject))
    return Explained(whose.audience, await stores.consent.explain(whose, purpose))


async def to_staff(stores: Stores, brand: str, handle: str, purpose: str) -> Explained:
    """Explain by the name that some audience has; raises HandleUnknownError."""
    whose = await _whose(stores, brand, handle)
    return Explained(whose.audience, await stores.consent.explain(whose, purpose))


async def _whose(stores: Stores, brand: str, handle: str) -> Named:
    # Handles are kept nowhere: each is a keyed hash of a random id, and is tried until one fits.
    for shard in range(SHARDS):
        for audience, pid, generation in await vault.list_faces(stores.vault, brand, shard):
            if handles.render(stores.keyring, audience, pid, generation) == handle:
                return Named(Persona(brand, shard, pid), audience, handle)
        # A shard may hold many: others are answered in between.
        await asyncio.sleep(0)
    raise HandleUnknownError("no persona of this brand has this handle", field="handle")
