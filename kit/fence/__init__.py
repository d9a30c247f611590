"""A cache whose invalidations are acknowledged before the writer returns: what was withdrawn is not read again.

A writer commits, tells every reader that holds a lease, and waits until each has applied the change or its lease has
run out; a reader without a lease asks the truth. docs/decisions/0010 has the rules and why they hold.
The seat of the elected needs a database and stands apart, in `kit.fence.seat`.
"""

from kit.fence.authority import Authority, Holder
from kit.fence.cache import FencedCache
from kit.fence.familiar import Familiar, Known
from kit.fence.following import Wire, follow
from kit.fence.hosting import host
from kit.fence.marks import FileMarks, Kept, Marks, NoMarks
from kit.fence.names import Names
from kit.fence.streaming import Stream
from kit.fence.words import EVERY, Applied, Asked, Change, Clock, Lease, Release, Renewal, Said, Scope, boottime_ns

__all__ = [
    "EVERY",
    "Applied",
    "Asked",
    "Authority",
    "Change",
    "Clock",
    "Familiar",
    "FencedCache",
    "FileMarks",
    "Holder",
    "Kept",
    "Known",
    "Lease",
    "Marks",
    "Names",
    "NoMarks",
    "Release",
    "Renewal",
    "Said",
    "Scope",
    "Stream",
    "Wire",
    "boottime_ns",
    "follow",
    "host",
]
