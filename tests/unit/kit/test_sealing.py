"""Sealing: opens under its own key and context, and under nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.sealing import UnsealableError, open_sealed, seal, unwrap, wrap

KEY, OTHER = b"k" * 32, b"o" * 32


class TestSeal:
    @given(st.binary(max_size=300), st.binary(max_size=40))
    def test_opens_to_what_was_sealed(self, plaintext: bytes, aad: bytes) -> None:
        assert open_sealed(KEY, *seal(KEY, plaintext, aad), aad) == plaintext

    def test_same_bytes_never_look_the_same(self) -> None:
        assert seal(KEY, b"x", b"") != seal(KEY, b"x", b"")

    @pytest.mark.parametrize(("key", "aad", "flip"), [(OTHER, b"a", 0), (KEY, b"b", 0), (KEY, b"a", 1)])
    def test_anything_altered_does_not_open(self, key: bytes, aad: bytes, flip: int) -> None:
        nonce, ciphertext = seal(KEY, b"secret", b"a")
        with pytest.raises(UnsealableError):
            open_sealed(key, nonce, bytes([ciphertext[0] ^ flip]) + ciphertext[1:], aad)

    def test_truncated_bytes_do_not_open(self) -> None:
        with pytest.raises(UnsealableError):
            open_sealed(KEY, b"", b"", b"")


class TestWrap:
    def test_unwraps_to_the_key(self) -> None:
        assert unwrap(KEY, wrap(KEY, OTHER)) == OTHER

    @pytest.mark.parametrize("wrapped", [wrap(KEY, OTHER), b"", b"short"])
    def test_other_kek_unwraps_nothing(self, wrapped: bytes) -> None:
        with pytest.raises(UnsealableError):
            unwrap(OTHER, wrapped)
