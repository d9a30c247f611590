"""What the folder knows of those it folded of late: how their facets stand, traits that are open, keys made ready."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.profile.sealed import ReadyKeys
from services.profile.tails import Standing
from services.profile.traits import Traits

# In memory traits take about seven times what they take encoded.
_MOST_BYTES = 16 << 20
_MOST_AGE_MS = 60_000
# A quarter of a kilobyte each; counting the tail of whoever is not among them takes a look into the database.
_MOST_STANDINGS = 200_000


class Open(NamedTuple):
    """Traits, and the size in bytes they had when they were sealed last."""

    traits: Traits
    size: int


class _Kept(NamedTuple):
    open: Open
    at_ms: int


class Hot:
    """The traits and standings folded last, as far as they have room; traits as long as they are young.

    They are true while their partitions are owned here without a break and no fold fails: whoever begins to own, and
    whose fold fails, clears. Nobody is found here who is not bound and asked for consent by the same fold.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, most_standings: int = _MOST_STANDINGS) -> None:
        self._most_bytes = most_bytes
        self._most_standings = most_standings
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._standings: OrderedDict[bytes, Standing] = OrderedDict()
        self._bytes = 0
        self.keys = ReadyKeys()

    def get(self, pid: bytes) -> Open | None:
        kept = self._kept.get(pid)
        return None if kept is None else kept.open

    def standing(self, pid: bytes) -> Standing | None:
        return self._standings.get(pid)

    def stand(self, standings: Mapping[bytes, Standing]) -> None:
        """Note how facets stand; those noted longest ago go."""
        for pid, standing in standings.items():
            self._standings[pid] = standing
            self._standings.move_to_end(pid)
        while len(self._standings) > self._most_standings:
            self._standings.popitem(last=False)

    def keep(self, folded: Mapping[bytes, Open], at_ms: int) -> None:
        """Keep traits by pid; those folded longest ago go."""
        for pid, opened in folded.items():
            before = self._kept.pop(pid, None)
            self._bytes += opened.size - (before.open.size if before else 0)
            self._kept[pid] = _Kept(opened, at_ms)
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if self._bytes <= self._most_bytes and oldest.at_ms > at_ms - _MOST_AGE_MS:
                return
            self._bytes -= self._kept.popitem(last=False)[1].open.size

    def drop(self, pids: Iterable[bytes]) -> None:
        """Close the traits of these."""
        for pid in pids:
            kept = self._kept.pop(pid, None)
            self._bytes -= kept.open.size if kept else 0

    def erase(self, pids: Iterable[bytes]) -> None:
        """Forget these altogether: nothing is bound to them any more."""
        gone = list(pids)
        self.drop(gone)
        self.keys.erase(gone)
        for pid in gone:
            self._standings.pop(pid, None)

    def clear(self) -> None:
        self._kept.clear()
        self._standings.clear()
        self.keys.clear()
        self._bytes = 0
