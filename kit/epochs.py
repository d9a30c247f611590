"""Short-lived keys for what passes through a stream: sealed under the present one, destroyed once all have read it."""

import time
from collections.abc import Callable
from contextlib import suppress

from kit.keyring import Key, KeyMissingError, KeyRing

FAMILY = "epoch"
#: A sealer may hold the present key this many seconds, then it takes a new one.
MAX_AGE_S = 30.0


class EpochKeys:
    """Present and past epoch keys of one key ring. Every sealing process makes keys of its own."""

    def __init__(
        self, keyring: KeyRing, max_age_s: float = MAX_AGE_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._keyring = keyring
        self._max_age_s = max_age_s
        self._monotonic = monotonic
        self._key: Key | None = None
        self._taken_at = 0.0

    def current(self) -> tuple[str, bytes]:
        """Return (key id, 32-byte key) to seal with; makes a new one when the last is older than `max_age_s`."""
        now = self._monotonic()
        if self._key is None or now - self._taken_at >= self._max_age_s:
            self._key = self._keyring.create(FAMILY)
            self._taken_at = now
        return self._key

    def opener(self, key_id: str) -> bytes:
        """Return the key that opens what was sealed under `key_id`; raises KeyMissingError once it is destroyed."""
        return self._keyring.get(FAMILY, key_id)

    def retired(self, now_s: float) -> list[str]:
        """Return ids no sealer uses any more at `now_s` (seconds since 1970), oldest first."""
        return [
            version
            for version in self._keyring.versions(FAMILY)
            # Twice the age: the sealer's clock starts after the file's, and a sealed batch may still be in flight.
            if now_s - self._keyring.created_at(FAMILY, version) > 2 * self._max_age_s
        ]

    def are_gone_before(self, at_s: float) -> bool:
        """Tell whether every key made before `at_s` (seconds since 1970) is destroyed."""
        for version in self._keyring.versions(FAMILY):
            with suppress(KeyMissingError):
                if self._keyring.created_at(FAMILY, version) < at_s:
                    return False
        return True

    def destroy(self, key_id: str) -> None:
        """Destroy one key; nothing sealed under it can be read again."""
        self._keyring.destroy(FAMILY, key_id)
