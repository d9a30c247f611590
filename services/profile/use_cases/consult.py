"""Finds out for a fold who is who and who agrees, after noting what the events themselves say about consent."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from kit.db import raw
from kit.errors import RemoteError, Status
from kit.telemetry import logger
from services.profile.domain import (
    AGGREGATE,
    COLLECT,
    REMEMBER,
    RESEARCH,
    Batch,
    Bound,
    Interaction,
    Persona,
    Statement,
    Subject,
)
from services.profile.folding import (
    Address,
    Known,
    Stated,
    digest_of,
    first_events,
    refused_by_gpc,
    statements,
)
from services.profile.repository import links, vault
from services.profile.use_cases import segment
from services.profile.use_cases.bind import bind
from services.profile.use_cases.marked import erased_since
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.turn import adopt

# What was said in words needs the third beside the first; who is in a wish segment, the last.
_ALWAYS = (COLLECT, RESEARCH, REMEMBER, AGGREGATE)
_MAX_PURPOSES = 32
# More would only wait for each other in the consent service.
_MAX_AT_ONCE = 8
_METHOD = "sdk-preferences"
_GPC = "gpc"
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Consulted:
    """Whose events may be folded, the pids whose events shared models may learn from, and those who may be counted."""

    known: Known
    researching: frozenset[bytes]
    counted: frozenset[bytes]


@dataclass(slots=True)
class _Circle:
    """Those of one fold: what they said, who they are, what they allow."""

    brand: str
    everybody: dict[Address, Interaction]
    stated: dict[Address, Stated]
    bound: dict[Address, Bound]
    allowed: dict[Address, frozenset[str]]
    #: What only a Global Privacy Control signal refused.
    signalled: dict[Address, frozenset[str]]

    def subject(self, address: Address) -> Subject:
        return _subject(self.brand, self.everybody[address])


async def consult(stores: Stores, held: asyncpg.Connection, brand: str, batches: Sequence[Batch]) -> Consulted:
    """Ask the vault and the truth about everybody in `batches`. `held` keeps them from being erased."""
    everybody = first_events(batches)
    bound = await _resolve(stores, held, brand, everybody)
    circle = _Circle(brand, everybody, statements(batches), bound, {}, refused_by_gpc(batches))
    await _ask(stores, circle, circle.bound)
    changed = await _note(stores, held, circle)
    if changed:
        circle.bound |= await vault.resolve(held, brand, changed)
        await _ask(stores, circle, [address for address in changed if address in circle.bound])
    collecting = {address: bound for address, bound in circle.bound.items() if COLLECT in circle.allowed[address]}
    researching = (bound.persona.pid for address, bound in collecting.items() if RESEARCH in circle.allowed[address])
    counted = (bound.persona.pid for address, bound in collecting.items() if AGGREGATE in circle.allowed[address])
    heard = {address for address in collecting if REMEMBER in circle.allowed[address]}
    return Consulted(Known(circle.bound, collecting, heard), frozenset(researching), frozenset(counted))


async def _resolve(
    stores: Stores, held: asyncpg.Connection, brand: str, everybody: Mapping[Address, Interaction]
) -> dict[Address, Bound]:
    bound = await vault.resolve(held, brand, list(everybody))
    unbound = (event for address, event in everybody.items() if event.former and address not in bound)
    first_met = [_subject(brand, event) for event in unbound]
    if first_met and await adopt(stores, first_met):
        bound |= await vault.resolve(held, brand, [(each.audience, each.eid) for each in first_met])
    return bound


def _subject(brand: str, event: Interaction) -> Subject:
    return Subject(brand, event.source, event.eid, event.version, event.former)


async def _ask(stores: Stores, circle: _Circle, whom: Iterable[Address]) -> None:
    by_audience: dict[str, list[Address]] = {}
    for address in whom:
        by_audience.setdefault(address[0], []).append(address)
    for audience, asked in by_audience.items():
        spoken_of = {purpose for address in asked for purpose in circle.stated.get(address, ())}
        purposes = list(dict.fromkeys((*_ALWAYS, *sorted(spoken_of))))[:_MAX_PURPOSES]
        personas = [circle.bound[address].persona for address in asked]
        masks = await stores.decisions.check_many(audience, purposes, personas)
        sets = {mask: _set_of(mask, purposes) for mask in set(masks)}
        circle.allowed.update((address, sets[mask]) for address, mask in zip(asked, masks, strict=True))


async def _note(stores: Stores, held: asyncpg.Connection, circle: _Circle) -> list[Address]:
    """Record what is newly said and differs from the truth, and return whom that concerns."""
    news = {address: stated for address, stated in circle.stated.items() if _is_news(stated, circle.bound.get(address))}
    differing = {
        address: difference
        for address, stated in news.items()
        if (difference := _difference(stated, circle.allowed.get(address)))
    }
    for late in await _said_too_late(stores, circle, differing):
        del differing[late], news[late]
    newcomers = [circle.subject(address) for address in differing if address not in circle.bound]
    if newcomers:
        await bind(stores, circle.brand, newcomers)
        circle.bound |= await vault.resolve(held, circle.brand, [(each.audience, each.eid) for each in newcomers])
    await _grant_alike(stores, circle, differing)
    at_once = asyncio.Semaphore(_MAX_AT_ONCE)
    notes = []
    for address, difference in differing.items():
        if _only_grants(difference):
            continue
        personas = await _concerned(held, circle.bound[address].persona)
        signalled = circle.signalled.get(address, frozenset())
        notes.append(_state(stores, at_once, (address[0], personas), _words(difference, signalled)))
    await asyncio.gather(*notes)
    await _remember(stores, circle, news)
    return list(differing)


async def _said_too_late(stores: Stores, circle: _Circle, differing: dict[Address, Stated]) -> list[Address]:
    """Return those who were erased after they said it: a late or repeated event does not bring them back."""
    unbound = {circle.subject(address): address for address in differing if address not in circle.bound}
    said = {subject: digest_of(differing[address])[1] for subject, address in unbound.items()}
    return [unbound[subject] for subject in await erased_since(stores, said)]


def _only_grants(difference: Stated) -> bool:
    return all(allows for _, allows in difference.values())


async def _grant_alike(stores: Stores, circle: _Circle, differing: dict[Address, Stated]) -> None:
    """Record those who only grant, together with whoever grants the same: the usual first word of a newcomer."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[Persona, int]]] = {}
    for address, difference in differing.items():
        if not _only_grants(difference):
            continue
        by_time: dict[int, list[str]] = {}
        for purpose, (at_ms, _) in sorted(difference.items()):
            by_time.setdefault(at_ms, []).append(purpose)
        for at_ms, said in by_time.items():
            granted = alike.setdefault((address[0], tuple(said)), [])
            granted.append((circle.bound[address].persona, at_ms))
    for (audience, purposes), grants in alike.items():
        await _grant_many(stores, audience, purposes, grants)


