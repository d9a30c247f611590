"""Folds messages of one partition: position and effect in one transaction, so that a repetition changes nothing."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import raw
from kit.epochs import EpochKeys
from kit.events import enqueue
from services.profile import messages, sealed
from services.profile.domain import (
    SHARDS,
    Batch,
    FencedError,
    Partition,
    Poison,
    StreamRecreatedError,
    Subject,
    TooManyDeadLettersError,
)
from services.profile.folding import (
    Books,
    Lesson,
    Share,
    account_of,
    admit,
    first_of_each,
    identifications,
    lesson_of,
    received,
    share_out,
    unseen,
)
from services.profile.repository import books as accounts
from services.profile.repository import facets, ledger, positions
from services.profile.tables.profile import OUTBOX
from services.profile.traits import Traits, absorb
from services.profile.use_cases.bind import identify
from services.profile.use_cases.consult import Consulted, consult
from services.profile.use_cases.stores import Stores
from services.profile.weights import Weights

_HOUR_MS = 3_600_000
# Sealing thousands of facets takes a good part of a second; other partitions and keep-alives want their turn.
_TURN = 128


@dataclass(frozen=True, slots=True)
class Folding:
    """What a fold needs beside the stores."""

    stores: Stores
    weights: Weights
    epochs: EpochKeys
    #: Dead letters of one partition within an hour that stop its folder.
    most_dead_letters: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Who folds which partition of which stream; the epoch tells owners of one partition apart."""

    partition: Partition
    stream_created: str
    epoch: int


@dataclass(frozen=True, slots=True)
class _Desk:
    """One fold at work: both transactions, and the accounts."""

    folding: Folding
    owner: Owner
    transaction: AsyncConnection
    profile: asyncpg.Connection
    vault: asyncpg.Connection
    at_ms: int
    books: Books


def day_of(at_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).date()


async def fold(folding: Folding, owner: Owner, opened: Sequence[Batch | Poison]) -> None:
    """Fold messages in the order of the stream; those folded before change nothing.

    Raises FencedError when another owner has taken over, StreamRecreatedError when the position belongs to another
    stream, TooManyDeadLettersError. Whatever is raised, nothing of the fold is kept.
    """
    stores = folding.stores
    # The vault's locks must outlast the commit: whoever is erased meanwhile would otherwise get a facet afterwards.
    async with stores.vault.transaction() as held, stores.profile.transaction() as transaction:
        profile = await raw(transaction)
        position, seen = _checked(await positions.lock(profile, owner.partition, ledger.batch_ids(opened)), owner)
        fresh = unseen(opened, position.sequence, seen)
        if fresh:
            desk = _Desk(folding, owner, transaction, profile, await raw(held), stores.now_ms(), Books())
            await _take_in(desk, fresh)
        horizon_ms = max((message.sealed_at_ms for message in opened), default=0)
        await positions.advance(profile, owner.partition, opened[-1].sequence, horizon_ms)


def _checked(
    locked: tuple[positions.Position, set[bytes]] | None, owner: Owner
) -> tuple[positions.Position, set[bytes]]:
    if locked is None or locked[0].owner_epoch != owner.epoch:
        raise FencedError("another folder owns this partition")
    position = locked[0]
    if position.stream_created != owner.stream_created:
        raise recreated(position.stream_created, owner.stream_created)
    return locked


def recreated(kept: str, found: str) -> StreamRecreatedError:
    return StreamRecreatedError(
        f"the position kept is of the stream created at {kept}, the stream there is was created at {found} or"
        " restored to before the position: restore the stream, or delete this brand's rows of profile.positions to"
        " begin with the one there is"
    )


