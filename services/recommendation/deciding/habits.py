"""What is remembered to know when to speak: of a persona, and of everybody of a brand. Sums that decay, and sums."""

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

_DAY_MS = 86_400_000
#: A persona's sums of one kind are of so many things, the newest.
MOST_KEPT = 32
#: What is kept of one persona: beyond that, what is oldest is left out.
MOST_BYTES = 1_700
#: Names, sums, and seconds since 1970, of single precision and 32 bits.
_Packed = tuple[list[str], bytes, bytes]


class Occasion(NamedTuple):
    """One moment in which something could be said: milliseconds since 1970, the persona's hour of the day."""

    at_ms: int
    hour: int
    channel: str
    activity: str
    topic: str


class Fading(msgspec.Struct):
    """Sums by name that halve in so many days, each as of the moment it grew last; bounded."""

    sums: dict[str, tuple[float, int]] = msgspec.field(default_factory=dict)
    #: What is remembered of those who are linked, and counts as well.
    beside: tuple["Fading", ...] = ()

    def at(self, name: str, at_ms: int, half_life_days: float) -> float:
        """Return what is left of a sum."""
        left = self._own(name, at_ms, half_life_days)
        return left + sum(each.at(name, at_ms, half_life_days) for each in self.beside) if self.beside else left

    def names(self) -> list[str]:
        """Return of what there are sums."""
        return list(dict.fromkeys(name for each in (self, *self.beside) for name in each.sums))

    def add(self, name: str, amount: float, at_ms: int, half_life_days: float) -> None:
        """Add to what is left."""
        if name not in self.sums and len(self.sums) >= MOST_KEPT:
            del self.sums[self.stalest()]
        newest_ms = max(at_ms, self.sums.get(name, (0.0, at_ms))[1])
        self.sums[name] = (self._own(name, at_ms, half_life_days) + amount, newest_ms)

    def stalest(self) -> str:
        """Return what has not grown for longest."""
        return min(self.sums, key=lambda each: self.sums[each][1])

    def packed(self) -> _Packed:
        """Return it in short."""
        totals = array("f", [total for total, _ in self.sums.values()])
        seconds = array("I", [since_ms // 1000 for _, since_ms in self.sums.values()])
        return list(self.sums), totals.tobytes(), seconds.tobytes()

    @classmethod
    def unpacked(cls, packed: _Packed) -> "Fading":
        """Return what was packed."""
        names, totals, seconds = packed[0], array("f", packed[1]), array("I", packed[2])
        return cls({name: (totals[place], 1000 * seconds[place]) for place, name in enumerate(names)})

    def _own(self, name: str, at_ms: int, half_life_days: float) -> float:
        total, since_ms = self.sums.get(name, (0.0, at_ms))
        # An answer may come in late: what is newer than the question does not grow.
        return total * 2.0 ** (-max(0, at_ms - since_ms) / (half_life_days * _DAY_MS)) if total else 0.0


class Habits(msgspec.Struct):
    """One persona: how often it turns up how, what fitted, what it bears. Goes with the persona."""

    presence: Fading = msgspec.field(default_factory=Fading)
    #: Log odds that an aspect fits, beyond what is the custom; and answers heard of it.
    evidence: Fading = msgspec.field(default_factory=Fading)
    heard: Fading = msgspec.field(default_factory=Fading)
    strain: Fading = msgspec.field(default_factory=Fading)
    refusals: Fading = msgspec.field(default_factory=Fading)
    is_silenced: bool = False

    def packed(self) -> bytes:
        """Return it as bytes that judge as it does, but for what had to be left out."""
        while len(content := msgspec.msgpack.encode([each.packed() for each in self.kinds()])) > MOST_BYTES:
            fullest = max(self.kinds(), key=lambda each: len(each.sums))
            del fullest.sums[fullest.stalest()]
        return content

    @classmethod
    def unpacked(cls, content: bytes) -> "Habits":
        """Return what was packed; whether somebody complained is remembered elsewhere."""
        return _of(map(Fading.unpacked, _packed.decode(content))) if content else cls()

    def shown(self) -> dict[str, dict[str, float]]:
        """Return it for people to read: by kind and name, to two digits, each as of when it grew last."""
        named = zip(self.__struct_fields__, self.kinds(), strict=False)
        return {kind: {name: round(total, 2) for name, (total, _) in each.sums.items()} for kind, each in named}

    def kinds(self) -> tuple[Fading, ...]:
        """Return its sums, one kind after the other."""
        return self.presence, self.evidence, self.heard, self.strain, self.refusals


def joined(habits: Iterable[Habits]) -> Habits:
    """Return what is remembered of all together, to judge by."""
    every = tuple(habits)
    if len(every) == 1:
        return every[0]
    kinds = zip(*(each.kinds() for each in every), strict=True)
    return _of(Fading(beside=each) for each in kinds)


def _of(kinds: Iterable[Fading]) -> Habits:
    presence, evidence, heard, strain, refusals = kinds
    return Habits(presence, evidence, heard, strain, refusals)


_GRID = 1_024
_packed = msgspec.msgpack.Decoder(list[_Packed])


class Customs(msgspec.Struct):
    """Everybody of a brand: by what is asked, how much spoke for yes and for no. Sums: those of two workers add up."""

    sums: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)

    def share(self, name: str, assumed: tuple[float, float]) -> float:
        """Return the share of yes, with what was assumed before anybody answered."""
        for_yes, for_no = self.sums.get(name, (0.0, 0.0))
        return (for_yes + assumed[0]) / (for_yes + for_no + sum(assumed))

    def add(self, name: str, for_yes: float) -> None:
        """Add one answer, which may be a yes in part."""
        yes, no = self.sums.get(name, (0.0, 0.0))
        self.sums[name] = (yes + for_yes, no + 1.0 - for_yes)

    def counted(self) -> dict[str, tuple[int, int]]:
        """Return it in whole numbers: as such it is added, and taken back without residue."""
        return {name: (round(yes * _GRID), round(no * _GRID)) for name, (yes, no) in self.sums.items()}

    @classmethod
    def uncounted(cls, counted: Mapping[str, tuple[int, int]]) -> "Customs":
        """Return what was counted."""
        return cls({name: (yes / _GRID, no / _GRID) for name, (yes, no) in counted.items()})

    def merged(self, other: "Customs") -> "Customs":
        """Return the sums of both."""
        names = self.sums.keys() | other.sums.keys()
        pairs = {name: (self.sums.get(name, (0.0, 0.0)), other.sums.get(name, (0.0, 0.0))) for name in sorted(names)}
        return Customs({name: (mine[0] + theirs[0], mine[1] + theirs[1]) for name, (mine, theirs) in pairs.items()})
