"""Folds messages of several partitions: positions and effect in one transaction, so that a repetition changes nothing.

Two folds may be under way. The one behind reads, claims message ids and grows its facets while the one before it is
written; it builds on what that one has changed, and enters its own only when that one has committed. When the one
before fails, whoever runs them cancels the one behind and folds both again.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import raw
from kit.epochs import EpochKeys
from kit.errors import TypedError
from kit.events import enqueue
from services.profile import messages
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
    Identity,
    Share,
    admit,
    first_of_each,
    identifications,
    place_of,
    received,
    share_out,
    unseen,
)
from services.profile.repository import books as accounts
from services.profile.repository import facets, ledger, positions
from services.profile.tables.profile import OUTBOX
from services.profile.use_cases.bind import identify
from services.profile.use_cases.consult import Consulted, consult
from services.profile.use_cases.grow import Ground, Grown, grow, in_order
from services.profile.use_cases.stores import Stores
from services.profile.weights import Weights

_HOUR_MS = 3_600_000
_One = TypeVar("_One")
_Other = TypeVar("_Other")


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
class Part:
    """What one fold takes of one partition: messages in the order of the stream."""

    owner: Owner
    opened: Sequence[Batch | Poison]


class HaltedError(Exception):
    """One partition cannot go on, for the reason in `error`; the others can."""

    def __init__(self, partition: Partition, error: TypedError) -> None:
        super().__init__(error.message)
        self.partition = partition
        self.error = error


@dataclass(slots=True)
class _Ahead:
    """What a fold has changed that may not have committed yet."""

    reached: dict[int, int] = field(default_factory=dict)
    batch_ids: set[bytes] = field(default_factory=set)
    identities: set[Identity] = field(default_factory=set)
    grown: Grown = field(default_factory=Grown)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Both transactions of a fold, its day, and the accounts."""

    transaction: AsyncConnection
    profile: asyncpg.Connection
    vault: asyncpg.Connection
    at_ms: int
    books: Books

    @property
    def day(self) -> dt.date:
        return day_of(self.at_ms)


def day_of(at_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).date()


def recreated(kept: str, found: str) -> StreamRecreatedError:
    return StreamRecreatedError(
        f"the position kept is of the stream created at {kept}, the stream there is was created at {found} or"
        " restored to before the position: restore the stream, or delete this brand's rows of profile.positions to"
        " begin with the one there is"
    )


