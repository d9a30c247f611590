"""Traits that were folded a moment ago, kept open in memory: a facet that comes again is not read and decoded again."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from services.profile.traits import Traits

# In memory traits take about seven times what they take encoded.
_MOST_BYTES = 16 << 20
_MOST_AGE_MS = 60_000


class _Kept(NamedTuple):
    traits: Traits
    size: int
    at_ms: int


class Hot:
    """The traits folded last, as far as they have room and are young.

    They are true while their partitions are owned here without a break and no fold fails: whoever begins to own, and
    whose fold fails, clears. Nobody is found here who is not bound and asked for consent by the same fold.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, pid: bytes) -> Traits | None:
        kept = self._kept.get(pid)
        return None if kept is None else kept.traits

    def keep(self, folded: Mapping[bytes, tuple[Traits, int]], at_ms: int) -> None:
        """Keep traits by pid with their size in bytes, encoded; those folded longest ago go."""
        for pid, (traits, size) in folded.items():
            before = self._kept.pop(pid, None)
            self._bytes += size - (before.size if before else 0)
            self._kept[pid] = _Kept(traits, size, at_ms)
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if self._bytes <= self._most_bytes and oldest.at_ms > at_ms - _MOST_AGE_MS:
                return
            self._bytes -= self._kept.popitem(last=False)[1].size

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0
