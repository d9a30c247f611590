"""Credentials: only the exact key of the right kind opens the door, and the file tells nobody the key."""

from pathlib import Path

import pytest

from kit.credentials import Credentials
from kit.errors import UnauthenticatedError

NOW = 1_000.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.json"


@pytest.fixture
def credentials(file: Path) -> Credentials:
    return Credentials(file, b"pepper", lambda: NOW)


class TestAuthenticate:
    def test_minted_key_is_known(self, credentials: Credentials) -> None:
        token, minted = credentials.mint("source", "oak", "shop", scopes=["app"])
        assert credentials.authenticate(token, "source") == minted
        assert (minted.brand, minted.id, minted.scopes) == ("oak", "shop", ("app",))

    def test_another_process_learns_of_a_new_key(self, credentials: Credentials, file: Path) -> None:
        reader = Credentials(file, b"pepper")
        for name in ("shop", "forum"):
            token, minted = credentials.mint("source", "oak", name)
            assert reader.authenticate(token, "source") == minted

    def test_wrong_kind_is_refused(self, credentials: Credentials) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token, "staff")

    def test_other_pepper_is_refused(self, credentials: Credentials, file: Path) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        with pytest.raises(UnauthenticatedError):
            Credentials(file, b"salt").authenticate(token, "source")

    def test_expired_key_is_refused(self, credentials: Credentials) -> None:
        token, _ = credentials.mint("staff", "oak", "ann", expires_at=NOW)
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token, "staff")

    def test_revoked_key_is_refused(self, credentials: Credentials) -> None:
        token, minted = credentials.mint("staff", "oak", "ann")
        credentials.revoke(minted.kid)
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token, "staff")

    @pytest.mark.parametrize(
        "token", ["", "mb", "mb_", "mb__", "mb_{kid}_", "mb_{kid}_a_b", "xx_{kid}_{secret}", "\ud800"]
    )
    def test_malformed_key_is_refused(self, credentials: Credentials, token: str) -> None:
        minted, credential = credentials.mint("source", "oak", "shop")
        malformed = token.replace("{kid}", credential.kid).replace("{secret}", minted.rsplit("_", 1)[1])
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(malformed, "source")

    def test_absent_file_holds_nobody(self, credentials: Credentials) -> None:
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate("mb_00000000_x", "source")


class TestMint:
    def test_file_is_private_and_holds_no_secret(self, credentials: Credentials, file: Path) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        assert token.rsplit("_", 1)[1] not in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600

    def test_secret_has_256_bits(self, credentials: Credentials) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        assert len(token.split("_")[2]) == 52
