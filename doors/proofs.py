"""Proofs that somebody speaks for themselves: sealed words that a device holds, instead of a login."""

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass

from contracts.common.v1.subject_pb2 import FormerId, Subject
from kit.errors import UnauthenticatedError
from kit.keyring import KeyMissingError, KeyRing
from kit.pseudonyms import derive
from kit.sealing import NONCE_BYTES, UnsealableError, open_sealed, seal

#: A proof that opens all that is one's own, one that removes a single offer, and the name of a decision.
PERSON, REMOVAL, DECISION = "person", "removal", "decision"
_EDGE = "edge"
_LABEL = "maskenball/proof/v1"
# Whose, until when, under which version of the edge key, and how many former ids follow.
_LAYOUT = struct.Struct(">16sIIB")
_FORMER = struct.Struct(">I16s")


class ProofInvalidError(UnauthenticatedError):
    """Made up, changed, for another use, or too old; which of these, and whether there is anybody, is not told."""

    reason = "PROOF_INVALID"


@dataclass(frozen=True, slots=True)
class Proven:
    """Who holds a proof, and what it is about; empty for everything of theirs."""

    subject: Subject
    about: str = ""


class Proofs:
    """Makes and reads proofs, under the edge key: a proof lasts no longer than the pseudonym in it."""

    def __init__(self, keyring: KeyRing, clock: Callable[[], float]) -> None:
        """Take the ring with the edge keys, and seconds since 1970 UTC."""
        self._keyring = keyring
        self._clock = clock

    def issue(self, proven: Proven, use: str, lasts_s: int) -> tuple[str, int]:
        """Return a proof for one use, and when it ends, seconds since 1970 UTC."""
        version, secret = self._keyring.current(_EDGE)
        subject, ends_at = proven.subject, int(self._clock()) + lasts_s
        words = f"{subject.brand}|{subject.audience}|{proven.about}".encode()
        head = _LAYOUT.pack(subject.eid, ends_at, subject.version, len(subject.former))
        former = b"".join(_FORMER.pack(each.version, each.eid) for each in subject.former)
        nonce, sealed = seal(derive(secret, _LABEL), head + former + words, use.encode())
        return f"{version}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}", ends_at

    def read(self, proof: str, use: str) -> Proven:
        """Return who holds a proof for that use; raises ProofInvalidError."""
        version, _, body = proof.partition(".")
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            key = derive(self._keyring.get(_EDGE, version), _LABEL)
            plain = open_sealed(key, raw[:NONCE_BYTES], raw[NONCE_BYTES:], use.encode())
            eid, ends_at, edge_version, count = _LAYOUT.unpack_from(plain)
        except (ValueError, KeyMissingError, UnsealableError):
            raise _invalid() from None
        if ends_at <= self._clock():
            raise _invalid()
        words_at = _LAYOUT.size + count * _FORMER.size
        former = [FormerId(version=v, eid=each) for v, each in _FORMER.iter_unpack(plain[_LAYOUT.size : words_at])]
        brand, audience, about = plain[words_at:].decode().split("|", 2)
        subject = Subject(brand=brand, audience=audience, eid=eid, version=edge_version, former=former)
        return Proven(subject, about)


def _invalid() -> ProofInvalidError:
    return ProofInvalidError("this proves nothing here")
