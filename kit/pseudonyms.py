"""Keyed pseudonyms: labels keep keys apart, 16 bytes of HMAC stand for an id."""

import hmac
import unicodedata
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PSEUDONYM_BYTES = 16


@lru_cache(maxsize=1024)
def derive(key: bytes, label: str) -> bytes:
    """Return the 32-byte key for one purpose: HKDF-SHA256 of `key` with `label` as info and no salt."""
    return HKDF(SHA256(), 32, salt=None, info=label.encode()).derive(key)


def pseudonym(key: bytes, text: str | bytes) -> bytes:
    """Return the first 16 bytes of HMAC-SHA256; `text` as UTF-8, so it must hold no lone surrogate."""
    message = text if isinstance(text, bytes) else text.encode()
    return hmac.digest(key, message, "sha256")[:PSEUDONYM_BYTES]


def canonical(text: str) -> str:
    """Return the one form an id is hashed in: NFC, without white space around it."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()
