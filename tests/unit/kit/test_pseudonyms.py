"""Pseudonyms: stable, apart by label, and the same for every spelling of one id."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from kit.pseudonyms import Pseudonymiser, canonical, derive, pseudonym


class TestDerive:
    def test_is_hkdf_of_rfc_5869(self) -> None:
        key = bytes(range(32))
        prk = hmac.new(bytes(32), key, hashlib.sha256).digest()
        assert derive(key, "label") == hmac.new(prk, b"label\x01", hashlib.sha256).digest()

    def test_labels_keep_keys_apart(self) -> None:
        assert derive(b"k" * 32, "edge|app:a") != derive(b"k" * 32, "edge|app:b")


class TestPseudonym:
    def test_is_the_first_half_of_hmac_sha256(self) -> None:
        assert pseudonym(b"key", "ä") == hmac.new(b"key", "ä".encode(), hashlib.sha256).digest()[:16]
        assert pseudonym(b"key", "ä") == pseudonym(b"key", "ä".encode())


class TestPseudonymiser:
    @given(st.binary(min_size=32, max_size=32), st.text(st.characters(exclude_categories=["Cs"])))
    def test_is_the_pseudonym(self, key: bytes, text: str) -> None:
        assert Pseudonymiser(key)(text) == pseudonym(key, text)

    @given(st.binary(max_size=200), st.binary())
    def test_whole_is_hmac_sha256(self, key: bytes, message: bytes) -> None:
        assert Pseudonymiser(key).whole(message) == hmac.digest(key, message, "sha256")


class TestCanonical:
    def test_composed_and_decomposed_are_one(self) -> None:
        assert canonical(" Mu\u0308ller\n") == canonical("M\u00fcller")

    def test_case_is_kept(self) -> None:
        assert canonical("Ab") != canonical("ab")
