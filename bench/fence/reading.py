"""`python -m bench.fence.reading {json}`: one reader, kit's cache under kit's protocol, that judges every answer."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

from bench.fence.caches import AgingCache, WatchingCache, told
from bench.fence.table import ALLOWED, BRAND, SETTLED, Count, Table, places
from kit.errors import TypedError
from kit.fence import FencedCache, Wire, boottime_ns, follow
from kit.process import die_with_parent
from kit.rpc import connect
from services.profile.clients import ConsentClient
from services.profile.domain import Masks, Persona
from services.profile.fenced import Decisions

AUDIENCE, PURPOSE = "app:shop", "recommend.offer"
FIELD = (AUDIENCE, PURPOSE)
_SECOND_NS = 1_000_000_000
_MARGIN_NS = 50_000_000
_PAUSE_S = 0.05
T = TypeVar("T")


class Order(msgspec.Struct):
    """What a reader is told: where the authorities are, its place in the table, how it is paced."""

    addresses: list[str]
    table: str
    keys: int
    slot: int
    pause_s: float
    sweeps: int
    cache: str = "fenced"


class Truths:
    """The processes of the consent service: whichever answers. Streams go to one after the other."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._clients = [ConsentClient(connect(address)) for address in addresses]

    async def check(self, persona: Persona, audience: str, purposes: Sequence[str]) -> Any:
        """Ask as ConsentClient does."""
        return await self._any(lambda client: client.check(persona, audience, purposes))

    async def check_many(
        self, brand: str, audience: str, purposes: Sequence[str], personas: Sequence[Persona]
    ) -> Masks:
        """Ask as ConsentClient does."""
        return await self._any(lambda client: client.check_many(brand, audience, purposes, personas))

    def hold(self) -> Wire:
        """Open a stream to the next one."""
        self._clients.append(self._clients.pop(0))
        return self._clients[0].hold()

    async def _any(self, ask: Callable[[ConsentClient], Awaitable[T]]) -> T:
        first, *others = self._clients
        for client in others:
            try:
                return await asyncio.wait_for(ask(first), 1.0)
            except (TypedError, TimeoutError):
                first = client
        return await asyncio.wait_for(ask(first), 1.0)


class Reader:
    """Sweeps over all keys again and again; what memory does not say is asked, one question at a time."""

    def __init__(self, order: Order, cache: Any, truths: Truths) -> None:
        self._table = Table(Path(order.table), order.keys)
        self._counts = self._table.counts(order.slot)
        self._places = places(order.keys)
        self._personas = [Persona(BRAND, place.scope.shard, place.key) for place in self._places]
        self._cache = cache
        # A denial holds until it is changed, and the times of a grant are far off.
        self._decisions = Decisions(truths, cache, lambda: time.time_ns() // 1_000_000)  # type: ignore[arg-type]
        self._pause_s = order.pause_s
        self._sweeps = order.sweeps
        self._asking: asyncio.Task[None] | None = None
        self._told: set[tuple[int, int]] = set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            for _ in range(self._sweeps):
                missing = self._sweep()
            if missing and (self._asking is None or self._asking.done()):
                self._asking = asyncio.create_task(self._ask(missing))
            await asyncio.sleep(self._pause_s)

    def _sweep(self) -> list[tuple[int, int]]:
        """Read every key once from memory; return places and words of those that it does not say."""
        words, acknowledged_at, get = self._table.words, self._table.acknowledged_at, self._cache.get
        since_ns = boottime_ns() - _SECOND_NS
        missing = []
        cached = judged = checked = allowed = 0
        for place, (scope, key) in enumerate(self._places):
            word = words[place]
            held = get(scope, key)
            kept = None if held is None else held.get(FIELD)
            if kept is None:
                missing.append((place, word))
                continue
            cached += 1
            if not word & SETTLED or words[place] != word:
                continue
            judged += 1
            is_allowed = kept.is_allowed
            if acknowledged_at[place] >= since_ns:
                checked += 1
                allowed += is_allowed
            if is_allowed and not word & ALLOWED:
                self._found(place, word, "memory")
        self._add(cached, judged, checked, allowed)
        return missing

    async def _ask(self, missing: list[tuple[int, int]]) -> None:
        counts = self._counts
        personas = [self._personas[place] for place, _ in missing]
        try:
            masks = await self._decisions.check_many(AUDIENCE, [PURPOSE], personas)
        except (TypedError, TimeoutError):
            counts[Count.UNANSWERED] += len(missing)
            await asyncio.sleep(_PAUSE_S)
            return
        counts[Count.ASKED] += len(missing)
        for (place, word), mask in zip(missing, masks, strict=True):
            if word & SETTLED and self._table.words[place] == word and mask and not word & ALLOWED:
                self._found(place, word, "truth")

    def _add(self, cached: int, judged: int, checked: int, allowed: int) -> None:
        counts = self._counts
        counts[Count.CACHED] += cached
        counts[Count.JUDGED] += judged
        counts[Count.CHECKED] += checked
        counts[Count.ALLOWED] += allowed

    def _found(self, place: int, word: int, source: str) -> None:
        self._counts[Count.STALE] += 1
        if (place, word) in self._told:
            return
        self._told.add((place, word))
        ago_ms = (boottime_ns() - self._table.acknowledged_at[place]) / 1e6
        print(f"stale: key {place}, statement {word >> 2}, {source}, {ago_ms:.1f} ms behind its acknowledgement")


async def _watch(truths: Truths, cache: WatchingCache) -> None:
    while True:
        wire = truths.hold()
        cache.connected()
        try:
            while True:
                told(cache, await wire.receive())
        except TypedError:
            cache.end()
            await wire.release()
        await asyncio.sleep(_PAUSE_S)


def _cached(kind: str, truths: Truths) -> tuple[Any, list[Awaitable[None]]]:
    match kind:
        case "watching":
            watching = WatchingCache(boottime_ns, margin_ns=0, capacity=100_000)
            return watching, [_watch(truths, watching)]
        case "aging":
            return AgingCache(boottime_ns), []
    cache: FencedCache[Any, Any] = FencedCache(boottime_ns, margin_ns=_MARGIN_NS, capacity=100_000)
    return cache, [follow(truths.hold, cache, boottime_ns)]


async def main(order: Order) -> None:
    """Read until killed."""
    truths = Truths(order.addresses)
    cache, works = _cached(order.cache, truths)
    await asyncio.gather(Reader(order, cache, truths).run(), *works)


if __name__ == "__main__":
    die_with_parent()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(msgspec.json.decode(sys.argv[1], type=Order)))
