"""Keys that worlds, apps and staff authenticate with, kept as keyed hashes in one file."""

import base64
import fcntl
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from kit import audit
from kit.durable import replace_durably
from kit.errors import DeniedError, InvalidArgumentError, NotFoundError, UnauthenticatedError
from kit.pseudonyms import Pseudonymiser

_KEY = re.compile(r"mb_([^_]*)_([^_]*)")
_PASS = re.compile(r"mp_([^_]*)_([0-9]{1,12})_([0-9a-f]{64})")
_NO_HASH = "0" * 64
#: What was read of the file is used for so long; whoever revokes a key waits it out, and a little more.
TERM_S = 0.1
_MARGIN_S = 0.02


class Credential(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a key stands for, and what it may do."""

    #: Public part of the key, 8 characters.
    kid: str
    #: "source", "world" or "staff".
    kind: str
    brand: str
    #: Id of the source or world, name of the staff key.
    id: str
    #: HMAC-SHA256 of the secret under the pepper, 64 hexadecimal characters; "" where the holder signs.
    hash: str
    scopes: tuple[str, ...] = ()
    #: Seconds since 1970 UTC; 0 for never.
    expires_at: float = 0.0
    #: Ed25519, 64 hexadecimal characters, of one who signs; what was signed is exchanged for a pass.
    public_key: str = ""

    def require(self, scope: str, what: str) -> None:
        """Refuse, for the record, `what` was asked for unless the key has the scope; raises DeniedError.

        A key without scopes may do whatever its kind may.
        """
        if self.scopes and scope not in self.scopes:
            audit.denied(self.kid, what, "scope")
            raise DeniedError("this key may not do that", limit=scope)


class _Shown(NamedTuple):
    """What a caller shows: a key's secret, or what a pass says and the proof of it."""

    kid: str
    secret: str
    proof: str = ""
    ends_at: int = 0


class _File(msgspec.Struct):
    credentials: list[Credential] = []


class Credentials:
    """The credentials file. A new key is known at once, a revoked one to nobody once `revoke` returns. No file, nobody.

    A fence as in `kit.fence`, of leases alone: what was read is used for a term, and the writer waits until it is over.
    """

    def __init__(self, file: Path, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._hashed = Pseudonymiser(pepper).whole
        self._clock = clock
        self._stamp: tuple[int, int, int] | None = None
        self._by_kid: dict[str, Credential] = {}
        # Keys that were right since the file was read, one a credential: each comes with every request of its holder.
        self._right: dict[str, Credential] = {}
        self._look_at = 0.0

    def authenticate(self, token: str, kind: str, what: str = "") -> Credential:
        """Return the credential of `token`; raises UnauthenticatedError, in the same words whatever was wrong with it.

        `what` it was shown for goes on the record of refusals.
        """
        return self.authenticate_one_of(token, (kind,), what)

    def authenticate_one_of(self, token: str, kinds: Sequence[str], what: str) -> Credential:
        """As `authenticate`, where keys of several kinds open the same door."""
        self._look_again_in_time()
        known = self._right.get(token)
        if known is not None and known.kind in kinds and not self._is_over(known):
            return known
        shown = _read(token)
        credential = self._find(shown.kid)
        # Hashed even for an unknown kid: the time taken must not tell which kids exist.
        expected = shown.proof or (credential.hash if credential else "") or _NO_HASH
        is_right = hmac.compare_digest(self._hash(shown.secret), expected)
        if credential is None or not is_right:
            raise self._refused(credential, what, "forged")
        if shown.ends_at and shown.ends_at <= self._clock():
            raise self._refused(credential, what, "expired")
        if credential.kind not in kinds:
            raise self._refused(credential, what, "kind")
        if self._is_over(credential):
            raise self._refused(credential, what, "expired")
        if not shown.proof:
            self._right[token] = credential
        return credential

    def public_key(self, kid: str) -> bytes | None:
        """Return the key that the holder of `kid` signs with, None when there is none."""
        self._look_again_in_time()
        credential = self._find(kid)
        return bytes.fromhex(credential.public_key) if credential and credential.public_key else None

    def issue_pass(self, kid: str, ends_at: int) -> str:
        """Return what stands for a key until then, while the key is good. The same for the same arguments."""
        return f"mp_{kid}_{ends_at}_{self._hash(_said(kid, ends_at))}"

    def every(self) -> list[Credential]:
        """Return what the file holds, the newest last."""
        self._read_if_changed()
        return list(self._by_kid.values())

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
        key, credential = self._new(Credential("", kind, brand, id, "", tuple(scopes), expires_at))
        with self._changing() as held:
            held[credential.kid] = credential
        return key, credential

    def enrol(self, like: Credential) -> Credential:
        """Add a credential whose holder has the private part of `like.public_key`; returns it with its kid."""
        credential = msgspec.structs.replace(like, kid=secrets.token_hex(4), hash="")
        with self._changing() as held:
            held[credential.kid] = credential
        return credential

    def rotate(self, kid: str, *, old_until: float) -> tuple[str, Credential]:
        """Add a key that may do what `kid` may, which ends at `old_until`: until then both are good.

        Returns (key, credential) as `mint` does; raises NotFoundError, InvalidArgumentError for one whose holder signs.
        """
        with self._changing() as held:
            if kid not in held:
                raise NotFoundError("there is no such key", field="kid")
            old = held[kid]
            if old.public_key:
                raise InvalidArgumentError("who signs has a key of their own: enrol the new one", field="kid")
            key, credential = self._new(old)
            held[kid] = msgspec.structs.replace(old, expires_at=min(old.expires_at or old_until, old_until))
            held[credential.kid] = credential
        return key, credential

    def revoke(self, kid: str) -> None:
        """Take a credential out of the file; a kid that is not there is harmless. Blocks for a term.

        When this returns, no door that reads the file lets the key in any more, also one that hung meanwhile.
        """
        with self._changing() as held:
            held.pop(kid, None)
        time.sleep(TERM_S + _MARGIN_S)

    def _is_over(self, credential: Credential) -> bool:
        return bool(credential.expires_at) and credential.expires_at <= self._clock()

    def _find(self, kid: str) -> Credential | None:
        if kid not in self._by_kid:
            self._read_if_changed()
        return self._by_kid.get(kid)

    def _new(self, like: Credential) -> tuple[str, Credential]:
        kid, secret = secrets.token_hex(4), _base32(secrets.token_bytes(32))
        return f"mb_{kid}_{secret}", msgspec.structs.replace(like, kid=kid, hash=self._hash(secret))

    def _refused(self, credential: Credential | None, what: str, why: str) -> UnauthenticatedError:
        # A kid that is not ours is the caller's own text.
        audit.denied(credential.kid if credential else audit.NOBODY, what, why)
        return UnauthenticatedError("the key is not valid here")

    def _hash(self, secret: str) -> str:
        return self._hashed(secret.encode(errors="replace")).hex()

    def _look_again_in_time(self) -> None:
        # Not with every request: a look at the file costs more than the rest of it.
        now = time.monotonic()
        if now >= self._look_at:
            # Counted from before the look, and only if there was one: what is revoked after it waits for us.
            self._read_if_changed()
            self._look_at = now + TERM_S

    def _read_if_changed(self) -> None:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._by_kid, self._right = None, {}, {}
            return
        # The file is replaced, never written in place, so a new content has a new inode and a later time.
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            content = msgspec.json.decode(self._file.read_bytes(), type=_File)
            self._by_kid = {credential.kid: credential for credential in content.credentials}
            self._right = {}
            self._stamp = stamp

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Credential]]:
        # Of two changes at a time the later would put back what the earlier took out.
        lock = os.open(self._file.with_name(f".{self._file.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._read_if_changed()
            held = dict(self._by_kid)
            yield held
            replace_durably(self._file, msgspec.json.format(msgspec.json.encode(_File([*held.values()])), indent=2))
        finally:
            os.close(lock)


def _read(token: str) -> _Shown:
    if found := _KEY.fullmatch(token):
        return _Shown(found[1], found[2])
    if found := _PASS.fullmatch(token):
        kid, ends_at = found[1], int(found[2])
        return _Shown(kid, _said(kid, ends_at), found[3], ends_at)
    return _Shown("", token)


def _said(kid: str, ends_at: int) -> str:
    # No secret of a key has such a form.
    return f"pass|{kid}|{ends_at}"


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
