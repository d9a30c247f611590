"""Grants and withdrawals of a subject; the first grant makes the persona."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from kit.db import raw
from kit.errors import TypedError
from services.profile import handles
from services.profile.domain import (
    PID_BYTES,
    ROUTINE,
    Bound,
    Confirmed,
    ConsentRecord,
    Intent,
    Named,
    Persona,
    Statement,
    Subject,
)
from services.profile.repository import crossings, links
from services.profile.repository.crossings import Crossing
from services.profile.use_cases import cross, segment
from services.profile.use_cases.bind import bind
from services.profile.use_cases.marked import refuse_erased
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.turn import adopt


async def grant(stores: Stores, subject: Subject, purposes: Sequence[str], statement: Statement) -> Confirmed:
    bound = await find(stores, subject)
    if bound is None:
        await refuse_erased(stores, subject, statement)
        await bind(stores, subject.brand, [subject])
        bound = await find(stores, subject)
    whose = named(stores, subject, bound)
    confirmed = await stores.consent.confirm(whose, Intent.GRANT, purposes, statement)
    # Whoever grants is met next: that reading asks memory. The grant stands without it.
    with suppress(TypedError):
        await stores.decisions.check(whose.persona, subject.audience, ROUTINE)
    return confirmed


async def withdraw(stores: Stores, subject: Subject, purposes: Sequence[str], statement: Statement) -> Confirmed:
    """Return what holds for the subject's own facet; what is linked to it is withdrawn with it."""
    found = await whole(stores, subject)
    bound, others = found.bound, found.others
    if bound is None:
        return Confirmed([])
    whose = named(stores, subject, bound)
    confirmed = asyncio.ensure_future(stores.consent.confirm(whose, Intent.WITHDRAW, purposes, statement))
    linked = (stores.consent.withdraw(other.persona, subject.audience, purposes, statement) for other in others)
    await asyncio.gather(confirmed, *linked)
    if segment.concerns(purposes):
        await segment.leave(stores, subject.brand, [bound.persona, *(other.persona for other in others)])
    # A statement that came too late to withdraw a link does not undo it either.
    ended = await cross.ended(stores, cross.named(found.crossings, purposes))
    await cross.cut(stores, ended, replace(statement, stated_at_ms=0))
    return confirmed.result()


async def list_consents(stores: Stores, subject: Subject) -> list[ConsentRecord]:
    persona = persona_or_nobody(subject, await find(stores, subject))
    return await stores.consent.list_consents(persona, subject.audience)


async def issue_receipt(stores: Stores, subject: Subject) -> str:
    """Return a signed receipt of everything in force, "" for somebody unknown."""
    bound = await find(stores, subject)
    return "" if bound is None else await stores.consent.issue_receipt(named(stores, subject, bound))


async def documents(stores: Stores, subject: Subject) -> bytes:
    """Return the records in force as one JSON-LD document; an empty list for somebody unknown."""
    bound = await find(stores, subject)
    if bound is None:
        return b"[]"
    whose = named(stores, subject, bound)
    spoken_of = [each.purpose for each in await list_consents(stores, subject) if each.record_id]
    told = await asyncio.gather(*(stores.consent.document(whose, purpose) for purpose in spoken_of))
    return b"[" + b",".join(each.encode() for each in told if each) + b"]"


async def find(stores: Stores, subject: Subject) -> Bound | None:
    found = await _found(stores, subject)
    return None if found is None else found[0]


@dataclass(frozen=True, slots=True)
class Whole:
    """A subject's own facet, those that are one with it in its audience, and its links to others."""

    bound: Bound | None
    others: list[Bound]
    crossings: list[Crossing]


async def circle(stores: Stores, subject: Subject) -> tuple[Bound | None, list[Bound]]:
    """Return the subject's own facet and those that are one with it in its audience."""
    found = await whole(stores, subject)
    return found.bound, found.others


async def whole(stores: Stores, subject: Subject) -> Whole:
    """Return all that is linked to a subject, whether or not it may be read."""
    found = await _found(stores, subject)
    if found is None:
        return Whole(None, [], [])
    bound, is_linked = found
    if not is_linked:
        # Most are not, and following links is the dearer statement.
        return Whole(bound, [], [])
    async with stores.vault.reading() as reading:
        connection = await raw(reading)
        others = await links.linked(connection, bound.persona)
        personas = [bound.persona, *(other.persona for other in others)]
        return Whole(bound, others, await crossings.across(connection, personas))


async def _found(stores: Stores, subject: Subject) -> tuple[Bound, bool] | None:
    address = subject.audience, subject.eid
    found = await stores.look_ups.bound.ask(subject.brand, [address])
    if address not in found and await adopt(stores, [subject]):
        found = await stores.look_ups.bound.ask(subject.brand, [address])
    return found.get(address)


def named(stores: Stores, subject: Subject, bound: Bound | None) -> Named:
    """Return the persona with its name for the subject's audience; nobody has none."""
    persona = persona_or_nobody(subject, bound)
    if bound is None:
        return Named(persona, subject.audience, "")
    handle = handles.render(stores.keyring, subject.audience, persona.pid, bound.generation)
    return Named(persona, subject.audience, handle)


def persona_or_nobody(subject: Subject, bound: Bound | None) -> Persona:
    """Return the persona, else one that nobody is, so that an unknown subject is answered like any other."""
    return bound.persona if bound is not None else Persona(subject.brand, subject.shard, bytes(PID_BYTES))
