"""Counts what purposes gave to people, and keeps which offers those were; doors and services know them by their ids."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from kit.db import raw
from services.profile import offered, sealed
from services.profile.domain import Bound, Subject
from services.profile.offered import Offered
from services.profile.repository import offers, vault
from services.profile.repository.facets import Sealed
from services.profile.use_cases.stores import Stores
from services.profile.uses import ANSWERED, DAY_MS, Use


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody was given, or what was used of them, how often and when last; and which offer, if it was one."""

    subject: Subject
    purpose: str
    what: str
    times: int
    last_at_ms: int
    record_id: str = ""
    offered: Offered | None = None


_Found = Sequence[tuple[Bound, Given]]


async def note(stores: Stores, brand: str, given: Sequence[Given]) -> None:
    """Count, and keep offers one by one; nobody's are left out."""
    addresses = list({(each.subject.audience, each.subject.eid) for each in given})
    async with stores.vault.reading() as reading:
        bound = await vault.resolve(await raw(reading), brand, addresses)
    now_ms = stores.now_ms()
    found = [
        (bound[each.subject.audience, each.subject.eid], replace(each, last_at_ms=min(each.last_at_ms, now_ms)))
        for each in given
        if (each.subject.audience, each.subject.eid) in bound
    ]
    # Offers first: when they cannot be kept the report comes again, and is not counted twice.
    if reported := _sealed(stores, found):
        await offers.add(stores.profile, brand, now_ms // DAY_MS, reported)
    stores.uses.gave((_use(whose, each), each.times, each.last_at_ms) for whose, each in found if each.what != ANSWERED)


def _use(bound: Bound, each: Given) -> Use:
    day = each.last_at_ms // DAY_MS
    return Use(bound.persona, day, each.subject.audience, each.purpose, each.what, each.record_id)


def _sealed(stores: Stores, found: _Found) -> list[Sealed]:
    of_each: defaultdict[bytes, list[Offered]] = defaultdict(list)
    whose: Mapping[bytes, Bound] = {bound.persona.pid: bound for bound, _ in found}
    for bound, each in found:
        if each.offered is not None:
            moment = msgspec.structs.replace(each.offered, at_ms=each.last_at_ms, times=each.times)
            of_each[bound.persona.pid].append(moment)
    return [_seal(stores, whose[pid], some) for pid, some in of_each.items()]


def _seal(stores: Stores, bound: Bound, some: Sequence[Offered]) -> Sealed:
    persona = bound.persona
    body = sealed.seal_offers(sealed.data_key(stores.keyring, bound), persona, offered.encode(some))
    return Sealed(persona.shard, persona.pid, body, bound.key_id, sealed.CODEC)
