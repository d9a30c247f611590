"""What is remembered to know when to speak: of a persona, and of everybody of a brand. Sums that decay, and sums."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

_DAY_MS = 86_400_000
#: A persona's sums of one kind are of so many things, the newest.
MOST_KEPT = 32


class Answer(StrEnum):
    """What became of an offer that was made; `ignored` only when it was visible."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DISMISSED = "dismissed"
    REMOVED = "removed"
    COMPLAINED = "complained"


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

    def at(self, name: str, at_ms: int, half_life_days: float) -> float:
        """Return what is left of a sum."""
        total, since_ms = self.sums.get(name, (0.0, at_ms))
        # An answer may come in late: what is newer than the question does not grow.
        return total * 2.0 ** (-max(0, at_ms - since_ms) / (half_life_days * _DAY_MS)) if total else 0.0

    def add(self, name: str, amount: float, at_ms: int, half_life_days: float) -> None:
        """Add to what is left."""
        if name not in self.sums and len(self.sums) >= MOST_KEPT:
            del self.sums[min(self.sums, key=lambda each: self.sums[each][1])]
        newest_ms = max(at_ms, self.sums.get(name, (0.0, at_ms))[1])
        self.sums[name] = (self.at(name, at_ms, half_life_days) + amount, newest_ms)


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
        """Return it as bytes, from which it is the same again."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def unpacked(cls, content: bytes) -> "Habits":
        """Return what was packed."""
        return msgspec.msgpack.decode(content, type=cls)


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

    def merged(self, other: "Customs") -> "Customs":
        """Return the sums of both."""
        names = self.sums.keys() | other.sums.keys()
        pairs = {name: (self.sums.get(name, (0.0, 0.0)), other.sums.get(name, (0.0, 0.0))) for name in sorted(names)}
        return Customs({name: (mine[0] + theirs[0], mine[1] + theirs[1]) for name, (mine, theirs) in pairs.items()})
