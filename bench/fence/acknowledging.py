"""How long a withdrawal takes to be acknowledged, and what one look into the cache costs."""

import itertools
import statistics
import tempfile
import time
import timeit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.fence.reading import FIELD
from bench.fence.table import places
from bench.fence.world import Shape, World
from bench.fence.writing import Person
from bench.report import Result
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.fence import FencedCache, Lease, boottime_ns
from kit.rpc import connect
from kit.servers import wait_until
from services.profile.fenced import Kept

_WARM_UP_S = 1.0
_KEYS = 32
_DEATHS = 5
_LEASED_S = 10.0


@contextmanager
def paced(readers: int) -> Iterator[World]:
    """Enter a world whose readers leave the machine time to answer: sixteen that spin measure the scheduler."""
    shape = Shape(keys=_KEYS, readers=readers, sweeps=1, pause_s=0.02 * readers / 3, is_direct=True)
    with tempfile.TemporaryDirectory(prefix="maskenball-fence-") as folder:
        Path(folder).chmod(0o711)
        with World(Path(folder), shape) as world:
            _await_readers(world)
            yield world


async def acknowledge(readers: int, seconds: float) -> Result:
    """Withdraw again and again while so many readers read."""
    with paced(readers) as world:
        people = _people(world)
        await _withdrawals(people, _WARM_UP_S)
        taken = await _withdrawals(people, seconds)
    note = f"{len(taken):,} withdrawals, one at a time, {readers} readers of {_KEYS} keys each"
    return _result(f"acknowledge_{readers}_readers", taken, note)


async def acknowledge_dead(term_s: float = 1.5) -> Result:
    """Withdraw just after one of three readers was killed."""
    taken = []
    with paced(3) as world:
        for person in _people(world)[:_DEATHS]:
            await _said(person, is_allowed=True)
            world.kill(world.readers[0])
            taken.append(await _said(person, is_allowed=False))
            world.revive(world.readers[0])
            _await_readers(world)
    return _result("acknowledge_dead_reader", taken, f"killed {len(taken)} times").against("term", term_s * 1000)


def read_check() -> Result:
    """Time the look that a read takes: the lease, the entry, the answer."""
    cache: FencedCache[tuple[str, str], Kept] = FencedCache(boottime_ns, margin_ns=0, capacity=100_000)
    cache.lease(Lease(1 << 50, (), 1), boottime_ns())
    known = places(10_000)
    for scope, key in known:
        cache.put(scope, key, 1, {FIELD: Kept(is_allowed=True, holds_until_ms=0)})
    get, each = cache.get, itertools.cycle(known)

    def look() -> bool:
        scope, key = next(each)
        held = get(scope, key)
        return held is not None and held[FIELD].is_allowed

    rounds = timeit.repeat(look, number=200_000, repeat=5)
    return Result("read_check", "µs", round(statistics.median(rounds) / 200_000 * 1e6, 3))


def _people(world: World) -> list[Person]:
    stub = ConsentServiceStub(connect(world.addresses[0]))
    return [Person(place, [stub]) for place in places(_KEYS)]


async def _withdrawals(people: Sequence[Person], seconds: float) -> list[float]:
    """Return the milliseconds that each took."""
    taken, until = [], time.monotonic() + seconds
    for person in itertools.cycle(people):
        if time.monotonic() >= until:
            break
        await _said(person, is_allowed=True)
        taken.append(await _said(person, is_allowed=False))
    return taken


async def _said(person: Person, *, is_allowed: bool) -> float:
    while True:
        begun = time.perf_counter()
        if await person.state(is_allowed=is_allowed):
            return (time.perf_counter() - begun) * 1000


def _await_readers(world: World) -> None:
    if not wait_until(world.is_read_from_memory, timeout_s=30.0):
        raise RuntimeError(f"not every reader has a lease\n{world.complaints()}")


def _result(name: str, taken: Sequence[float], note: str) -> Result:
    ordered = sorted(taken)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    p50 = statistics.median(ordered)
    return Result(name, "ms", round(p99, 2), p50_ms=round(p50, 2), p99_ms=round(p99, 2), note=note)
