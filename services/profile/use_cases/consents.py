"""Grants and withdrawals of a subject; the first grant makes the persona."""

import asyncio
from collections.abc import Sequence

import asyncpg

from kit.db import raw
from services.profile.domain import PID_BYTES, Bound, ConsentRecord, Persona, Statement, Subject
from services.profile.repository import links, vault
from services.profile.use_cases.bind import bind
from services.profile.use_cases.stores import Stores


async def grant(stores: Stores, subject: Subject, purposes: Sequence[str], statement: Statement) -> list[ConsentRecord]:
    bound = await find(stores, subject)
    if bound is None:
        await bind(stores, subject.brand, [subject])
        bound = await find(stores, subject)
    return await stores.consent.grant(persona_or_nobody(subject, bound), subject.audience, purposes, statement)


async def withdraw(
    stores: Stores, subject: Subject, purposes: Sequence[str], statement: Statement
) -> list[ConsentRecord]:
    """Return the records of the subject's own facet; what is linked to it is withdrawn with it."""
    async with stores.vault.reading() as reading:
        connection = await raw(reading)
        bound = await _resolve(connection, subject)
        if bound is None:
            return []
        others = await links.linked(connection, bound.persona)
    records, *_ = await asyncio.gather(
        *(
            stores.consent.withdraw(persona, subject.audience, purposes, statement)
            for persona in (bound.persona, *(other.persona for other in others))
        )
    )
    return records


async def list_consents(stores: Stores, subject: Subject) -> list[ConsentRecord]:
    persona = persona_or_nobody(subject, await find(stores, subject))
    return await stores.consent.list_consents(persona, subject.audience)


async def find(stores: Stores, subject: Subject) -> Bound | None:
    async with stores.vault.reading() as reading:
        return await _resolve(await raw(reading), subject)


def persona_or_nobody(subject: Subject, bound: Bound | None) -> Persona:
    """Return the persona, else one that nobody is, so that an unknown subject is answered like any other."""
    return bound.persona if bound is not None else Persona(subject.brand, subject.shard, bytes(PID_BYTES))


async def _resolve(connection: asyncpg.Connection, subject: Subject) -> Bound | None:
    address = (subject.audience, subject.eid)
    return (await vault.resolve(connection, subject.brand, [address])).get(address)
