"""How often a world may call: a token bucket per credential, in memory."""

from collections import OrderedDict
from collections.abc import Callable

from kit.errors import ExhaustedError

_MOST_WORLDS = 100_000
_BURST_S = 2.0


class RateLimiter:
    """Buckets that fill at `rps` and hold two seconds' worth."""

    def __init__(self, rps: int, monotonic: Callable[[], float]) -> None:
        """Take requests a second and a clock in seconds."""
        self._rps = rps
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, kid: str) -> None:
        """Count one request; raises ExhaustedError when the bucket is empty."""
        now = self._monotonic()
        left, seen_at = self._buckets.pop(kid, (self._rps * _BURST_S, now))
        left = min(self._rps * _BURST_S, left + (now - seen_at) * self._rps)
        self._buckets[kid] = (max(0.0, left - 1), now)
        if len(self._buckets) > _MOST_WORLDS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise ExhaustedError("the world calls too often", retry_after_s=1)
