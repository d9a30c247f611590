"""Raw ids become pseudonyms here, in memory, and go no further."""

from kit.keyring import KeyRing
from kit.pseudonyms import Pseudonymiser, canonical, derive

_FAMILY = "edge"
_SHARDS = 64


class SourceKeys:
    """Keys of one audience under one version of the edge key."""

    def __init__(self, secret: bytes, audience: str) -> None:
        self._edge = Pseudonymiser(derive(secret, f"maskenball/edge/v1|{audience}"))
        self.message = Pseudonymiser(derive(secret, f"maskenball/mid/v1|{audience}"))
        self._group = Pseudonymiser(derive(secret, f"maskenball/group/v1|{audience}"))

    def user(self, raw: str) -> bytes:
        """Return the eid of a user id; a world's visitor handle is the user id of that world's audience."""
        return self._edge("u:" + canonical(raw))

    def anonymous(self, raw: str) -> bytes:
        """Return the eid of an anonymous id."""
        return self._edge("a:" + canonical(raw))

    def group(self, raw: str) -> bytes:
        """Return the keyed hash of a group id."""
        return self._group(canonical(raw))


class EdgeKeys:
    """Keys of all audiences; follows the key ring when it turns to a new version."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._held: dict[str, tuple[str, SourceKeys]] = {}

    def of(self, audience: str) -> SourceKeys:
        """Return the keys of `audience`; raises KeyMissingError when the ring has no edge key."""
        version, secret = self._keyring.current(_FAMILY)
        held = self._held.get(audience)
        if held is None or held[0] != version:
            held = self._held[audience] = (version, SourceKeys(secret, audience))
        return held[1]


def partition_of(pseudonym: bytes, partitions: int) -> int:
    """Return the stream partition that owns the shard of a pseudonym."""
    return pseudonym[0] % _SHARDS % partitions