class Fold:
    """One fold over parts of different partitions of one brand, in the order of the stream each."""

    def __init__(
        self,
        folding: Folding,
        parts: Sequence[Part],
        before: "Fold | None" = None,
        on_grown: Callable[[], None] = lambda: None,
    ) -> None:
        self._folding = folding
        self._parts = sorted(parts, key=lambda part: part.owner.partition.number)
        self._brand = parts[0].owner.partition.brand
        self._before = before
        self._ahead = _Ahead()
        self._on_grown = on_grown
        #: True as soon as the fold behind this one may begin.
        self.has_grown = False
        self._committed = asyncio.Event()

    async def run(self) -> None:
        """Fold; messages folded before change nothing.

        Raises HaltedError with FencedError when another owner has taken a partition over, with StreamRecreatedError
        when a position belongs to another stream, with TooManyDeadLettersError. Whatever is raised, nothing of the
        fold is kept.
        """
        stores = self._folding.stores
        # The vault's locks must outlast the commit: whoever is erased meanwhile would otherwise get a facet afterwards.
        async with stores.vault.transaction() as held:
            async with stores.profile.transaction() as transaction:
                desk = _Desk(transaction, await raw(transaction), await raw(held), stores.now_ms(), Books())
                fresh = await self._unseen()
                await self._draft(desk, fresh)
                self.has_grown = True
                self._on_grown()
                if self._before is not None:
                    await self._before._committed.wait()  # noqa: SLF001 - of its own kind
                    self._before = None
                await self._enter(desk, fresh)
            self._committed.set()

    async def _unseen(self) -> list[Part]:
        numbers = [part.owner.partition.number for part in self._parts]
        ids = [batch_id for part in self._parts for batch_id in ledger.batch_ids(part.opened)]
        found = await positions.look(self._folding.stores.profile, self._brand, numbers, ids)
        before = self._before._ahead if self._before is not None else _Ahead()  # noqa: SLF001 - of its own kind
        fresh = []
        for part in self._parts:
            number = part.owner.partition.number
            position, seen = found.get(number, (None, set()))
            _check(position, part.owner)
            sequence = max(position.sequence if position else 0, before.reached.get(number, 0))
            fresh.append(Part(part.owner, unseen(part.opened, sequence, seen | before.batch_ids)))
            self._ahead.reached[number] = part.opened[-1].sequence
        self._ahead.batch_ids = {batch_id for part in fresh for batch_id in ledger.batch_ids(part.opened)}
        return fresh

    async def _draft(self, desk: _Desk, fresh: Sequence[Part]) -> None:
        """Do all that a fold does but write it: nothing here waits for the fold before."""
        stores = self._folding.stores
        for part in fresh:
            received(part.owner.partition.number, part.opened, desk.books)
        batches = list(_batches(fresh))
        if not batches:
            return
        consulted = await consult(stores, desk.vault, self._brand, batches)
        shares, ground = await self._share_out(desk, fresh, consulted)
        for said, bound in identifications(shares):
            await identify(stores, Subject(self._brand, said.source, said.other or b""), bound.persona)
        self._ahead.grown = await grow(stores.keyring, self._folding.weights, shares, ground, batches[0].batch_id)

    async def _share_out(self, desk: _Desk, fresh: Sequence[Part], consulted: Consulted) -> tuple[list[Share], Ground]:
        before = self._before._ahead if self._before is not None else _Ahead()  # noqa: SLF001 - of its own kind
        admitted = (
            each
            for part in fresh
            for each in admit(part.owner.partition.number, _batches([part]), consulted.collecting, desk.books)
        )
        first = first_of_each(admitted, before.identities, desk.books)
        self._ahead.identities = set(first)
        if not first:
            return [], Ground({}, {}, frozenset())
        at_hand = before.grown.traits
        personas = {each.bound.persona.pid: each.bound.persona for each in first.values()}
        wanted = [persona for pid, persona in personas.items() if pid not in at_hand]
        new, loaded = await _both(
            ledger.claim_messages(desk.profile, self._brand, desk.day, list(first)),
            # On a connection of its own: only the owner of a partition writes its facets, and that is us, or nothing
            # of this will be kept.
            facets.load(self._folding.stores.profile, self._brand, wanted),
        )
        shares = in_order(share_out(first, new, desk.books).values())
        return shares, Ground(at_hand, loaded, consulted.researching)

    async def _enter(self, desk: _Desk, fresh: Sequence[Part]) -> None:
        for part in fresh:
            await self._bury(desk, part)
        await self._set_aside(desk, fresh)
        grown = self._ahead.grown
        if grown.facets:
            block_id = next(_batches(fresh)).batch_id
            await facets.keep(desk.profile, self._brand, grown.facets, block_id, grown.blocks)
            epochs, token = self._folding.epochs, self._folding.stores.token
            for announced in messages.announce(self._brand, grown.lessons, epochs, token):
                await enqueue(desk.transaction, OUTBOX, messages.folded_subject(self._brand), announced, {})
        reached = [
            _reached(part.owner, part.opened, unread.opened) for part, unread in zip(self._parts, fresh, strict=True)
        ]
        moved = await accounts.close(desk.profile, self._brand, desk.books.lines(), reached, desk.day)
        await self._expect_all(moved)

    async def _expect_all(self, moved: set[int]) -> None:
        still = [part.owner for part in self._parts if part.owner.partition.number not in moved]
        if not still:
            return
        numbers = [owner.partition.number for owner in still]
        found = await positions.look(self._folding.stores.profile, self._brand, numbers, ())
        for owner in still:
            _check(found[owner.partition.number][0] if owner.partition.number in found else None, owner)
        raise HaltedError(still[0].partition, FencedError("the position moved while it was folded"))

    async def _bury(self, desk: _Desk, part: Part) -> None:
        poison = [message for message in part.opened if isinstance(message, Poison)]
        if not poison:
            return
        partition, limit = part.owner.partition, self._folding.most_dead_letters
        await ledger.bury(desk.profile, partition, part.owner.stream_created, poison, desk.at_ms)
        buried = await ledger.buried_since(desk.profile, partition, desk.at_ms - _HOUR_MS)
        if buried > limit:
            reasons = ", ".join(sorted({each.reason for each in poison}))
            message = f"more than {limit} messages within an hour: {reasons}"
            raise HaltedError(partition, TooManyDeadLettersError(message, limit=str(limit)))

    async def _set_aside(self, desk: _Desk, fresh: Sequence[Part]) -> None:
        rejected = [(each.mid[0] % SHARDS, each) for batch in _batches(fresh) for each in batch.rejected]
        if not rejected:
            return
        new = await ledger.quarantine(desk.profile, self._brand, rejected, desk.at_ms)
        for part in fresh:
            for batch in _batches([part]):
                for each in batch.rejected:
                    fate = "quarantined" if each.mid in new else "duplicate"
                    desk.books.add(place_of(part.owner.partition.number, each.source, batch.sealed_at_ms), fate, 1)
                    new.discard(each.mid)


def _batches(parts: Iterable[Part]) -> Iterator[Batch]:
    return (message for part in parts for message in part.opened if isinstance(message, Batch))


def _reached(owner: Owner, opened: Sequence[Batch | Poison], fresh: Sequence[Batch | Poison]) -> accounts.Reached:
    horizon_ms = max(message.sealed_at_ms for message in opened)
    return accounts.Reached(
        owner.partition.number,
        owner.epoch,
        owner.stream_created,
        opened[-1].sequence,
        horizon_ms,
        ledger.batch_ids(fresh),
    )


def _check(position: positions.Position | None, owner: Owner) -> None:
    if position is None or position.owner_epoch != owner.epoch:
        raise HaltedError(owner.partition, FencedError("another folder owns this partition"))
    if position.stream_created != owner.stream_created:
        raise HaltedError(owner.partition, recreated(position.stream_created, owner.stream_created))


async def _both(one: Awaitable[_One], other: Awaitable[_Other]) -> tuple[_One, _Other]:
    """Wait for both, whatever becomes of one: a transaction must not end while a statement of it runs."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second
