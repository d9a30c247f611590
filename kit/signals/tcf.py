"""IAB Transparency and Consent Framework, version 2: which of its purposes a person allowed.

Source: IAB Tech Lab, "Consent string and vendor list formats v2", the core segment.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kit.signals.bits import Bits
from kit.signals.refusals import SignalMalformedError

_VERSION = 2
# Times, consent management platform, language, vendor list, policy, special features.
_BEFORE_PURPOSES = 146
_PURPOSE_BITS = 24
# Legitimate interests of the same purposes, treatment of the first, the publisher's country.
_BEFORE_VENDORS = 37
#: Purposes of policy version 5; later ones have no meaning here yet.
_PURPOSES = 11


@dataclass(frozen=True, slots=True)
class Tcf:
    """What a TC string says of purposes, and of vendors if asked."""

    consented: frozenset[int]
    refused: frozenset[int]
    #: First and last of each; they overlap where the string says so.
    vendor_ranges: tuple[tuple[int, int], ...]

    def allows_vendor(self, number: int) -> bool:
        """Tell whether a vendor of the IAB's list may do what the purposes allow."""
        return any(first <= number <= last for first, last in self.vendor_ranges)


def decode_tcf(text: str) -> Tcf:
    """Return what a TC string says; raises SignalMalformedError."""
    core = Bits(text.partition(".")[0])
    if core.number(6) != _VERSION:
        raise SignalMalformedError("not of version 2", limit="2")
    core.skip(_BEFORE_PURPOSES)
    known = frozenset(range(1, _PURPOSES + 1))
    consented = known.intersection(_numbers(core, _PURPOSE_BITS))
    core.skip(_BEFORE_VENDORS)
    return Tcf(consented, known - consented, tuple(_vendors(core)))


def _vendors(core: Bits) -> Iterator[tuple[int, int]]:
    most = core.number(16)
    is_listed_by_range = core.number(1)
    if not is_listed_by_range:
        yield from ((number, number) for number in _numbers(core, most))
        return
    # Never listed one by one: a short string may name the same sixty thousand four thousand times.
    for _ in range(core.number(12)):
        is_range = core.number(1)
        first = core.number(16)
        yield (first, core.number(16) if is_range else first)


def _numbers(core: Bits, count: int) -> list[int]:
    """Return the places of the ones among the next bits, counted from 1."""
    bits = f"{core.number(count):0{count}b}" if count else ""
    return [place for place, bit in enumerate(bits, 1) if bit == "1"]
