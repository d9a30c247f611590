"""Serves one reader's connection: its leases, what changes meanwhile, and what it has applied."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from kit.errors import UnavailableError
from kit.fence.authority import Authority, Holder
from kit.fence.words import Applied, Asked, Lease, Release, Said, Scope

#: Reads the epoch and every scope's sequence, both of one snapshot.
ReadHeads = Callable[[], Awaitable[tuple[int, Mapping[Scope, int]]]]


async def host(authority: Authority, read_heads: ReadHeads, asked: AsyncIterator[Asked]) -> AsyncIterator[Said]:
    """Yield what to tell until the reader hangs up; raises UnavailableError when it gets no lease any more."""
    hosting = _Hosting(authority, read_heads)
    hearing = asyncio.create_task(hosting.hear(asked))
    # Not below: whoever serves streams may leave a generator unclosed, for as long as a hung reader's connection lasts.
    hearing.add_done_callback(lambda _: authority.part(hosting.holder))
    try:
        while (said := await hosting.holder.next()) is not None:
            yield said
    finally:
        hearing.cancel()
        [outcome] = await asyncio.gather(hearing, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


class _Hosting:
    def __init__(self, authority: Authority, read_heads: ReadHeads) -> None:
        self.holder: Holder = authority.join()
        self._authority = authority
        self._read_heads = read_heads
        self._told: dict[Scope, int] = {}

    async def hear(self, asked: AsyncIterator[Asked]) -> None:
        try:
            async for each in asked:
                await self._answer(each)
        finally:
            self.holder.tell(None)

    async def _answer(self, asked: Asked) -> None:
        match asked:
            case Applied(heads):
                for scope, sequence in heads:
                    self.holder.applied(scope, sequence)
            case Release():
                self.holder.release()
            case _:
                await self._lease()

    async def _lease(self) -> None:
        # In this order: a change that commits after the heads were read finds the lease, one before is among the heads.
        seated = self._authority.renew(self.holder)
        kept = self._authority.marks.read()
        epoch, heads = await self._read_heads()
        if epoch != seated or not kept.passes(heads):
            self._authority.rise(seated)
            raise UnavailableError("another process answers", retry_after_s=1)
        moved = tuple((scope, sequence) for scope, sequence in heads.items() if self._told.get(scope) != sequence)
        self._told.update(moved)
        self.holder.tell(Lease(self._authority.term_ns, moved, epoch))
