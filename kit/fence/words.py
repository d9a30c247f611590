"""What authority and readers say to each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

#: Nanoseconds that go on while the machine sleeps and that nobody sets.
Clock = Callable[[], int]
#: Stands for every key of a scope in a change that concerns them all, as when a rule changes by which all are judged.
EVERY = b""


class Scope(NamedTuple):
    """What has a sequence of its own: the changes of one scope are numbered in the order of their commits."""

    brand: str
    shard: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction moved: the scope's sequence from `after` to `sequence`, and the keys it concerns."""

    scope: Scope
    after: int
    sequence: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """Leave to read from the cache for a term, counted from before it was asked for, once all heads are applied.

    Under another epoch than before, nothing that is held counts: what decides may have changed with the process.
    """

    term_ns: int
    heads: tuple[tuple[Scope, int], ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A reader's word that it uses nothing older than these heads."""

    heads: tuple[tuple[Scope, int], ...]


class Renewal:
    """A reader asks for a lease, or for a longer one."""


class Release:
    """A reader gives its lease back."""


#: What a reader says, and what the authority says.
Asked = Applied | Renewal | Release
Said = Lease | tuple[Change, ...]


#: The clock of leases: CLOCK_BOOTTIME, which a suspended machine and a changed wall clock do not stop or move. Not a
#: function of ours: every read looks at it.
boottime_ns: Clock = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
