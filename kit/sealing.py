"""Authenticated encryption of stored bytes, and keys wrapped under keys."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from kit.errors import Status, TypedError

NONCE_BYTES = 12
#: A key as it is kept, or made ready: that costs more than sealing a few hundred bytes does.
SealingKey = bytes | AESGCM


class UnsealableError(TypedError):
    """Wrong key, wrong context or altered bytes; which of them cannot be told apart."""

    reason = "UNSEALABLE"
    status = Status.INTERNAL


def ready(key: bytes) -> AESGCM:
    """Return a key made ready, for what is sealed or opened under it more than once."""
    return AESGCM(key)


def seal(key: SealingKey, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    """Return (nonce, ciphertext) under AES-256-GCM with a random 12-byte nonce; `aad` is authenticated, not kept."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce, _ready(key).encrypt(nonce, plaintext, aad)


def open_sealed(key: SealingKey, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Return the plaintext; raises UnsealableError."""
    try:
        return _ready(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError):
        raise UnsealableError("the bytes do not open under this key and context") from None


def wrap(kek: bytes, key: bytes) -> bytes:
    """Return `key` under `kek` (RFC 3394): 8 bytes longer, the same every time."""
    return aes_key_wrap(kek, key)


def unwrap(kek: bytes, wrapped: bytes) -> bytes:
    """Return the key inside; raises UnsealableError when `kek` is another one."""
    try:
        return aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError):
        raise UnsealableError("the key does not unwrap under this key") from None


def _ready(key: SealingKey) -> AESGCM:
    return AESGCM(key) if isinstance(key, bytes) else key
