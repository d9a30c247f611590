"""Signed statements that anybody can check offline: compact JWS, EdDSA over Ed25519, keys from the key ring."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from kit.errors import Status, TypedError
from kit.keyring import Key, KeyRing

FAMILY = "signing"
_ALGORITHM = "Ed25519"


class BadSignatureError(TypedError):
    """The statement is malformed, altered, or signed by somebody else."""

    reason = "BAD_SIGNATURE"
    status = Status.INVALID


def sign(keyring: KeyRing, kind: str, claims: Mapping[str, Any]) -> str:
    """Return the claims signed under the newest key, which is made when there is none; `kind` becomes the type."""
    key = keyring.ensure(FAMILY)
    header = {"alg": _ALGORITHM, "kid": key.version, "typ": kind}
    return jws.serialize_compact(header, msgspec.json.encode(claims), _private(key), algorithms=[_ALGORITHM])


def public_keys(keyring: KeyRing) -> list[dict[str, Any]]:
    """Return every public key as a JWK: old statements stay valid under old keys."""
    keys = (Key(version, keyring.get(FAMILY, version)) for version in keyring.versions(FAMILY))
    return [{**_private(key).as_dict(private=False), "kid": key.version, "alg": _ALGORITHM} for key in keys]


def verify(signed: str, keys: Iterable[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """Return the claims; raises BadSignatureError. `keys` are JWKs as `public_keys` gives them."""
    by_id = {key["kid"]: key for key in keys}
    try:
        header = jws.extract_compact(signed.encode()).headers()
        key = OKPKey.import_key(dict(by_id[header["kid"]]))
        found = jws.deserialize_compact(signed, key, algorithms=[_ALGORITHM])
        claims: dict[str, Any] = msgspec.json.decode(found.payload, type=dict[str, Any])
    except (JoseError, KeyError, ValueError, msgspec.MsgspecError):
        raise BadSignatureError("not a statement of ours") from None
    if header.get("typ") != kind:
        raise BadSignatureError("a statement of another kind")
    return claims


def _private(key: Key) -> OKPKey:
    # A key of the ring is 32 random bytes, which is what an Ed25519 key is made of.
    seed = Ed25519PrivateKey.from_private_bytes(key.secret)
    return OKPKey.import_key(seed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
