"""Event times: read from what clients write, corrected by their clock's skew, kept within reason."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
EARLIEST_MS = 631_152_000_000  # 1990-01-01: replayed archives are older than any SDK
_AHEAD_MS = 5 * 60 * 1000
# Below this the difference is the way here and not the client's clock.
_LEAST_SKEW_MS = 2_000
# Numbers below are seconds, above milliseconds since 1970.
_MILLISECONDS_FROM = 100_000_000_000


def moment_ms(written: object) -> int | None:
    """Return milliseconds since 1970 UTC of an ISO 8601 text or a number; None when it is neither."""
    try:
        if type(written) is str:
            return _iso_ms(written)
        if isinstance(written, int | float) and not isinstance(written, bool):
            return round(written if abs(written) >= _MILLISECONDS_FROM else written * 1000)
    except (ValueError, OverflowError):
        pass
    return None


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
