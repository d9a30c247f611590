"""Counts what purposes gave to people, whom doors and services know by their ids alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.db import raw
from services.profile.domain import Subject
from services.profile.repository import vault
from services.profile.use_cases.stores import Stores
from services.profile.uses import DAY_MS, Use


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody was given, or what was used of them, how often and when last."""

    subject: Subject
    purpose: str
    what: str
    times: int
    last_at_ms: int
    record_id: str = ""


async def note(stores: Stores, brand: str, given: Sequence[Given]) -> None:
    """Count; nobody's are left out."""
    addresses = list({(each.subject.audience, each.subject.eid) for each in given})
    async with stores.vault.reading() as reading:
        bound = await vault.resolve(await raw(reading), brand, addresses)
    now_ms = stores.now_ms()
    uses = []
    for each in given:
        found = bound.get((each.subject.audience, each.subject.eid))
        if found is not None:
            at_ms = min(each.last_at_ms, now_ms)
            use = Use(found.persona, at_ms // DAY_MS, each.subject.audience, each.purpose, each.what, each.record_id)
            uses.append((use, each.times, at_ms))
    stores.uses.gave(uses)
