"""The one place where a persona gets its name for an audience."""

from kit.keyring import KeyRing
from kit.pseudonyms import derive, pseudonym

FAMILY = "pair"
_LABEL = "maskenball/pair/v1|"
_DRAW_LABEL = "maskenball/draw/v1|"


def render(keyring: KeyRing, audience: str, pid: bytes, generation: int) -> str:
    """Return "<key version>.<32 hex>": the pairwise pseudonym of `pid` for `audience`, in its present face."""
    key = keyring.current(FAMILY)
    name = pseudonym(derive(key.secret, _LABEL + audience), pid + generation.to_bytes(4, "big"))
    return f"{key.version}.{name.hex()}"


def draw_key(keyring: KeyRing, audience: str, pid: bytes, generation: int) -> bytes:
    """Return 16 bytes that draw the same offers for `pid` in one audience, and others elsewhere; never sent to any."""
    key = keyring.current(FAMILY)
    return pseudonym(derive(key.secret, _DRAW_LABEL + audience), pid + generation.to_bytes(4, "big"))