async def _take_in(desk: _Desk, fresh: Sequence[Batch | Poison]) -> None:
    batches = [message for message in fresh if isinstance(message, Batch)]
    partition, stores, day = desk.owner.partition, desk.folding.stores, day_of(desk.at_ms)
    received(fresh, desk.books)
    await _bury(desk, [message for message in fresh if isinstance(message, Poison)])
    await _set_aside(desk, batches)
    consulted = await consult(stores, desk.vault, partition.brand, batches)
    first = first_of_each(admit(batches, consulted.collecting, desk.books), desk.books)
    ids = [(each.bound.persona.shard, mid) for mid, each in first.items()]
    new = await ledger.claim_messages(desk.profile, partition.brand, day, ids) if ids else set()
    shares = list(share_out(first, new, desk.books).values())
    for said, bound in identifications(shares):
        await identify(stores, Subject(partition.brand, said.source, said.other or b""), bound.persona)
    if shares:
        await _grow(desk, shares, consulted, batches[0].batch_id)
    await accounts.add(desk.profile, partition, desk.books.lines(), day, ledger.batch_ids(fresh))


async def _bury(desk: _Desk, poison: Sequence[Poison]) -> None:
    if not poison:
        return
    partition, limit = desk.owner.partition, desk.folding.most_dead_letters
    await ledger.bury(desk.profile, partition, desk.owner.stream_created, poison, desk.at_ms)
    buried = await ledger.buried_since(desk.profile, partition, desk.at_ms - _HOUR_MS)
    if buried > limit:
        reasons = ", ".join(sorted({each.reason for each in poison}))
        raise TooManyDeadLettersError(f"more than {limit} messages within an hour: {reasons}", limit=str(limit))


async def _set_aside(desk: _Desk, batches: Sequence[Batch]) -> None:
    rejected = [(each.mid[0] % SHARDS, each) for batch in batches for each in batch.rejected]
    if not rejected:
        return
    new = await ledger.quarantine(desk.profile, desk.owner.partition.brand, rejected, desk.at_ms)
    for batch in batches:
        for each in batch.rejected:
            fate = "quarantined" if each.mid in new else "duplicate"
            desk.books.add(account_of(each.source, batch.sealed_at_ms), fate, 1)
            new.discard(each.mid)


async def _grow(desk: _Desk, shares: list[Share], consulted: Consulted, block_id: bytes) -> None:
    brand = desk.owner.partition.brand
    # In the order of the key: neighbours share pages, and two writers cannot wait for each other.
    shares.sort(key=lambda share: (share.bound.persona.shard, share.bound.persona.pid))
    loaded = await facets.load(desk.profile, brand, [share.bound.persona for share in shares])
    grown, blocks, lessons = [], [], []
    for number, share in enumerate(shares):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        pid = share.bound.persona.pid
        facet, block, lesson = _grow_one(desk.folding, share, loaded.get(pid), block_id)
        grown.append(facet)
        blocks.append(block)
        if lesson is not None and pid in consulted.researching:
            lessons.append(lesson)
    await facets.keep(desk.profile, brand, grown, block_id, blocks)
    for announced in messages.announce(brand, lessons, desk.folding.epochs, desk.folding.stores.token):
        await enqueue(desk.transaction, OUTBOX, messages.folded_subject(brand), announced, {})


def _grow_one(
    folding: Folding, share: Share, known: facets.Sealed | None, block_id: bytes
) -> tuple[facets.Sealed, facets.Block, Lesson | None]:
    persona, key_id = share.bound.persona, share.bound.key_id
    key = sealed.data_key(folding.stores.keyring, share.bound)
    traits = Traits() if known is None else sealed.open_facet(key, persona, known.body)
    lesson = lesson_of(traits, share.interactions, folding.weights)
    absorb(traits, share.interactions, folding.weights)
    facet = sealed.seal_facet(key, persona, traits)
    block = sealed.seal_block(key, persona, block_id, share.interactions)
    return (
        facets.Sealed(persona.shard, persona.pid, facet, key_id, sealed.CODEC),
        facets.Block(facets.Sealed(persona.shard, persona.pid, block, key_id, sealed.CODEC), len(share.interactions)),
        lesson,
    )
