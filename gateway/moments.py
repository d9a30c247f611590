"""Event times: read from what clients write, corrected by their clock's skew, kept within reason."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
EARLIEST_MS = 631_152_000_000  # 1990-01-01: replayed archives are older than any SDK
_AHEAD_MS = 5 * 60 * 1000
# Below this the difference is the way here and not the client's clock.
_LEAST_SKEW_MS = 2_000
# Numbers below are seconds, above milliseconds since 1970.
_MILLISECONDS_FROM = 100_000_000_000
# As most write it: 2026-11-27T17:33:42.123Z.
_USUAL_LENGTH = 24
_MINUTE_MS = 60_000


def moment_ms(written: object) -> int | None:
    """Return milliseconds since 1970 UTC of an ISO 8601 text or a number; None when it is neither."""
    try:
        if isinstance(written, str):
            usual = _usual_ms(written) if len(written) == _USUAL_LENGTH else None
            return _iso_ms(written) if usual is None else usual
        if isinstance(written, int | float) and not isinstance(written, bool):
            return round(written if abs(written) >= _MILLISECONDS_FROM else written * 1000)
    except (ValueError, OverflowError):
        pass
    return None


def _usual_ms(written: str) -> int | None:
    # The minute is known from the event before: half of what it takes to read all of it.
    digits = written[17:19] + written[20:23]
    # Without its first colon the minute could be an hour with an offset.
    if written[13] + written[16] + written[19] + written[23] != "::.Z" or not (digits.isascii() and digits.isdigit()):
        return None
    within_ms = int(digits)
    try:
        return _minute_ms(written[:16]) + within_ms if within_ms < _MINUTE_MS else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _minute_ms(written: str) -> int:
    return _iso_ms(written)


def _iso_ms(written: str) -> int:
    read = datetime.fromisoformat(written)
    return ((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH) // _MS


def skew_ms(received_ms: int, sent_at: object) -> int:
    """Return what to add to a client's times: how far its clock was behind ours when it sent the request."""
    sent = moment_ms(sent_at) if sent_at else None
    if sent is None or abs(received_ms - sent) < _LEAST_SKEW_MS:
        return 0
    return received_ms - sent


def clamped(at_ms: int, received_ms: int) -> int:
    """Return the time of an event, neither from the future nor from before 1990."""
    if at_ms > received_ms + _AHEAD_MS:
        return received_ms
    return max(at_ms, EARLIEST_MS)
