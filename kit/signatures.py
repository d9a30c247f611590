"""Signs and verifies compact JWS with Ed25519 keys of the key ring; verifying needs the public keys alone."""

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from kit.errors import Status, TypedError
from kit.keyring import KeyRing

ALGORITHM = "Ed25519"
#: The keys that receipts of every kind are signed with; their types tell them apart.
RECEIPTS = "receipt"
_MOST_BYTES = 1 << 20


class SignatureError(TypedError):
    """The text is no JWS of one of these keys: changed, cut off, or signed by somebody else."""

    reason = "SIGNATURE_INVALID"
    status = Status.INVALID


class Signer:
    """Signs with the newest key of one family, and names its version in the header."""

    def __init__(self, keyring: KeyRing, family: str, type_: str) -> None:
        """Take the family of keys and the `typ` of what is signed: a signature for one use is none for another."""
        self._keyring = keyring
        self._family = family
        self._type = type_
        self._key: tuple[str, OKPKey] | None = None

    def sign(self, content: bytes) -> str:
        """Return a compact JWS; raises KeyMissingError when the ring has no such key."""
        version, secret = self._keyring.current(self._family)
        if self._key is None or self._key[0] != version:
            # Making a key of the library's own takes ten times as long as signing with it.
            self._key = version, _private(secret)
        header = {"alg": ALGORITHM, "kid": version, "typ": self._type}
        return jws.serialize_compact(header, content, self._key[1], algorithms=[ALGORITHM])

    def public_keys(self) -> str:
        """Return the public keys of every version there is, as a JSON Web Key Set."""
        return json.dumps({"keys": [self._public(version) for version in self._keyring.versions(self._family)]})

    def _public(self, version: str) -> dict[str, Any]:
        key = _private(self._keyring.get(self._family, version))
        return {**key.as_dict(private=False), "kid": version, "use": "sig", "alg": ALGORITHM}


def verify(text: str, public_keys: str, *types: str) -> dict[str, Any]:
    """Return the JSON object that was signed for one of these uses; raises SignatureError naming what is wrong."""
    if len(text) > _MOST_BYTES:
        raise SignatureError("the text is too long", limit=str(_MOST_BYTES))
    try:
        keys = KeySet.import_key_set(json.loads(public_keys))
        found = jws.deserialize_compact(text.strip(), keys, algorithms=[ALGORITHM])
        content = json.loads(found.payload)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SignatureError("the signature does not hold under these keys") from error
    if found.headers().get("typ") not in types or not isinstance(content, dict):
        raise SignatureError("this was signed for another use", field="typ", limit=", ".join(types))
    return content


def _private(secret: bytes) -> OKPKey:
    pem = Ed25519PrivateKey.from_private_bytes(secret).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return OKPKey.import_key(pem)
