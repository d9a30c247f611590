"""Reads and writes what is remembered, while remember.conversation is allowed; the person sees it whenever."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import packing, repository
from services.avatar.domain import Acquaintance, Persona, Visit
from services.avatar.remembering import Learnt, Memory, remember
from services.avatar.repository import Sealed


def opened(sealed: Sealed | None, acquaintance: Acquaintance, visit: Visit) -> Memory | None:
    """Return what is remembered, None when that is nothing or not allowed."""
    if acquaintance.persona is None or not acquaintance.may_remember:
        return None
    return _opened(sealed, acquaintance.memory_key, visit, acquaintance.persona)


async def learn(
    connection: AsyncConnection, visit: Visit, acquaintance: Acquaintance | None, learnt: Learnt, now_ms: int
) -> None:
    """Add to what is remembered, if that is allowed."""
    if acquaintance is None or acquaintance.persona is None or not acquaintance.may_remember:
        return
    persona, key = acquaintance.persona, acquaintance.memory_key
    # Two visits of one persona may learn at once: the row is locked before it is read.
    sealed = await repository.lock_memory(connection, visit, persona)
    memory = remember(_opened(sealed, key, visit, persona) or Memory(), learnt, now_ms)
    body = packing.seal_memory(memory, key, persona, visit.subject.audience, visit.avatar)
    await repository.write_memory(connection, visit, persona, Sealed(packing.key_id(key), body))


async def memories(
    connection: AsyncConnection, audience: str, keyed: Sequence[tuple[Persona, bytes]]
) -> list[tuple[str, Memory]]:
    """Return what each avatar of that audience remembers of them."""
    found = []
    for persona, key in keyed:
        for avatar, sealed in await repository.read_memories(connection, audience, persona):
            if (memory := _open(sealed, key, persona, audience, avatar)) is not None:
                found.append((avatar, memory))
    return found


def _opened(sealed: Sealed | None, key: bytes, visit: Visit, persona: Persona) -> Memory | None:
    return _open(sealed, key, persona, visit.subject.audience, visit.avatar)


def _open(sealed: Sealed | None, key: bytes, persona: Persona, audience: str, avatar: str) -> Memory | None:
    # What another key sealed belongs to a data key that is gone, and nobody can read it any more.
    if sealed is None or sealed.key_id != packing.key_id(key):
        return None
    return packing.open_memory(sealed.body, key, persona, audience, avatar)
