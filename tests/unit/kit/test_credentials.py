"""Credentials: only the exact key of the right kind opens the door, and the file tells nobody the key."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from kit.credentials import Credential, Credentials
from kit.errors import DeniedError, InvalidArgumentError, NotFoundError, UnauthenticatedError

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

    def test_a_key_that_was_right_opens_nothing_else_and_no_longer_than_it_may(self, file: Path) -> None:
        now = [NOW]
        door = Credentials(file, b"pepper", lambda: now[0])
        token, minted = door.mint("staff", "oak", "ann", expires_at=NOW + 1)
        assert door.authenticate(token, "staff") is door.authenticate(token, "staff")
        assert door.authenticate(token, "staff") == minted
        with pytest.raises(UnauthenticatedError):
            door.authenticate(token, "source")
        now[0] = NOW + 1
        with pytest.raises(UnauthenticatedError):
            door.authenticate(token, "staff")

    def test_revoked_key_is_refused(self, credentials: Credentials) -> None:
        token, minted = credentials.mint("staff", "oak", "ann")
        credentials.revoke(minted.kid)
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token, "staff")

    def test_a_door_that_knew_the_key_refuses_it_once_it_is_revoked(self, credentials: Credentials, file: Path) -> None:
        token, minted = credentials.mint("staff", "oak", "ann")
        doors = [Credentials(file, b"pepper") for _ in range(3)]
        for door in doors:
            door.authenticate(token, "staff")
        credentials.revoke(minted.kid)
        for door in doors:
            with pytest.raises(UnauthenticatedError):
                door.authenticate(token, "staff")

    def test_a_refusal_says_the_same_whatever_was_wrong(self, credentials: Credentials) -> None:
        token, minted = credentials.mint("staff", "oak", "ann", expires_at=NOW)
        other, _ = credentials.mint("world", "oak", "world:oak-street")
        shown = [token, other, f"mb_{minted.kid}_{'a' * 52}", f"mb_00000000_{'a' * 52}", "x", ""]
        said = set()
        for each in shown:
            with pytest.raises(UnauthenticatedError) as refused:
                credentials.authenticate(each, "staff")
            said.add((str(refused.value), refused.value.reason, refused.value.field, refused.value.limit))
        assert len(said) == 1

    def test_a_refusal_is_on_record_with_what_is_public_of_the_key(self, credentials: Credentials) -> None:
        token, minted = credentials.mint("staff", "oak", "ann")
        with structlog.testing.capture_logs() as lines:
            for shown in (token, "mb_ada-lovelace_x"):
                with pytest.raises(UnauthenticatedError):
                    credentials.authenticate(shown, "world", "POST /a/v1")
        record = [(line["event"], line["kid"], line["what"], line["why"]) for line in lines]
        assert record == [
            ("access.denied", minted.kid, "POST /a/v1", "kind"),
            ("access.denied", "nobody", "POST /a/v1", "forged"),
        ]

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


class TestRotate:
    def test_both_are_good_until_the_old_one_ends(self, file: Path) -> None:
        now = NOW
        credentials = Credentials(file, b"pepper", lambda: now)
        old, minted = credentials.mint("world", "oak", "world:oak-street", scopes=["visits"])
        new, rotated = credentials.rotate(minted.kid, old_until=NOW + 60)
        assert (rotated.kind, rotated.brand, rotated.id, rotated.scopes) == ("world", "oak", minted.id, minted.scopes)
        assert {credentials.authenticate(each, "world").kid for each in (old, new)} == {minted.kid, rotated.kid}
        now += 60
        assert credentials.authenticate(new, "world") == rotated
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(old, "world")

    def test_rotating_lengthens_no_life(self, credentials: Credentials) -> None:
        _, minted = credentials.mint("staff", "oak", "ann", expires_at=NOW + 5)
        _, rotated = credentials.rotate(minted.kid, old_until=NOW + 60)
        assert {each.kid: each.expires_at for each in credentials.every()} == dict.fromkeys(
            (minted.kid, rotated.kid), NOW + 5
        )

    def test_what_is_not_there_is_not_rotated(self, credentials: Credentials) -> None:
        with pytest.raises(NotFoundError):
            credentials.rotate("00000000", old_until=NOW)

    def test_changes_at_the_same_time_lose_nothing(self, credentials: Credentials, file: Path) -> None:
        with ThreadPoolExecutor(8) as threads:
            minted = list(
                threads.map(lambda n: Credentials(file, b"pepper").mint("world", "oak", f"w{n}")[1], range(24))
            )
        assert {each.kid for each in credentials.every()} == {each.kid for each in minted}


class TestScopes:
    def test_a_key_may_do_what_its_scopes_say(self, credentials: Credentials) -> None:
        _, minted = credentials.mint("staff", "oak", "ann", scopes=["catalogue"])
        minted.require("catalogue", "PUT /v1/catalogue/items")
        with pytest.raises(DeniedError), structlog.testing.capture_logs() as lines:
            minted.require("consent", "POST /v1/consent/floors")
        assert [(line["kid"], line["what"], line["why"]) for line in lines] == [
            (minted.kid, "POST /v1/consent/floors", "scope")
        ]


class TestMint:
    def test_file_is_private_and_holds_no_secret(self, credentials: Credentials, file: Path) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        assert token.rsplit("_", 1)[1] not in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600

    def test_secret_has_256_bits(self, credentials: Credentials) -> None:
        token, _ = credentials.mint("source", "oak", "shop")
        assert len(token.split("_")[2]) == 52


class TestPasses:
    @pytest.fixture
    def enrolled(self, credentials: Credentials) -> Credential:
        return credentials.enrol(Credential("", "source", "oak", "app:shop", "", ("app",), public_key="ab" * 32))

    def test_a_pass_stands_for_the_key(self, credentials: Credentials, enrolled: Credential) -> None:
        token = credentials.issue_pass(enrolled.kid, int(NOW) + 300)
        assert credentials.authenticate(token, "source") == enrolled
        assert credentials.public_key(enrolled.kid) == b"\xab" * 32

    def test_it_ends(self, credentials: Credentials, enrolled: Credential) -> None:
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(credentials.issue_pass(enrolled.kid, int(NOW)), "source")

    def test_it_ends_with_the_key(self, credentials: Credentials, enrolled: Credential) -> None:
        token = credentials.issue_pass(enrolled.kid, int(NOW) + 300)
        credentials.revoke(enrolled.kid)
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token, "source")

    def test_no_other_end_can_be_written_on_it(self, credentials: Credentials, enrolled: Credential) -> None:
        token = credentials.issue_pass(enrolled.kid, int(NOW) + 300)
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(token.replace("1300", "9300"), "source")

    @pytest.mark.parametrize("secret", ["", "0" * 64, "x"])
    def test_who_signs_has_no_secret_to_show(self, credentials: Credentials, enrolled: Credential, secret: str) -> None:
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(f"mb_{enrolled.kid}_{secret}", "source")

    def test_who_signs_is_not_rotated(self, credentials: Credentials, enrolled: Credential) -> None:
        with pytest.raises(InvalidArgumentError):
            credentials.rotate(enrolled.kid, old_until=NOW)
