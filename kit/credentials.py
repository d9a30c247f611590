"""Keys that worlds, apps and staff authenticate with, kept as keyed hashes in one file."""

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from kit.durable import replace_durably
from kit.errors import UnauthenticatedError
from kit.pseudonyms import Pseudonymiser

_PARTS = 3
_LOOK_EVERY_S = 0.5
_NO_HASH = "0" * 64


class Credential(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a key stands for, and what it may do."""

    #: Public part of the key, 8 characters.
    kid: str
    #: "source", "world" or "staff".
    kind: str
    brand: str
    #: Id of the source or world, name of the staff key.
    id: str
    #: HMAC-SHA256 of the secret under the pepper, 64 hexadecimal characters.
    hash: str
    scopes: tuple[str, ...] = ()
    #: Seconds since 1970 UTC; 0 for never.
    expires_at: float = 0.0


class _File(msgspec.Struct):
    credentials: list[Credential] = []


class Credentials:
    """The credentials file. A new key is known at once, a revoked one within half a second. No file, nobody."""

    def __init__(self, file: Path, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._hashed = Pseudonymiser(pepper).whole
        self._clock = clock
        self._stamp: tuple[int, int] | None = None
        self._by_kid: dict[str, Credential] = {}
        self._look_at = 0.0

    def authenticate(self, token: str, kind: str) -> Credential:
        """Return the credential of `token`; raises UnauthenticatedError, whatever was wrong with it."""
        self._look_again_in_time()
        parts = token.split("_")
        kid, secret = (parts[1], parts[2]) if len(parts) == _PARTS and parts[0] == "mb" else ("", token)
        if kid not in self._by_kid:
            self._read_if_changed()
        credential = self._by_kid.get(kid)
        # Hashed even for an unknown kid: the time taken must not tell which kids exist.
        is_right = hmac.compare_digest(self._hash(secret), credential.hash if credential else _NO_HASH)
        if credential is None or not is_right or credential.kind != kind:
            raise UnauthenticatedError("the key is not valid here")
        if credential.expires_at and credential.expires_at <= self._clock():
            raise UnauthenticatedError("the key is not valid here")
        return credential

    def mint(
        self,
        kind: str,
        brand: str,
        id: str,  # noqa: A002  # named as in the file
        *,
        scopes: Sequence[str] = (),
        expires_at: float = 0.0,
    ) -> tuple[str, Credential]:
        """Add a credential to the file; returns (key, credential). The key cannot be shown again."""
        self._read_if_changed()
        kid, secret = secrets.token_hex(4), _base32(secrets.token_bytes(32))
        credential = Credential(kid, kind, brand, id, self._hash(secret), tuple(scopes), expires_at)
        self._write([*self._by_kid.values(), credential])
        return f"mb_{kid}_{secret}", credential

    def revoke(self, kid: str) -> None:
        """Take a credential out of the file; a kid that is not there is harmless."""
        self._read_if_changed()
        self._write([held for held in self._by_kid.values() if held.kid != kid])

    def _hash(self, secret: str) -> str:
        return self._hashed(secret.encode(errors="replace")).hex()

    def _look_again_in_time(self) -> None:
        # Not with every request: a look at the file costs more than the rest of it.
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_S
            self._read_if_changed()

    def _read_if_changed(self) -> None:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._by_kid = None, {}
            return
        # The file is replaced, never written in place, so a new content has a new inode.
        stamp = (stat.st_ino, stat.st_mtime_ns)
        if stamp != self._stamp:
            content = msgspec.json.decode(self._file.read_bytes(), type=_File)
            self._by_kid = {credential.kid: credential for credential in content.credentials}
            self._stamp = stamp

    def _write(self, held: list[Credential]) -> None:
        replace_durably(self._file, msgspec.json.format(msgspec.json.encode(_File(held)), indent=2))
        self._stamp = None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
