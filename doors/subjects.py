"""Raw ids become pseudonyms here, in memory, and go no further."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache

from kit.keyring import KeyRing
from kit.pseudonyms import Pseudonymiser, canonical, derive

_FAMILY = "edge"
_SHARDS = 64
_LOOK_EVERY_S = 1.0
# What is sent again within a day counts once; doors hear of a turn within a second.
_AGAIN_S = 86_400.0 + 60.0
# As many as the contract takes.
_MOST_FORMER = 8
#: Visitors of one audience whose pseudonym is remembered: those who are here now, and nobody for long.
_MOST_REMEMBERED = 8_192


#: An id under an older version of the edge key: the version, and 16 bytes.
FormerId = tuple[int, bytes]


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
    #: Version of the edge key; 0 for one that has none.
    version: int
    #: The edge key itself, for what else is derived from it.
    secret: bytes
    #: The same under older versions that are still read, newest first; empty where the key was never turned.
    former: "tuple[SourceKeys, ...]"
    #: How many of them were turned so lately that what was sent under them may be sent again.
    lately: int
    #: Returns the name under which doors tell each other of an eid.
    met: Callable[[str | bytes], bytes]

    def __init__(
        self,
        secret: bytes,
        audience: str,
        version: int = 0,
        former: "tuple[SourceKeys, ...]" = (),
        lately: int = 0,
    ) -> None:
        self.version = version
        self.secret = secret
        self.former = former
        self.lately = lately
        edge = Pseudonymiser(derive(secret, f"maskenball/edge/v1|{audience}"))
        self.message = Pseudonymiser(derive(secret, f"maskenball/mid/v1|{audience}"))
        self.event = Pseudonymiser(derive(secret, f"maskenball/event/v1|{audience}"))
        self.receipt = Pseudonymiser(derive(secret, f"maskenball/receipt/v1|{audience}"))
        self.met = Pseudonymiser(derive(secret, f"maskenball/met/v1|{audience}"))
        self._group = Pseudonymiser(derive(secret, f"maskenball/group/v1|{audience}"))
        self.user = lru_cache(_MOST_REMEMBERED)(lambda raw: edge("u:" + canonical(raw)))
        self.anonymous = lru_cache(_MOST_REMEMBERED)(lambda raw: edge("a:" + canonical(raw)))

    def former_users(self, raw: str) -> tuple[FormerId, ...]:
        """Return what a user id is under older versions."""
        return tuple((keys.version, keys.user(raw)) for keys in self.former)

    def former_anonymous(self, raw: str) -> tuple[FormerId, ...]:
        """Return what an anonymous id is under older versions."""
        return tuple((keys.version, keys.anonymous(raw)) for keys in self.former)

    def former_messages(self, raw: str) -> tuple[bytes, ...]:
        """Return what a message id is under the versions that were turned lately."""
        return tuple(keys.message(raw) for keys in self.former[: self.lately])

    def group(self, raw: str) -> bytes:
        """Return the keyed hash of a group id."""
        return self._group(canonical(raw))


class EdgeKeys:
    """Keys of all audiences; follows the key ring within a second when it turns to a new version."""

    def __init__(
        self,
        keyring: KeyRing,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keyring = keyring
        self._monotonic = monotonic
        self._clock = clock
        self._held: dict[str, tuple[float, tuple[list[str], int], SourceKeys]] = {}

    def of(self, audience: str) -> SourceKeys:
        """Return the keys of `audience`; raises KeyMissingError when the ring has no edge key."""
        now = self._monotonic()
        held = self._held.get(audience)
        if held is not None and now < held[0]:
            return held[2]
        versions = self._keyring.versions(_FAMILY)
        seen = versions, self._lately(versions)
        keys = held[2] if held is not None and held[1] == seen else self._made(*seen, audience)
        self._held[audience] = (now + _LOOK_EVERY_S, seen, keys)
        return keys

    def every(self, audience: str) -> Iterator[SourceKeys]:
        """Return the keys of `audience` under every version of the edge key there is, the present one first."""
        present = self.of(audience)
        yield present
        yield from present.former

    def _lately(self, versions: list[str]) -> int:
        """Return how many turns are so young that what was sent before them may come again."""
        since = self._clock() - _AGAIN_S
        return sum(self._keyring.created_at(_FAMILY, each) > since for each in versions[1:])

    def _made(self, versions: list[str], lately: int, audience: str) -> SourceKeys:
        present = self._keyring.current(_FAMILY)
        # Beyond so many the oldest are turned to no more than retired ones are.
        older = [each for each in reversed(versions) if each != present.version][:_MOST_FORMER]
        former = tuple(SourceKeys(self._keyring.get(_FAMILY, each), audience, int(each)) for each in older)
        return SourceKeys(present.secret, audience, int(present.version), former, lately)


def partition_of(pseudonym: bytes, partitions: int) -> int:
    """Return the stream partition that owns the shard of a pseudonym."""
    return pseudonym[0] % _SHARDS % partitions
