"""Binds ids to personas, and says who is behind an id: the only places where personas and their keys come from."""

from collections.abc import Sequence

import asyncpg

from kit.db import raw
from services.profile import sealed
from services.profile.domain import PID_BYTES, Persona, Subject
from services.profile.repository import edges, links, vault
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.turn import settle, shards_named


async def bind(stores: Stores, brand: str, subjects: Sequence[Subject]) -> None:
    """Make a persona for each of these subjects that has none, in a transaction of its own.

    Binding twice changes nothing, so that it may outlive a fold that is rolled back and folded again.
    """
    at_ms, shards = stores.now_ms(), {each.shard for each in subjects}
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        await vault.lock_identity(connection, brand, shards_named(subjects))
        await vault.share_keys(connection, shards)
        known = await settle(connection, subjects)
        wanted = _new_bindings(stores, [each for each in subjects if each not in known])
        made = await vault.bind(connection, brand, wanted, at_ms)
        personas = {Subject(brand, each.audience, each.eid): Persona(brand, each.shard, each.pid) for each in made}
        # A door that has not heard of the new version yet finds the same persona.
        fresh = [each for each in subjects if each in personas]
        await edges.follow(connection, brand, [(each, old) for each in fresh for old in each.formerly()])
        for subject, user in await links.awaited(connection, brand, list(personas)):
            await _stand_behind(connection, subject, user, personas[subject], at_ms)


async def identify(stores: Stores, anonymous: Subject, user: Persona) -> Persona | None:
    """Note that `user` is behind an id of the same audience; return whom the id stood for until now.

    An id belongs to one user at a time: when another one says to be behind it, they get a facet of their own, and the
    same one again when they come back. Saying it again in the same order leads to the same end.
    """
    at_ms = stores.now_ms()
    async with stores.vault.transaction() as transaction:
        connection = await raw(transaction)
        await vault.lock_identity(connection, anonymous.brand, shards_named([anonymous]))
        await settle(connection, [anonymous])
        address = (anonymous.audience, anonymous.eid)
        present = (await vault.resolve(connection, anonymous.brand, [address])).get(address)
        if present is None:
            # Nobody has agreed to anything under that id yet: the link waits for its binding.
            await links.keep_face(connection, anonymous, user, None, at_ms)
            return None
        behind = await links.user_behind(connection, present.persona)
        if behind is None:
            await _stand_behind(connection, anonymous, user, present.persona, at_ms)
        elif behind != user:
            await _change_user(stores, connection, anonymous, user)
        return present.persona


async def _change_user(stores: Stores, connection: asyncpg.Connection, anonymous: Subject, user: Persona) -> None:
    at_ms = stores.now_ms()
    persona = await links.face(connection, anonymous, user)
    is_new = persona is None
    if persona is None:
        await vault.share_keys(connection, {anonymous.shard})
        (fresh,) = _new_bindings(stores, [anonymous])
        await vault.keep_keys(connection, anonymous.brand, [fresh])
        persona = Persona(anonymous.brand, fresh.shard, fresh.pid)
    for each in (anonymous, *anonymous.formerly()):
        await vault.rebind(connection, each, persona, at_ms)
    if is_new:
        await _stand_behind(connection, anonymous, user, persona, at_ms)


async def _stand_behind(
    connection: asyncpg.Connection, anonymous: Subject, user: Persona, facet: Persona, at_ms: int
) -> None:
    await links.keep_face(connection, anonymous, user, facet, at_ms)
    await links.link(connection, facet, user, at_ms)


def _new_bindings(stores: Stores, subjects: Sequence[Subject]) -> list[vault.NewBinding]:
    keys = sealed.create_keys(stores.keyring, [subject.shard for subject in subjects])
    return [
        vault.NewBinding(
            subject.audience,
            subject.eid,
            subject.shard,
            stores.token(PID_BYTES),
            sealed.FIRST_KEY,
            key.wrapped,
            key.wrapped_by,
            subject.version,
        )
        for subject, key in zip(subjects, keys, strict=True)
    ]