async def _grant_many(
    stores: Stores, audience: str, purposes: Sequence[str], grants: Sequence[tuple[Persona, int]]
) -> None:
    try:
        await stores.consent.grant_many(grants, audience, purposes, Statement(0, _METHOD))
    except RemoteError as error:
        if error.status is not Status.INVALID:
            raise
        if len(purposes) > 1:
            # One purpose that does not exist must not silence the others.
            for purpose in purposes:
                await _grant_many(stores, audience, [purpose], grants)
            return
        _LOG.warning("statement.refused", purpose=purposes[0], refusal=error.reason)


async def _remember(stores: Stores, circle: _Circle, news: dict[Address, Stated]) -> None:
    # Only now that the truth has it: a crash before this says it again.
    said = [(address, *digest_of(stated)) for address, stated in news.items() if address in circle.bound]
    if said:
        async with stores.vault.transaction() as transaction:
            await vault.keep_preferences(await raw(transaction), circle.brand, said)


def _is_news(stated: Stated, bound: Bound | None) -> bool:
    """Tell a statement from its echo: sources send the same preferences with every event.

    Otherwise the next event of an app that never asked again would undo a withdrawal made elsewhere.
    """
    if bound is None:
        return True
    digest, at_ms = digest_of(stated)
    return digest != bound.preferences and at_ms >= bound.preferences_at_ms


def _difference(stated: Stated, allowed: frozenset[str] | None) -> Stated:
    if allowed is None:
        # Somebody unknown has nothing to take back; only a grant makes a persona.
        return stated if any(allows for _, allows in stated.values()) else {}
    return {purpose: said for purpose, said in stated.items() if said[1] != (purpose in allowed)}


async def _concerned(held: asyncpg.Connection, persona: Persona) -> list[Persona]:
    # What is taken back is taken back wherever this persona is known to be the same.
    return [persona, *(other.persona for other in await links.linked(held, persona))]


#: When it was said, whether it allows, and how it was said; of which purposes.
_Words = dict[tuple[int, bool, str], list[str]]


def _words(difference: Stated, signalled: frozenset[str]) -> _Words:
    words: _Words = {}
    for purpose, (at_ms, allows) in difference.items():
        method = _GPC if purpose in signalled and not allows else _METHOD
        words.setdefault((at_ms, allows, method), []).append(purpose)
    return words


async def _state(stores: Stores, at_once: asyncio.Semaphore, whose: tuple[str, list[Persona]], words: _Words) -> None:
    audience, personas = whose
    async with at_once:
        for (at_ms, allows, method), purposes in sorted(words.items()):
            statement = Statement(at_ms, method)
            for persona in personas[:1] if allows else personas:
                await _say(stores, persona, audience, purposes, (allows, statement))
            if not allows and segment.concerns(purposes):
                await segment.leave(stores, personas[0].brand, personas)


async def _say(
    stores: Stores, persona: Persona, audience: str, purposes: list[str], word: tuple[bool, Statement]
) -> None:
    allows, statement = word
    say = stores.consent.grant if allows else stores.consent.withdraw
    try:
        await say(persona, audience, purposes, statement)
    except RemoteError as error:
        if error.status is not Status.INVALID:
            raise
        if len(purposes) > 1:
            # One purpose that does not exist must not silence the others.
            for purpose in purposes:
                await _say(stores, persona, audience, [purpose], word)
            return
        _LOG.warning("statement.refused", purpose=purposes[0], refusal=error.reason)


def _set_of(mask: int, purposes: Sequence[str]) -> frozenset[str]:
    return frozenset(purpose for bit, purpose in enumerate(purposes) if mask >> bit & 1)
