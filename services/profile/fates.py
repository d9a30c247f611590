"""What became of each event of a batch, a byte each, kept beside the batch for receipts.

Places are those of the payload: interactions first, then what a door refused. What stands beyond the end of the bytes
became what the last byte says, so that a batch of one fate takes one byte.
"""

from collections.abc import Sequence
from typing import NamedTuple

STORED = 1
DUPLICATE = 2
SUPPRESSED = 3
#: From here on a byte means quarantined, and numbers the reason.
_FIRST_REASON = 16
_MOST_REASONS = 256 - _FIRST_REASON
_NAMES = {STORED: "stored", DUPLICATE: "duplicate", SUPPRESSED: "suppressed"}
_REASONS = {DUPLICATE: "seen_before", SUPPRESSED: "no_consent"}
#: Neither reasons nor the paths of fields hold these.
_BETWEEN, _WITHIN = "\n", "\t"


class Fate(NamedTuple):
    """What became of one event, and why."""

    fate: str
    reason: str = ""
    field: str = ""


PENDING = Fate("pending")
QUARANTINED = "quarantined"


class Sheet:
    """The fates of one batch while it is folded: stored, unless something else is entered."""

    def __init__(self, events: int) -> None:
        #: A byte for each event.
        self.codes = bytearray([STORED]) * events
        self._reasons: dict[tuple[str, str], int] = {}

    def quarantine(self, place: int, reason: str, field: str = "") -> None:
        """Enter that the event at this place was set aside."""
        code = self._reasons.get((reason, field))
        if code is None:
            # Doors have a few dozen; were there ever more, the reason told would be the last one that had room.
            code = min(_FIRST_REASON + len(self._reasons), _FIRST_REASON + _MOST_REASONS - 1)
            self._reasons[reason, field] = code
        self.codes[place] = code

    def packed(self) -> bytes:
        """Return the bytes to keep."""
        last = bytes(self.codes[-1:])
        return bytes(self.codes.rstrip(last)) + (last or bytes([STORED]))

    def reasons(self) -> str:
        """Return the reasons to keep, in the order of their numbers."""
        return _BETWEEN.join(f"{reason}{_WITHIN}{field}" for reason, field in list(self._reasons)[:_MOST_REASONS])


class Kept(NamedTuple):
    """The fates of one batch as they were kept."""

    codes: bytes
    reasons: str

    def of(self, first: int, count: int) -> list[Fate]:
        """Return the fates of so many events from `first` on."""
        codes = self.codes[first : first + count]
        codes += self.codes[-1:] * (count - len(codes))
        told = _told(self.reasons.split(_BETWEEN))
        return [told[code] for code in codes]


def _told(reasons: Sequence[str]) -> dict[int, Fate]:
    told = {code: Fate(name, _REASONS.get(code, "")) for code, name in _NAMES.items()}
    for code, line in enumerate(reasons, _FIRST_REASON):
        reason, _, field = line.partition(_WITHIN)
        told[code] = Fate(QUARANTINED, reason, field)
    return told
