import json

import pytest

from kit.signatures import SignatureError, Signer, verify

TYPE = "note+jws"


@pytest.fixture
def signer(keyring):
    keyring.ensure("notes")
    return Signer(keyring, "notes", TYPE)


class TestSignatures:
    def test_what_was_signed_is_read_back(self, signer):
        assert verify(signer.sign(b'{"a":1}'), signer.public_keys(), TYPE) == {"a": 1}

    def test_an_older_version_still_verifies_until_it_is_destroyed(self, signer, keyring):
        signed = signer.sign(b"{}")
        keyring.create("notes")
        assert verify(signed, signer.public_keys(), TYPE) == {}
        assert signer.sign(b"{}") != signed
        keyring.destroy("notes", "1")
        with pytest.raises(SignatureError):
            verify(signed, signer.public_keys(), TYPE)

    def test_public_keys_tell_no_secret(self, signer):
        [key] = json.loads(signer.public_keys())["keys"]
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text[:-4],
            lambda text: text + "AAAA",
            lambda text: text.replace(".", ".A", 1),
            lambda text: text.rpartition(".")[0] + ".",
            lambda text: "",
            lambda text: "a.b.c",
            lambda text: "x" * (1 << 20 | 1),
        ],
    )
    def test_a_change_anywhere_shows(self, signer, change):
        with pytest.raises(SignatureError):
            verify(change(signer.sign(b'{"a":1}')), signer.public_keys(), TYPE)

    def test_a_signature_for_another_use_is_none(self, signer):
        with pytest.raises(SignatureError) as refused:
            verify(signer.sign(b"{}"), signer.public_keys(), "receipt+jws")
        assert refused.value.field == "typ"

    @pytest.mark.parametrize("keys", ["", "[]", "{}", '{"keys":[]}', '{"keys":[{"kty":"OKP"}]}'])
    def test_keys_that_are_none_verify_nothing(self, signer, keys):
        with pytest.raises(SignatureError):
            verify(signer.sign(b"{}"), keys, TYPE)

    def test_the_keys_of_somebody_else_verify_nothing(self, signer, tmp_path, keyring):
        keyring.create("others")
        with pytest.raises(SignatureError):
            verify(signer.sign(b"{}"), Signer(keyring, "others", TYPE).public_keys(), TYPE)
