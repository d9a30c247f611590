"""One-time codes: 60 random bits that people can read to each other, and the keyed hash that is kept of them."""

from collections.abc import Callable

from kit.keyring import KeyRing
from kit.pseudonyms import derive, pseudonym

FAMILY = "code"
CHARACTERS = 12
_LABEL = "maskenball/code/v1|"
# Crockford's base32: without I, L, O and U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110", " -")
_BITS = 5


def new_code(token: Callable[[int], bytes]) -> str:
    """Return a code; `token` gives random bytes."""
    number = int.from_bytes(token(8))
    return "".join(_ALPHABET[number >> _BITS * place & 31] for place in range(CHARACTERS))


def read_code(typed: str) -> str:
    """Return the code that somebody typed; "" for what is none."""
    code = typed.upper().translate(_MISREAD)
    return code if len(code) == CHARACTERS and set(code) <= set(_ALPHABET) else ""


def mark_of(keyring: KeyRing, brand: str, code: str) -> bytes:
    """Return what is kept of a code."""
    key = keyring.current(FAMILY) if keyring.versions(FAMILY) else keyring.ensure(FAMILY)
    return pseudonym(derive(key.secret, _LABEL + brand), code)
