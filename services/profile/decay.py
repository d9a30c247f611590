"""Forward decay in exact integers: sums that age and still merge in any order to the same value."""

from typing import NamedTuple

import msgspec

DAY_MS = 86_400_000
FAST_MS = 14 * DAY_MS
SLOW_MS = 180 * DAY_MS
ONE = 1 << 16
#: Half-lives after which the landmark moves. What is two landmarks old has lost all but 2**-16 of its weight.
SPAN = 16
_FADED = 2.0**-SPAN


class Moment(NamedTuple):
    """What one instant contributes per unit of weight, under both half-lives."""

    fast_epoch: int
    fast_scale: float
    slow_epoch: int
    slow_scale: float


class DecayedSum(msgspec.Struct, array_like=True, gc=False):
    """Weights added up at the landmark of `epoch`, in 2**-16ths, and those of the epoch before it.

    Whatever is older than the newest two epochs is dropped: the newest epoch of a whole is never older than that of a
    part, so a part drops only what the whole drops too, and merging stays associative.
    """

    epoch: int = 0
    current: int = 0
    previous: int = 0

    def add(self, epoch: int, amount: int) -> None:
        age = self.epoch - epoch
        if age == 0:
            self.current += amount
        elif age == 1:
            self.previous += amount
        elif age < 0:
            self.previous = self.current if age == -1 else 0
            self.current = amount
            self.epoch = epoch

    def absorb(self, other: "DecayedSum") -> None:
        # Newest first, so that an older landmark of the other never becomes ours for a moment.
        self.add(other.epoch, other.current)
        if other.epoch > 0:
            self.add(other.epoch - 1, other.previous)

    def value(self, half_life_ms: int, at_ms: int) -> float:
        """Return the sum in units of weight as it stands at `at_ms`."""
        age = (at_ms - self.epoch * SPAN * half_life_ms) / half_life_ms
        return float((self.current + self.previous * _FADED) * 2.0**-age / ONE)


class Strength(msgspec.Struct, array_like=True, gc=False):
    """One quantity under a fast and a slow half-life."""

    fast: DecayedSum = msgspec.field(default_factory=DecayedSum)
    slow: DecayedSum = msgspec.field(default_factory=DecayedSum)

    def add(self, when: Moment, weight: float) -> None:
        # Nearly always at the present landmark: two calls less for every topic of every event.
        fast, slow = self.fast, self.slow
        if fast.epoch == when.fast_epoch:
            fast.current += round(weight * when.fast_scale)
        else:
            fast.add(when.fast_epoch, round(weight * when.fast_scale))
        if slow.epoch == when.slow_epoch:
            slow.current += round(weight * when.slow_scale)
        else:
            slow.add(when.slow_epoch, round(weight * when.slow_scale))

    def absorb(self, other: "Strength") -> None:
        self.fast.absorb(other.fast)
        self.slow.absorb(other.slow)

    def at(self, at_ms: int) -> float:
        """Return the mean of both at `at_ms`: what is new counts at once, what is old is not forgotten at once."""
        return (self.fast.value(FAST_MS, at_ms) + self.slow.value(SLOW_MS, at_ms)) / 2


def moment(at_ms: int) -> Moment:
    fast_epoch, fast_rest = divmod(at_ms, SPAN * FAST_MS)
    slow_epoch, slow_rest = divmod(at_ms, SPAN * SLOW_MS)
    return Moment(fast_epoch, ONE * 2.0 ** (fast_rest / FAST_MS), slow_epoch, ONE * 2.0 ** (slow_rest / SLOW_MS))
