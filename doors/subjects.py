"""Raw ids become pseudonyms here, in memory, and go no further."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache

from kit.keyring import KeyRing
from kit.pseudonyms import Pseudonymiser, canonical, derive

_FAMILY = "edge"
_SHARDS = 64
_LOOK_EVERY_S = 1.0
#: Visitors of one audience whose pseudonym is remembered: those who are here now, and nobody for long.
_MOST_REMEMBERED = 8_192


class SourceKeys:
    """Keys of one audience under one version of the edge key.

    Ids seen of late are remembered with their pseudonyms, in this process's memory alone and no more than 8,192 of a
    sort, so that a visitor costs one HMAC a session and not one an event.
    """

    #: Returns the keyed hash of a message id.
    message: Callable[[str | bytes], bytes]
    #: Returns the eid of a user id; a world's visitor handle is the user id of that world's audience.
    user: Callable[[str], bytes]
    #: Returns the eid of an anonymous id.
    anonymous: Callable[[str], bytes]
    #: Returns the keyed hash of an event's name.
    event: Callable[[str | bytes], bytes]
    #: Returns the keyed hash that makes a receipt one of this audience's.
    receipt: Callable[[str | bytes], bytes]
    #: Returns the name under which doors tell each other of an eid.
    met: Callable[[str | bytes], bytes]

    def __init__(self, secret: bytes, audience: str) -> None:
        edge = Pseudonymiser(derive(secret, f"maskenball/edge/v1|{audience}"))
        self.message = Pseudonymiser(derive(secret, f"maskenball/mid/v1|{audience}"))
        self.event = Pseudonymiser(derive(secret, f"maskenball/event/v1|{audience}"))
        self.receipt = Pseudonymiser(derive(secret, f"maskenball/receipt/v1|{audience}"))
        self.met = Pseudonymiser(derive(secret, f"maskenball/met/v1|{audience}"))
        self._group = Pseudonymiser(derive(secret, f"maskenball/group/v1|{audience}"))
        self.user = lru_cache(_MOST_REMEMBERED)(lambda raw: edge("u:" + canonical(raw)))
        self.anonymous = lru_cache(_MOST_REMEMBERED)(lambda raw: edge("a:" + canonical(raw)))

    def group(self, raw: str) -> bytes:
        """Return the keyed hash of a group id."""
        return self._group(canonical(raw))


class EdgeKeys:
    """Keys of all audiences; follows the key ring within a second when it turns to a new version."""

    def __init__(self, keyring: KeyRing, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._keyring = keyring
        self._monotonic = monotonic
        self._held: dict[str, tuple[float, str, SourceKeys]] = {}

    def of(self, audience: str) -> SourceKeys:
        """Return the keys of `audience`; raises KeyMissingError when the ring has no edge key."""
        now = self._monotonic()
        held = self._held.get(audience)
        if held is not None and now < held[0]:
            return held[2]
        version, secret = self._keyring.current(_FAMILY)
        keys = held[2] if held is not None and held[1] == version else SourceKeys(secret, audience)
        self._held[audience] = (now + _LOOK_EVERY_S, version, keys)
        return keys

    def every(self, audience: str) -> Iterator[SourceKeys]:
        """Return the keys of `audience` under every version of the edge key there is, the present one first."""
        present = self.of(audience)
        yield present
        for version in reversed(self._keyring.versions(_FAMILY)[:-1]):
            yield SourceKeys(self._keyring.get(_FAMILY, version), audience)


def partition_of(pseudonym: bytes, partitions: int) -> int:
    """Return the stream partition that owns the shard of a pseudonym."""
    return pseudonym[0] % _SHARDS % partitions
