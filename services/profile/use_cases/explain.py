"""Says to a person or to staff why a purpose is allowed or denied; only the consent service knows the reasons."""

import asyncio
from dataclasses import dataclass

from kit import rotation
from kit.keyring import Key, KeyMissingError
from services.profile import handles
from services.profile.domain import SHARDS, Named, Subject
from services.profile.domain.errors import HandleUnknownError
from services.profile.repository import names
from services.profile.use_cases.consents import find, named
from services.profile.use_cases.name import everybody
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
    found = (names.audiences(stores.vault, brand, shard) for shard in range(SHARDS))
    version = handle.partition(".")[0]
    for audience in sorted({audience for each in await asyncio.gather(*found) for audience in each}):
        try:
            key = Key(version, rotation.secret(stores.keyring, handles.FAMILY, audience, version))
        except KeyMissingError:
            continue
        async for faced in everybody(stores, brand, audience):
            if handles.render(stores.keyring, audience, faced.persona.pid, faced.generation, key) == handle:
                return Named(faced.persona, audience, handle)
    raise HandleUnknownError("no persona of this brand has this handle", field="handle")
