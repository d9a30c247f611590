"""The writer's side: who may still read from a cache, and when a change is known to all of them."""

import asyncio
from collections.abc import Sequence

from kit.cancelling import rest
from kit.errors import UnavailableError
from kit.fence.words import Change, Clock, Said, Scope

_NS = 1e9
#: Changes a reader may owe before it counts as dead.
_MAX_OWED = 1000


class Holder:
    """One reader's connection. Its lease outlives the connection: the reader may not know yet that it is broken."""

    def __init__(self) -> None:
        self._outbox: asyncio.Queue[Said | None] = asyncio.Queue(_MAX_OWED)
        self.until_ns = 0
        self.is_barred = False
        self._applied: dict[Scope, int] = {}
        self._moved = asyncio.Event()

    def tell(self, said: Said | None) -> None:
        """Queue something for the reader, None for the end; whoever lets too much lie gets no further lease."""
        try:
            self._outbox.put_nowait(said)
        except asyncio.QueueFull:
            self.is_barred = True

    async def next(self) -> Said | None:
        """Return what goes to the reader next; None when the connection is to end."""
        return None if self.is_barred else await self._outbox.get()

    def applied(self, scope: Scope, sequence: int) -> None:
        """Note that the reader uses nothing older than `sequence` any more."""
        self._applied[scope] = max(sequence, self._applied.get(scope, 0))
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def owes(self, changes: Sequence[Change]) -> bool:
        """Tell whether the reader may still use what one of the changes withdrew, if its lease runs."""
        return any(self._applied.get(change.scope, 0) < change.sequence for change in changes)

    async def move(self, seconds: float) -> None:
        """Wait until the reader has applied something, at most that long."""
        await rest(self._moved, seconds)


class Authority:
    """Gives leases for `term_ns` and acknowledges changes; only while seated, that is elected under an epoch.

    A reader has registered its lease here before it is told the heads, and a writer has committed before it looks at
    the leases: so either the writer waits for the reader, or the reader was told of the write. Nothing is locked.
    """

    def __init__(self, clock: Clock, *, term_ns: int) -> None:
        self._clock = clock
        self.term_ns = term_ns
        self.epoch = 0
        self._sat = asyncio.Event()
        self._acknowledges_from_ns = 0
        self._holders: set[Holder] = set()
        self._connected: set[Holder] = set()

    def sit(self, epoch: int) -> None:
        """Begin to answer as the elected one; under any epoch but the first, leases of a predecessor may still run."""
        self.epoch = epoch
        self._sat.set()
        self._acknowledges_from_ns = self._clock() + self.term_ns if epoch > 1 else 0

    def rise(self) -> None:
        """Answer nobody any more: another may be elected."""
        self.epoch = 0
        self._sat.clear()

    async def elected(self) -> int:
        """Return the epoch, waiting up to a term for an election; raise UnavailableError as `seated` does."""
        await rest(self._sat, self.term_ns / _NS)
        return self.seated()

    def seated(self) -> int:
        """Return the epoch; raise UnavailableError when this process is not the elected one, or not yet."""
        if not self.epoch:
            raise UnavailableError("another process answers, or none yet", retry_after_s=1)
        return self.epoch

    def close(self) -> None:
        """End every connection."""
        for holder in self._connected:
            holder.tell(None)

    def join(self) -> Holder:
        """Enter a reader that has connected."""
        holder = Holder()
        self._holders.add(holder)
        self._connected.add(holder)
        return holder

    def renew(self, holder: Holder) -> None:
        """Begin or extend a lease. To be called before the heads are read that go out with it."""
        self.seated()
        if holder.is_barred:
            raise UnavailableError("changes were not applied in time")
        holder.until_ns = self._clock() + self.term_ns

    def part(self, holder: Holder, *, is_released: bool) -> None:
        """Note that a reader's connection is gone; its lease too if it said so itself."""
        self._connected.discard(holder)
        if is_released:
            holder.until_ns = 0
        now_ns = self._clock()
        self._holders = {each for each in self._holders if each in self._connected or each.until_ns > now_ns}

    async def acknowledge(self, changes: Sequence[Change]) -> None:
        """Return once no reader can use what the changes withdrew. They have been committed; repeat those that fail.

        Takes a round trip to the slowest reader; at most two terms when one is dead. Raises UnavailableError when the
        seat is lost meanwhile.
        """
        self.seated()
        told = tuple(changes)
        for holder in self._connected:
            holder.tell(told)
        owing = [self._settle(holder, told) for holder in self._holders if holder.owes(told)]
        if owing:
            await asyncio.gather(*owing)
        await asyncio.sleep((self._acknowledges_from_ns - self._clock()) / _NS)
        self.seated()

    async def _settle(self, holder: Holder, changes: tuple[Change, ...]) -> None:
        patience_ns = self._clock() + self.term_ns
        while holder.owes(changes) and (left_ns := holder.until_ns - self._clock()) > 0:
            await holder.move(left_ns / _NS)
            if self._clock() >= patience_ns:
                # It renews its lease but does not listen: the lease it has is its last.
                holder.is_barred = True
