import pytest

from kit.signing import FAMILY, BadSignatureError, public_keys, sign, verify

KIND = "receipt+jws"


class TestSigning:
    def test_what_is_signed_is_read_back_with_public_keys_alone(self, keyring):
        signed = sign(keyring, KIND, {"erasure": "e1"})
        assert verify(signed, public_keys(keyring), KIND) == {"erasure": "e1"}
        assert all("d" not in key for key in public_keys(keyring))

    def test_old_statements_stay_valid_under_old_keys(self, keyring):
        signed = sign(keyring, KIND, {})
        keyring.create(FAMILY)
        assert verify(signed, public_keys(keyring), KIND) == {}

    def test_a_statement_of_another_kind_is_none(self, keyring):
        with pytest.raises(BadSignatureError):
            verify(sign(keyring, "other+jws", {}), public_keys(keyring), KIND)

    @pytest.mark.parametrize("spoil", [lambda s: "", lambda s: "a.b.c", lambda s: s[:-4] + "AAAA", lambda s: s + "ä"])
    def test_what_is_not_ours_is_refused(self, keyring, spoil):
        with pytest.raises(BadSignatureError):
            verify(spoil(sign(keyring, KIND, {})), public_keys(keyring), KIND)
