import json

import pytest
from typer.testing import CliRunner

from kit.keyring import FolderKeyRing
from kit.signatures import RECEIPTS, Signer
from maskenball.__main__ import app

TYPES = ["consent-receipt+jws", "erasure-receipt+jws"]


@pytest.fixture
def keyring(tmp_path):
    ring = FolderKeyRing(tmp_path / "keyring")
    ring.ensure(RECEIPTS)
    return ring


def verified(file, *told):
    return CliRunner().invoke(app, ["verify-receipt", str(file), *map(str, told)])


class TestVerifyReceipt:
    @pytest.mark.parametrize("type_", TYPES)
    def test_what_a_receipt_says_is_printed(self, keyring, tmp_path, type_):
        file, keys = tmp_path / "receipt.jws", tmp_path / "jwks.json"
        signer = Signer(keyring, RECEIPTS, type_)
        file.write_text(signer.sign(b'{"sub":"1.d9"}') + "\n")
        keys.write_text(signer.public_keys())
        for told in (["--keys", keys], ["--data-dir", tmp_path]):
            result = verified(file, *told)
            assert (result.exit_code, json.loads(result.stdout)) == (0, {"sub": "1.d9"})

    def test_a_receipt_that_was_changed_is_refused(self, keyring, tmp_path):
        file = tmp_path / "receipt.jws"
        head, content, signature = Signer(keyring, RECEIPTS, TYPES[0]).sign(b'{"sub":"1.d9"}').split(".")
        file.write_text(f"{head}.{content[:-2]}AA.{signature}")
        assert verified(file, "--data-dir", tmp_path).exit_code == 1

    def test_what_was_signed_for_another_use_is_refused(self, keyring, tmp_path):
        file = tmp_path / "receipt.jws"
        file.write_text(Signer(keyring, RECEIPTS, "session+jws").sign(b"{}"))
        assert verified(file, "--data-dir", tmp_path).exit_code == 1

    def test_text_that_is_no_receipt_is_refused(self, keyring, tmp_path):
        file = tmp_path / "receipt.jws"
        file.write_text("ä.b.c", encoding="utf-8")
        assert verified(file, "--data-dir", tmp_path).exit_code == 1
