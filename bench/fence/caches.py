"""The controls: caches without a fence, each as good as its kind can be."""

from collections.abc import Iterable, Mapping
from typing import Any

from kit.fence import Change, Clock, FencedCache, Scope

_TTL_NS = 1_000_000_000
_FOR_EVER_NS = 1 << 62


class WatchingCache(FencedCache[Any, Any]):
    """Hears of changes and is not waited for: it has no lease, and answers as long as it is connected or thinks so."""

    def connected(self) -> None:
        """Begin with nothing: what changed before was not heard."""
        self._held.clear()
        self._count = 0
        self._until_ns = _FOR_EVER_NS


class AgingCache:
    """Forgets a second after it was told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[tuple[Scope, bytes], tuple[int, Mapping[Any, Any]]] = {}

    def get(self, scope: Scope, key: bytes) -> Mapping[Any, Any] | None:
        """Return what is young enough."""
        at_ns, held = self._held.get((scope, key), (0, None))
        return held if self._clock() - at_ns < _TTL_NS else None

    def put(self, scope: Scope, key: bytes, _sequence: int, found: Mapping[Any, Any]) -> bool:
        """Keep it for a second."""
        self._held[scope, key] = self._clock(), found
        return True


def told(cache: WatchingCache, said: object) -> None:
    """Apply what an authority says, if it is a change."""
    if isinstance(said, Iterable):
        cache.apply(each for each in said if isinstance(each, Change))
