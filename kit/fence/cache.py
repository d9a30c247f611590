"""The reader's side: what was read under which sequence, and whether it may still be used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from kit.fence.words import EVERY, Change, Clock, Lease, Scope

F = TypeVar("F")
V = TypeVar("V")


@dataclass(slots=True)
class _Aside(Generic[F, V]):
    """What is held of a scope and true up to `reached`, while changes up to `head` are on their way."""

    reached: int
    head: int
    held: dict[bytes, dict[F, V]]

    def fill(self, change: Change) -> bool:
        """Take in a change; False when one before it is missing."""
        if change.after > self.reached:
            return False
        for key in change.keys:
            self.held.pop(key, None)
        self.reached = max(self.reached, change.sequence)
        return True


class FencedCache(Generic[F, V]):
    """Values of type V by scope, key and field. Reads nothing by itself and never waits.

    `margin_ns` is taken off every lease: two clocks may run at different rates. Holds at most about `capacity` keys.
    """

    def __init__(self, clock: Clock, *, margin_ns: int, capacity: int) -> None:
        self._clock = clock
        self._margin_ns = margin_ns
        self._capacity = capacity
        self._until_ns = 0
        self._epoch = 0
        self._applied: dict[Scope, int] = {}
        # How many changes of all scopes were heard of, up to the last one of each scope, and up to the last of all.
        self._moments: dict[Scope, int] = {}
        self._everywhere = 0
        self._moment = 0
        self._held: dict[tuple[str, int], dict[bytes, dict[F, V]]] = {}
        # Not read: under a lease that says more than was told. With every commit a lease may overtake its telling, and
        # whoever forgets a whole scope for that asks the truth again about all of it.
        self._aside: dict[tuple[str, int], _Aside[F, V]] = {}
        self._count = 0

    @property
    def is_leased(self) -> bool:
        """True while what is held may be used."""
        return self._clock() < self._until_ns

    def __len__(self) -> int:
        return self._count

    @property
    def moment(self) -> int | None:
        """How many changes were heard of; None without a lease.

        What a reader makes of other facts may be kept beside this cache if it noted this before it read them, and the
        scope has stood still since when it has asked the truth: then no change came in between that it has not seen.
        """
        return self._moment if self.is_leased else None

    def stood_still(self, scope: Scope, since: int | None) -> bool:
        """Tell whether no change of a scope was heard of since a moment, and none can have been missed."""
        return self.is_leased and since is not None and self._moments.get(scope, self._everywhere) <= since

    def get(self, scope: tuple[str, int], key: bytes) -> Mapping[F, V] | None:
        """Return what is held of a key; None without a lease. To be called after the read it serves has begun.

        The scope may be a plain pair: to name it costs as much as to look.
        """
        if self._clock() >= self._until_ns:
            return None
        # Most are held: a subscript is cheaper than two calls, and who misses asks over the network.
        try:
            return self._held[scope][key]
        except KeyError:
            return None

    def reached(self, scope: Scope) -> int:
        """Return up to which sequence of the scope what is held is true."""
        return self._applied.get(scope, 0)

    def put(self, scope: Scope, key: bytes, sequence: int, found: Mapping[F, V]) -> bool:
        """Keep what the truth said at `sequence` of the scope; not when a later change was applied meanwhile."""
        if sequence < self._applied.get(scope, 0):
            return False
        held = self._held.setdefault(scope, {})
        fields = held.get(key)
        if fields is None:
            self._make_room()
            held = self._held.setdefault(scope, {})
            fields = held[key] = {}
            self._count += 1
        fields.update(found)
        return True

    def lease(self, lease: Lease, asked_at_ns: int) -> list[tuple[Scope, int]]:
        """Begin or extend the lease asked for at `asked_at_ns`; return the heads that are applied now."""
        if lease.epoch != self._epoch:
            self._epoch = lease.epoch
            self._held.clear()
            self._aside.clear()
            self._count = 0
            self._moments.clear()
            self._moment = self._everywhere = self._moment + 1
        for scope, sequence in lease.heads:
            if sequence > self._applied.get(scope, 0):
                # What happened in between was not told yet: anything of the scope may have changed.
                self._set_aside(scope, sequence)
                self._applied[scope] = sequence
                self._note(scope)
        self._until_ns = max(self._until_ns, asked_at_ns + lease.term_ns - self._margin_ns)
        return list(lease.heads)

    def end(self) -> None:
        """Use nothing until the next lease. What is held stays: a lease says what of it has changed."""
        self._until_ns = 0

    def apply(self, changes: Iterable[Change]) -> list[tuple[Scope, int]]:
        """Drop what changed; return the heads that are applied now."""
        return [(change.scope, self._apply(change)) for change in changes]

    def _apply(self, change: Change) -> int:
        applied = self._applied.get(change.scope, 0)
        if change.after > applied or EVERY in change.keys:
            self._forget(change.scope)
        else:
            self._drop(change)
            self._fill(change)
        self._applied[change.scope] = applied = max(applied, change.sequence)
        self._note(change.scope)
        return applied

    def _drop(self, change: Change) -> None:
        if held := self._held.get(change.scope):
            for key in change.keys:
                if held.pop(key, None) is not None:
                    self._count -= 1

    def _set_aside(self, scope: Scope, head: int) -> None:
        self._forget_aside(scope)
        if held := self._held.pop(scope, None):
            self._aside[scope] = _Aside(self._applied.get(scope, 0), head, held)

    def _fill(self, change: Change) -> None:
        aside = self._aside.get(change.scope)
        if aside is None:
            return
        before = len(aside.held)
        if not aside.fill(change):
            self._forget_aside(change.scope)
            return
        self._count -= before - len(aside.held)
        if aside.reached >= aside.head:
            del self._aside[change.scope]
            self._use_again(change.scope, aside.held)

    def _use_again(self, scope: Scope, aside: dict[bytes, dict[F, V]]) -> None:
        # What was read of the same key in between is newer.
        held = self._held.get(scope, {})
        self._count -= len(held.keys() & aside.keys())
        self._held[scope] = aside | held

    def _note(self, scope: Scope) -> None:
        self._moment += 1
        self._moments[scope] = self._moment

    def _forget(self, scope: tuple[str, int]) -> None:
        self._count -= len(self._held.pop(scope, ()))
        self._forget_aside(scope)

    def _forget_aside(self, scope: tuple[str, int]) -> None:
        if aside := self._aside.pop(scope, None):
            self._count -= len(aside.held)

    def _make_room(self) -> None:
        # Scopes are shards, even in size: the one filled longest ago goes whole, what may not be used before it.
        while self._count >= self._capacity:
            self._forget(next(iter(self._aside or self._held)))
