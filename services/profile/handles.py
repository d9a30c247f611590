"""The one place where a persona gets its name for an audience."""

from dataclasses import dataclass
from itertools import pairwise

from kit import rotation
from kit.keyring import Key, KeyRing
from kit.pseudonyms import derive, pseudonym

FAMILY = "pair"
_LABEL = "maskenball/pair/v1|"
_DRAW_LABEL = "maskenball/draw/v1|"
_CURSOR_LABEL = "maskenball/cursor/v1|"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A key whose names were replaced: since when, and until when they answer; milliseconds since 1970 UTC."""

    key: Key
    effective_at_ms: int
    until_ms: int


def render(keyring: KeyRing, audience: str, pid: bytes, generation: int, key: Key | None = None) -> str:
    """Return "<key version>.<32 hex>": the pairwise pseudonym of `pid` for `audience`, in its present face.

    Under the active key, or under `key`: names that were given before.
    """
    key = key or rotation.active(keyring, FAMILY, audience)
    name = pseudonym(derive(key.secret, _LABEL + audience), pid + generation.to_bytes(4, "big"))
    return f"{key.version}.{name.hex()}"


def replaced(keyring: KeyRing, audience: str, grace_ms: int, now_ms: int) -> list[Replaced]:
    """Return the keys whose names were replaced and still answer, oldest first."""
    versions = rotation.usable(keyring, FAMILY, audience)
    found = []
    for version, successor in pairwise(versions):
        effective_at_ms = int(rotation.created_at(keyring, FAMILY, audience, successor) * 1000)
        if now_ms < effective_at_ms + grace_ms:
            key = Key(version, rotation.secret(keyring, FAMILY, audience, version))
            found.append(Replaced(key, effective_at_ms, effective_at_ms + grace_ms))
    return found


def draw_key(keyring: KeyRing, audience: str, pid: bytes, generation: int) -> bytes:
    """Return 16 bytes that draw the same offers for `pid` in one audience, and others elsewhere; never sent to any."""
    key = rotation.active(keyring, FAMILY, audience)
    return pseudonym(derive(key.secret, _DRAW_LABEL + audience), pid + generation.to_bytes(4, "big"))


def cursor_key(keyring: KeyRing, audience: str) -> bytes:
    """Return the key that seals places in a list of personas for an audience, to which they would tell ids."""
    return derive(rotation.active(keyring, FAMILY, audience).secret, _CURSOR_LABEL + audience)
