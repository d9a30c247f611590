"""The writer's side: who may still read from a cache, and when a change is known to all of them."""

import asyncio
from collections.abc import Sequence

from kit.cancelling import rest
from kit.errors import UnavailableError
from kit.fence.marks import Marks, NoMarks
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
        self._wake()

    def release(self) -> None:
        """End the lease; wake whoever waits for it."""
        self.until_ns = 0
        self._wake()

    def owes(self, changes: Sequence[Change]) -> bool:
        """Tell whether the reader may still use what one of the changes withdrew, if its lease runs."""
        return any(self._applied.get(change.scope, 0) < change.sequence for change in changes)

    async def move(self, seconds: float) -> None:
        """Wait until the reader has applied something or has released its lease, at most that long."""
        await rest(self._moved, seconds)

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class Authority:
    """Gives leases for `term_ns` and acknowledges changes; only while seated, that is elected under an epoch.

    A reader has registered its lease here before it is told the heads, and a writer has committed before it looks at
    the leases: so either the writer waits for the reader, or the reader was told of the write. Nothing is locked.
    What is acknowledged is kept in `marks` too, so that a database which was restored to before it is found out.
    """

    def __init__(self, clock: Clock, *, term_ns: int, marks: Marks | None = None) -> None:
        self._clock = clock
        self.marks = marks or NoMarks()
        self.term_ns = term_ns
        self.epoch = 0
        self._sat = asyncio.Event()
        self._acknowledges_from_ns = 0
        # In the order of joining: the same run twice tells everybody in the same order.
        self._holders: dict[Holder, None] = {}
        self._connected: dict[Holder, None] = {}

    def sit(self, epoch: int) -> None:
        """Begin to answer as the elected one; under any epoch but the first, leases of a predecessor may still run."""
        self.epoch = epoch
        self._sat.set()
        self._acknowledges_from_ns = self._clock() + self.term_ns if epoch > 1 else 0

    def rise(self, epoch: int) -> None:
        """Answer nobody under this epoch any more: another may be elected."""
        if self.epoch == epoch:
            self.epoch = 0
            self._sat.clear()

    async def elected(self, patience_s: float) -> int:
        """Return the epoch, waiting so long for an election; raise UnavailableError as `seated` does."""
        await rest(self._sat, patience_s)
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
        self._holders[holder] = self._connected[holder] = None
        return holder

    def renew(self, holder: Holder) -> int:
        """Begin or extend a lease; return the epoch. To be called before the heads are read that go out with it."""
        epoch = self.seated()
        if holder.is_barred:
            raise UnavailableError("changes were not applied in time")
        holder.until_ns = self._clock() + self.term_ns
        return epoch

    def part(self, holder: Holder) -> None:
        """Note that a reader's connection is gone. Its lease is not, unless it was released."""
        self._connected.pop(holder, None)
        now_ns = self._clock()
        kept = (each for each in self._holders if each in self._connected or each.until_ns > now_ns)
        self._holders = dict.fromkeys(kept)

    async def acknowledge(self, changes: Sequence[Change]) -> None:
        """Return once no reader can use what the changes withdrew. They have been committed; repeat those that fail.

        Takes a round trip to the slowest reader; at most two terms when one is dead. Raises UnavailableError when the
        seat is lost meanwhile.
        """
        epoch = self.seated()
        told = tuple(changes)
        for holder in self._connected:
            holder.tell(told)
        owing = [self._settle(holder, told) for holder in self._holders if holder.owes(told)]
        await asyncio.gather(self.marks.keep(epoch, _reached(told)), *owing)
        await self._serve_term()
        self.seated()

    async def _serve_term(self) -> None:
        left_ns = self._acknowledges_from_ns - self._clock()
        while left_ns > 0:
            await asyncio.sleep(left_ns / _NS)
            # Looked at again: a timer may wake early, and the seat may have been taken anew.
            left_ns = self._acknowledges_from_ns - self._clock()

    async def _settle(self, holder: Holder, changes: tuple[Change, ...]) -> None:
        bars_at_ns = self._clock() + self.term_ns
        while holder.owes(changes) and (left_ns := holder.until_ns - (now_ns := self._clock())) > 0:
            if now_ns >= bars_at_ns:
                # It renews its lease but does not listen: the lease it has is its last.
                holder.is_barred = True
            else:
                left_ns = min(left_ns, bars_at_ns - now_ns)
            await holder.move(left_ns / _NS)


def _reached(changes: Sequence[Change]) -> dict[Scope, int]:
    reached: dict[Scope, int] = {}
    for change in changes:
        reached[change.scope] = max(change.sequence, reached.get(change.scope, 0))
    return reached
