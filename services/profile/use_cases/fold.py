"""Folds messages of several partitions: positions and effect in one transaction, so that a repetition changes nothing.

Two folds may be under way. The one behind reads and claims message ids while the one before grows its facets, grows its
own on those while that one is written, and enters them only when that one has committed. When one fails, whoever runs
them cancels the one behind it, clears what is hot, and folds both again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import raw
from services.profile.domain import Subject
from services.profile.folding import (
    Books,
    Identity,
    Share,
    admit,
    first_of_each,
    identifications,
    received,
    shards_of,
    share_out,
    unseen,
)
from services.profile.hot import Hot
from services.profile.repository import facets, ledger, positions, vault
from services.profile.sealed import DataKeys
from services.profile.segments import Decided, may_tell
from services.profile.use_cases.bind import identify
from services.profile.use_cases.consult import Consulted, consult
from services.profile.use_cases.enter import enter
from services.profile.use_cases.grow import Ground, Grown, Growth, in_order
from services.profile.use_cases.parts import Desk, Folding, Owner, Part, batches_of, check
from services.profile.use_cases.segment import decide
from services.profile.use_cases.set_aside import let_in

_One = TypeVar("_One")
_Other = TypeVar("_Other")


@dataclass(slots=True)
class _Ahead:
    """What a fold has changed that may not have committed yet."""

    #: By owner: who begins with another stream is another owner.
    reached: dict[Owner, int] = field(default_factory=dict)
    batch_ids: set[bytes] = field(default_factory=set)
    identities: set[Identity] = field(default_factory=set)
    #: Whose blocks it will have appended.
    pids: set[bytes] = field(default_factory=set)
    #: Whom an id stood for that may stand for another one now.
    moved: set[bytes] = field(default_factory=set)
    grown: Grown = field(default_factory=Grown)


class Fold:
    """One fold over parts of different partitions of one brand, in the order of the stream each."""

    def __init__(
        self,
        folding: Folding,
        hot: Hot,
        parts: Sequence[Part],
        before: "Fold | None" = None,
        on_shared_out: Callable[[], None] = lambda: None,
    ) -> None:
        self._folding = folding
        self._hot = hot
        self._parts = sorted(parts, key=lambda part: part.owner.partition.number)
        self._brand = parts[0].owner.partition.brand
        self._before = before
        self._ahead = _Ahead()
        self._on_shared_out = on_shared_out
        #: True as soon as the fold behind this one may begin.
        self.has_shared_out = False
        self._grown = asyncio.Event()
        self._committed = asyncio.Event()

    @property
    def changed(self) -> set[bytes]:
        """Of whom a read may be different now."""
        return self._ahead.pids | self._ahead.moved

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
                # Side by side: each is a way to a database and back, and whoever waits to be folded waits for them.
                drivers, unread = await _both(_both(raw(transaction), self._hold(held)), self._unseen())
                desk = Desk(transaction, *drivers, stores.now_ms(), Books())
                fresh = await let_in(desk, unread)
                await self._draft(desk, fresh)
                if self._before is not None:
                    await self._before._committed.wait()  # noqa: SLF001 - of its own kind
                    self._before = None
                await enter(self._folding, desk, self._parts, fresh, self._ahead.grown)
            self._committed.set()

    async def _hold(self, held: AsyncConnection) -> asyncpg.Connection:
        """Keep everybody who is told of from being erased; those of messages folded before are held for nothing."""
        connection = await raw(held)
        if shards := shards_of(batches_of(self._parts)):
            await vault.share_life(connection, self._brand, shards)
        return connection

    async def _unseen(self) -> list[Part]:
        partitions = [part.owner.partition for part in self._parts]
        ids = [batch_id for part in self._parts for batch_id in ledger.batch_ids(part.opened)]
        found = await positions.look(self._folding.stores.profile, partitions, ids)
        before = self._before._ahead if self._before is not None else _Ahead()  # noqa: SLF001 - of its own kind
        fresh = []
        for part in self._parts:
            position, seen = found.get(part.owner.partition, (None, set()))
            check(position, part.owner)
            sequence = max(position.sequence if position else 0, before.reached.get(part.owner, 0))
            fresh.append(Part(part.owner, unseen(part.opened, sequence, seen | before.batch_ids)))
            self._ahead.reached[part.owner] = part.opened[-1].sequence
        self._ahead.batch_ids = {batch_id for part in fresh for batch_id in ledger.batch_ids(part.opened)}
        return fresh

    async def _draft(self, desk: Desk, fresh: Sequence[Part]) -> None:
        """Do all that a fold does but write it."""
        stores = self._folding.stores
        for part in fresh:
            received(part.owner.partition.number, part.opened, desk.books)
        batches = list(batches_of(fresh))
        shares: list[Share] = []
        ground = Ground({}, {}, frozenset())
        if batches:
            consulted = await consult(stores, desk.vault, self._brand, batches)
            shares, ground = await self._share_out(desk, fresh, consulted)
            for said, bound in identifications(shares):
                ids = said.other or b"", said.version, said.other_former
                stood_for = await identify(stores, Subject(self._brand, said.source, *ids), bound.persona)
                if stood_for is not None:
                    self._ahead.moved.add(stood_for.pid)
        self._ahead.pids = {share.bound.persona.pid for share in shares}
        self.has_shared_out = True
        self._on_shared_out()
        before = Grown()
        if self._before is not None:
            await self._before._grown.wait()  # noqa: SLF001 - of its own kind
            before = self._before._ahead.grown  # noqa: SLF001 - of its own kind
        if shares:
            grown = self._ahead.grown = await self._grow(shares, ground, batches[0].batch_id, before)
            grown.decided = self._decide(desk, shares, grown)
            self._hot.stand(grown.standings)
            self._hot.keys.age(desk.at_ms)
            self._hot.keep(grown.traits, desk.at_ms)
            # Whom models learn from no longer may have got a block that is not in what is hot.
            self._hot.drop(grown.standings.keys() - grown.traits.keys())
        self._grown.set()

    async def _share_out(self, desk: Desk, fresh: Sequence[Part], consulted: Consulted) -> tuple[list[Share], Ground]:
        """Return who gets what, and what is known of them without the fold before."""
        before = self._before._ahead if self._before is not None else _Ahead()  # noqa: SLF001 - of its own kind
        admitted = (
            each
            for part in fresh
            for each in admit(part.owner.partition.number, batches_of([part]), consulted.known, desk.books)
        )
        first = first_of_each(admitted, before.identities, desk.books)
        self._ahead.identities = set(first)
        if not first:
            return [], Ground({}, {}, frozenset())
        personas = {each.bound.persona.pid: each.bound.persona for each in first.values()}
        # What the fold before appends is not in the database yet, and what is hot of it is about to change.
        others = {pid: persona for pid, persona in personas.items() if pid not in before.pids}
        known = {pid: standing for pid in others if (standing := self._hot.standing(pid))}
        new, found = await _both(
            ledger.claim_messages(desk.profile, self._brand, desk.day, list(first)),
            # On a connection of its own: only the owner of a partition writes its facets, and that is us, or nothing
            # of this will be kept.
            facets.standings(
                self._folding.stores.profile, self._brand, [each for pid, each in others.items() if pid not in known]
            ),
        )
        at_hand = {pid: traits for pid in others if (traits := self._hot.get(pid))}
        shares = in_order(share_out(first, new, desk.books).values())
        wishing = frozenset(share.bound.persona.pid for share in self._wishing(shares)) & consulted.counted
        return shares, Ground(known | found, at_hand, consulted.researching, wishing)

    def _wishing(self, shares: Sequence[Share]) -> list[Share]:
        stores = self._folding.stores
        if stores.segments is None:
            return []
        return [share for share in shares if may_tell(share.interactions, stores.weights)]

    def _decide(self, desk: Desk, shares: Sequence[Share], grown: Grown) -> list[Decided]:
        segments = self._folding.stores.segments
        if segments is None:
            return []
        return decide(segments.segments, self._wishing(shares), grown.wishing, desk.at_ms)

    async def _grow(self, shares: Sequence[Share], ground: Ground, block_id: bytes, before: Grown) -> Grown:
        stores = self._folding.stores
        ground = replace(
            ground, standings={**ground.standings, **before.standings}, traits={**ground.traits, **before.traits}
        )
        loaded = await facets.load(stores.profile, self._brand, ground.unopened(shares))
        keys = DataKeys(stores.keyring, self._hot.keys)
        return await Growth(keys, stores.weights, ground, block_id).grow(shares, loaded, before)


async def _both(one: Awaitable[_One], other: Awaitable[_Other]) -> tuple[_One, _Other]:
    """Wait for both, whatever becomes of one: a transaction must not end while a statement of it runs."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second
