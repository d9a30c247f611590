"""Who enters and leaves wish segments, who is told of it, and how many are in one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import raw
from kit.events.outbox import enqueue
from services.profile import messages
from services.profile.domain import AGGREGATE, COLLECT, Persona
from services.profile.folding import Share
from services.profile.repository import memberships
from services.profile.repository.memberships import Member
from services.profile.segments import Decided, Moved, Segments, SegmentsPack
from services.profile.segments import memberships as memberships_of
from services.profile.tables.profile import OUTBOX
from services.profile.traits import Traits
from services.profile.use_cases.stores import Stores

#: Being a member is being counted among many; what is collected is what it is counted by.
PURPOSES = (COLLECT, AGGREGATE)
_ALL = (1 << len(PURPOSES)) - 1


class Size(NamedTuple):
    """A segment and how many are in it, in steps; fewer than one step are none."""

    segment: str
    personas: int


def decide(segments: Segments, shares: Sequence[Share], traits: Mapping[bytes, Traits], at_ms: int) -> list[Decided]:
    """Return what holds for personas of one fold; whoever has no traits here may not be counted, and leaves."""
    decided = []
    for share in shares:
        persona, audience = share.bound.persona, share.interactions[0].source
        known = traits.get(persona.pid)
        decided.append(Decided(persona, audience, memberships_of(segments, known, at_ms) if known is not None else {}))
    return decided


async def settle(stores: Stores, transaction: AsyncConnection, brand: str, decided: Sequence[Decided]) -> None:
    """Write what was decided, and announce it with the same commit.

    Whoever may not be counted any more by now is no member. In this order: `leave` comes after a withdrawal and waits
    for whoever was held here before; so either it finds what is written here, or the withdrawal is seen here.
    """
    if not decided:
        return
    connection = await raw(transaction)
    entering = [each for each in decided if each.ends_at_ms]
    await memberships.hold(connection, [each.persona for each in entering])
    counted = await _counted(stores, entering)
    still = [each if each.persona in counted else each._replace(ends_at_ms={}) for each in decided]
    await announce(transaction, brand, await memberships.settle(connection, brand, still))


def concerns(purposes: Sequence[str]) -> bool:
    """Tell whether without these nobody is a member; none of them named stands for all."""
    return not purposes or not set(PURPOSES).isdisjoint(purposes)


async def leave(stores: Stores, brand: str, personas: Sequence[Persona]) -> None:
    """Let these leave every segment: they are erased, or may not be counted any more."""
    async with stores.profile.transaction() as transaction:
        await announce(transaction, brand, await memberships.leave(await raw(transaction), brand, personas))


async def announce(transaction: AsyncConnection, brand: str, moved: Sequence[Moved]) -> None:
    """Say how many entered and left. Never who: whoever saw somebody do something a moment ago could link the two."""
    for each in moved:
        await enqueue(transaction, OUTBOX, messages.segment_subject(brand, each), messages.segment_moved(brand, each))


async def sizes(stores: Stores, brand: str, pack: SegmentsPack) -> list[Size]:
    """Return how many are in each segment and may be counted at this moment."""
    told = []
    for name in pack.segments:
        personas = 0
        async for members in _pages(stores, brand, name):
            # Under the fence: whoever withdrew is not counted, whether or not the row is gone.
            personas += len(await _counted(stores, members))
        told.append(Size(name, personas // pack.told_from * pack.told_from))
    return told


async def _pages(stores: Stores, brand: str, segment: str) -> AsyncIterator[list[Member]]:
    after, now_ms = (-1, b""), stores.now_ms()
    while found := await memberships.page(stores.profile, brand, segment, now_ms, after):
        yield found
        after = found[-1].persona.shard, found[-1].persona.pid


async def _counted(stores: Stores, members: Sequence[Member | Decided]) -> set[Persona]:
    """Return those who may be counted at this moment."""
    by_audience: dict[str, list[Persona]] = {}
    for each in members:
        by_audience.setdefault(each.audience, []).append(each.persona)
    counted: set[Persona] = set()
    for audience, personas in by_audience.items():
        masks = await stores.decisions.check_many(audience, PURPOSES, personas)
        counted.update(persona for persona, mask in zip(personas, masks, strict=True) if mask == _ALL)
    return counted
