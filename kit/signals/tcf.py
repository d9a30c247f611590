"""IAB Transparency and Consent Framework, version 2: which of its purposes a person allowed."""

from dataclasses import dataclass

import iab_tcf

from kit.signals.bits import Bits
from kit.signals.refusals import SignalMalformedError

_VERSION = 2
#: Bits of the core segment before the lists of vendors, which the decoder would read past the end of a shorter string.
_CORE_BITS = 213
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
    if len(core) < _CORE_BITS:
        raise SignalMalformedError("the string ends too early")
    try:
        read = iab_tcf.decode(text)
        consented = frozenset(number for number, allowed in read.purposes_consent.items() if allowed)
        vendors = _vendor_ranges(read)
    except (ValueError, IndexError, KeyError, AssertionError, TypeError) as error:
        raise SignalMalformedError("not a TC string") from error
    known = frozenset(range(1, _PURPOSES + 1))
    return Tcf(consented & known, known - consented, vendors)


def _vendor_ranges(read: iab_tcf.ConsentV2) -> tuple[tuple[int, int], ...]:
    # Never listed one by one: a short string may name the same sixty thousand four thousand times.
    if read.is_consent_range_encoding:
        return tuple((first, last) for first, last in read.consented_vendors_range)
    return tuple((number, number) for number, is_allowed in read.consented_vendors.items() if is_allowed)
