"""What writers and readers share: what was acknowledged about each key, and what each reader has seen, in one file.

A key's word changes before a statement is sent and again once it is acknowledged. A read that finds the same settled
word before and after it has run between two statements: only the last one may be what it says.
"""

import mmap
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple, Self

from kit.fence import Scope

SHARDS = 16
BRAND = "oak"
_SLOTS = 512
#: The two lowest bits of a word; above them counts the statement.
SETTLED, ALLOWED = 2, 1
_BITS = 2


class Count(IntEnum):
    """What a reader counts. `CHECKED` and `ALLOWED` are of reads within a second behind an acknowledgement."""

    CHECKED = 0
    ALLOWED = 1
    STALE = 2
    JUDGED = 3
    CACHED = 4
    ASKED = 5
    UNANSWERED = 6
    SPARE = 7


class Place(NamedTuple):
    """A key and where it lives."""

    scope: Scope
    key: bytes


def places(keys: int) -> list[Place]:
    """Return as many keys as are asked for, spread over shards."""
    return [Place(Scope(BRAND, number % SHARDS), number.to_bytes(16, "big")) for number in range(keys)]


class Table:
    """Words of eight bytes at places of eight: each is read and written in one access, so none is seen half written.

    What one process writes before a system call, another sees behind the one that this brought about.
    """

    def __init__(self, path: Path, keys: int) -> None:
        with path.open("r+b") as file:
            self._memory = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
        self.words = self._memory[:keys]
        #: When a statement was acknowledged last, nanoseconds of CLOCK_BOOTTIME.
        self.acknowledged_at = self._memory[keys : 2 * keys]
        self._counts = self._memory[2 * keys :]

    @classmethod
    def create(cls, path: Path, keys: int) -> Self:
        """Make the file; nothing is settled yet."""
        path.write_bytes(bytes(8 * (2 * keys + _SLOTS * len(Count))))
        return cls(path, keys)

    def counts(self, slot: int) -> memoryview:
        """Return the counts of one reader, which alone writes them."""
        return self._counts[slot * len(Count) : (slot + 1) * len(Count)]

    def total(self, slots: range) -> dict[Count, int]:
        """Return the sums over readers."""
        return {count: sum(self.counts(slot)[count] for slot in slots) for count in Count}

    def begin(self, place: int) -> None:
        """Say that a statement is about to be sent: until it is acknowledged anything may be read."""
        self.words[place] = ((self.words[place] >> _BITS) + 1) << _BITS

    def settle(self, place: int, now_ns: int, *, is_allowed: bool) -> None:
        """Say that it is acknowledged."""
        self.acknowledged_at[place] = now_ns
        self.words[place] |= SETTLED | (ALLOWED if is_allowed else 0)
