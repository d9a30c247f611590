"""Records what a person does not want. It is kept first; then the fence sees to it that nobody uses what was before."""

from collections.abc import Callable

import msgspec

from kit.db import raw
from services.profile import choices, relations, sealed
from services.profile.choices import Choices, Declaration, Inference, Unwanted
from services.profile.domain import Bound, Statement, Subject
from services.profile.repository import vault
from services.profile.use_cases import cross
from services.profile.use_cases.consents import whole
from services.profile.use_cases.stores import Stores

_Change = Callable[[Choices], Choices]


async def remove(stores: Stores, subject: Subject, unwanted: Unwanted, statement: Statement) -> int:
    """Remove an offer, the brand or gifts; return since when. Somebody unknown is answered like anybody."""
    now_ms = stores.now_ms()
    everybody = await all_of(stores, subject)
    if not everybody:
        return now_ms
    chosen = await _choose(stores, everybody[0], lambda before: before.remove(unwanted, now_ms))
    await _tell(stores, everybody, statement)
    found = chosen.find(unwanted)
    return now_ms if found is None else found.at_ms


async def restore(stores: Stores, subject: Subject, unwanted: Unwanted, within_ms: int, statement: Statement) -> None:
    """Take a removal back wherever it was made; raises RemovalUnknownError and UndoExpiredError."""
    everybody = await all_of(stores, subject)
    choices.refuse_late(
        choices.merge([of(stores, each) for each in everybody]).find(unwanted), stores.now_ms(), within_ms
    )
    for each in everybody:
        await _choose(stores, each, lambda before: before.restore(unwanted))
    await _tell(stores, everybody, statement)


async def object_to(stores: Stores, subject: Subject, inferences: tuple[Inference, ...], statement: Statement) -> None:
    """Set what is objected to, of all that is linked: whoever objects no longer does so everywhere."""
    everybody = await all_of(stores, subject)
    for each in everybody:
        await _choose(stores, each, lambda before: msgspec.structs.replace(before, objections=inferences))
    await _tell(stores, everybody, statement)


async def declare(stores: Stores, subject: Subject, type_id: str, statement: Statement) -> Declaration | None:
    """Set which relationship is wanted, "" for none, of all that is linked; raises RelationshipUnknownError."""
    declared = relations.declaration(stores.packs.of(subject.brand), type_id, stores.now_ms())
    everybody = await all_of(stores, subject)
    for each in everybody:
        await _choose(stores, each, lambda before: msgspec.structs.replace(before, declared=declared))
    await _tell(stores, everybody, statement)
    return declared


async def all_of(stores: Stores, subject: Subject) -> list[Bound]:
    """Return the facet of a subject and those it is one persona with at this moment, across audiences too."""
    found = await whole(stores, subject)
    if found.bound is None:
        return []
    return [found.bound, *found.others, *await cross.readable(stores, found.crossings)]


def of(stores: Stores, bound: Bound) -> Choices:
    """Return what one facet carries."""
    if not bound.choices:
        return Choices()
    key = sealed.data_key(stores.keyring, bound)
    return choices.decode(sealed.open_choices(key, bound.persona, bound.choices))


async def _choose(stores: Stores, bound: Bound, change: _Change) -> Choices:
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        # Read again under the lock: two clicks at once are both kept, and whoever is erased meanwhile stays erased.
        held = await vault.lock_choices(connection, bound.persona)
        if held is None:
            return Choices()
        before = of(stores, held)
        after = change(before)
        if after != before:
            key = sealed.data_key(stores.keyring, held)
            body = sealed.seal_choices(key, held.persona, choices.encode(after))
            await vault.keep_choices(connection, held.persona, body)
    return after


async def _tell(stores: Stores, everybody: list[Bound], statement: Statement) -> None:
    # Also when nothing was changed: whoever said it before may not have heard that it is done.
    if everybody:
        await stores.consent.note_choice([each.persona for each in everybody], statement)
