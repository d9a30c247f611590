"""The protocol with one of its rules broken: in each of these a run must find a stale read."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from unittest.mock import patch

from kit.fence import EVERY, Authority, FencedCache
from kit.fence.authority import Holder
from kit.fence.cache import _Aside
from kit.fence.hosting import _Hosting


@dataclass(frozen=True)
class Variant:
    name: str
    #: What is put in the place of which method.
    replaced: tuple[tuple[type, str, Callable], ...] = ()
    is_epoch_checked: bool = True
    is_wall_clock: bool = False
    #: Whether what was acknowledged is kept outside the database.
    is_marked: bool = True
    #: Whether what was said before a scope was mended counts no more, also where no row of it is left.
    is_dated: bool = True
    #: Faults of the world that bring it out, drawn more often.
    provoked_by: tuple[str, ...] = ()
    #: Where a short search begins.
    seed: int = 0

    @contextmanager
    def broken(self):
        with ExitStack() as patches:
            for owner, name, replacement in self.replaced:
                patches.enter_context(patch.object(owner, name, replacement))
            yield


_hosting_init, _host_lease = _Hosting.__init__, _Hosting._lease
_cache_lease, _cache_apply = FencedCache.lease, FencedCache._apply


def _enter_nobody(hosting, authority, read_heads):
    _hosting_init(hosting, authority, read_heads)
    authority._connected.pop(hosting.holder)
    authority._holders.pop(hosting.holder)


async def _lease_after_heads(hosting):
    authority, holder, read_heads = hosting._authority, hosting.holder, hosting._read_heads
    # Read before the heads, as it has to be: what is kept outside the database would find the gap out.
    marks, kept = authority.marks, authority.marks.read()
    found = await read_heads()
    # A moment is enough, and a busy machine gives it.
    await asyncio.sleep(0.1)
    authority._connected[holder] = authority._holders[holder] = None

    async def read_before():
        return found

    hosting._read_heads, authority.marks = read_before, SimpleNamespace(read=lambda: kept)
    try:
        # Suspends nowhere, so nobody else meets these.
        await _host_lease(hosting)
    finally:
        hosting._read_heads, authority.marks = read_heads, marks


def _lease_from_answer(cache, lease, _asked_at_ns):
    return _cache_lease(cache, lease, cache._clock())


def _sit_at_once(authority, epoch):
    authority.epoch = epoch
    authority._sat.set()


def _put_unchecked(cache, scope, key, _sequence, found):
    cache._held.setdefault(scope, {})[key] = dict(found)
    return True


def _lease_over_gaps(cache, lease, asked_at_ns):
    for scope, sequence in lease.heads:
        cache._applied[scope] = max(sequence, cache._applied.get(scope, 0))
    return _cache_lease(cache, lease, asked_at_ns)


def _fill_over_gaps(aside, change):
    for key in change.keys:
        aside.held.pop(key, None)
    aside.reached = aside.head
    return True


def _apply_over_gaps(cache, change):
    for key in change.keys:
        if cache._held.get(change.scope, {}).pop(key, None) is not None:
            cache._count -= 1
    cache._applied[change.scope] = applied = max(change.sequence, cache._applied.get(change.scope, 0))
    return applied


def _apply_every_as_a_key(cache, change):
    return _cache_apply(cache, replace(change, keys=tuple(key for key in change.keys if key != EVERY)))


def _get_unchecked(cache, scope, key):
    return cache._held.get(scope, {}).get(key)


async def _acknowledge_at_once(authority, changes):
    authority.seated()
    for holder in authority._connected:
        holder.tell(tuple(changes))


def _part_with_the_lease(authority, holder):
    authority._connected.pop(holder, None)
    authority._holders.pop(holder, None)


def _applied_when_told(holder, said):
    holder._outbox.put_nowait(said)
    for change in said if isinstance(said, tuple) else ():
        holder.applied(change.scope, change.sequence)


HONEST = Variant("as it is")
VARIANTS = [
    Variant(
        "the lease is entered after the heads were read",
        ((_Hosting, "__init__", _enter_nobody), (_Hosting, "_lease", _lease_after_heads)),
        seed=19,
        provoked_by=("end_every_stream",),
    ),
    Variant(
        "the deadline counts from the answer",
        ((FencedCache, "lease", _lease_from_answer),),
        seed=40,
        provoked_by=("cut_off_a_reader", "stop_somebody"),
    ),
    Variant(
        "a new authority waits no term",
        ((Authority, "sit", _sit_at_once),),
        provoked_by=("kill_a_consent", "cut_off_a_reader"),
    ),
    Variant("a fill is not compared with what was applied", ((FencedCache, "put", _put_unchecked),)),
    Variant(
        "a gap below a head is not dropped",
        ((FencedCache, "lease", _lease_over_gaps),),
        seed=25,
        provoked_by=("break_every_stream",),
    ),
    Variant(
        "what lies below a head is used again with a change missing",
        ((_Aside, "fill", _fill_over_gaps),),
        seed=34,
        provoked_by=("spoil_the_weather", "break_every_stream"),
    ),
    Variant(
        "a gap below a change is not dropped",
        ((FencedCache, "_apply", _apply_over_gaps),),
        seed=44,
        provoked_by=("spoil_the_weather",),
    ),
    Variant(
        "a change of every key drops none",
        ((FencedCache, "_apply", _apply_every_as_a_key),),
        seed=1,
        provoked_by=("raise_a_floor",),
    ),
    Variant("a read does not look at the lease", ((FencedCache, "get", _get_unchecked),), seed=1),
    Variant("the acknowledgement waits for nobody", ((Authority, "acknowledge", _acknowledge_at_once),)),
    Variant("what was told counts as applied", ((Holder, "tell", _applied_when_told),)),
    Variant(
        "a lease ends with its connection",
        ((Authority, "part", _part_with_the_lease),),
        seed=2,
        provoked_by=("break_every_stream",),
    ),
    Variant("nothing is kept outside the database", is_marked=False, provoked_by=("restore_the_database",)),
    Variant(
        "what was said before a restore counts where it left no row",
        is_dated=False,
        seed=4,
        provoked_by=("restore_the_database", "repeat_old_grants"),
    ),
    Variant("nobody looks at the epoch", is_epoch_checked=False, provoked_by=("lose_the_seat",)),
    Variant(
        "leases run on the wall clock",
        is_wall_clock=True,
        seed=5,
        provoked_by=("set_the_wall_clocks", "cut_off_a_reader"),
    ),
]
