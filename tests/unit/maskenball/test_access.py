"""`maskenball access`: what it prints of a key is all there is of it, and every change is on record."""

import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from kit.credentials import Credentials
from kit.errors import UnauthenticatedError
from kit.keyring import FolderKeyRing
from maskenball.access import access


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    FolderKeyRing(tmp_path / "keyring").ensure("pepper")
    return tmp_path


@pytest.fixture
def credentials(folder: Path) -> Credentials:
    return Credentials(folder / "credentials.json", FolderKeyRing(folder / "keyring").current("pepper").secret)


def run(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(access, [*arguments, "--data-dir", str(folder)])
    # The log of a command is closed with it.
    structlog.reset_defaults()
    return result


def told(folder: Path, *arguments: str) -> dict[str, Any]:
    result = run(folder, *arguments)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


class TestMint:
    def test_the_printed_key_opens_what_it_was_made_for(self, folder: Path, credentials: Credentials) -> None:
        made = told(folder, "mint", "app", "shop", "--scope", "app", "--days", "1", "--brand", "elm")
        found = credentials.authenticate(made["key"], "source")
        assert (found.kid, found.brand, found.id, found.scopes) == (made["kid"], "elm", "app:shop", ("app",))
        assert found.expires_at > 0

    @pytest.mark.parametrize(
        "arguments",
        [
            ("world", "oak street"),
            ("world", "oak-street", "--scope", "app"),
            ("staff", "ann", "--scope", "Ann Example"),
            ("app", "shop", "--brand", ""),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, folder: Path, credentials: Credentials, arguments: tuple[str, ...]
    ) -> None:
        assert run(folder, "mint", *arguments).exit_code == 1
        assert credentials.every() == []

    def test_a_folder_without_keys_is_refused(self, tmp_path: Path) -> None:
        assert run(tmp_path / "none", "list").exit_code == 1


class TestChanges:
    def test_a_key_is_rotated_and_taken_back(self, folder: Path, credentials: Credentials) -> None:
        old = told(folder, "mint", "world", "oak-street")
        new = told(folder, "rotate", old["kid"])
        assert credentials.authenticate(old["key"], "world").expires_at > 0
        told(folder, "revoke", old["kid"])
        with pytest.raises(UnauthenticatedError):
            credentials.authenticate(old["key"], "world")
        assert credentials.authenticate(new["key"], "world").id == "world:oak-street"

    @pytest.mark.parametrize("change", ["rotate", "revoke"])
    def test_what_is_not_there_is_refused(self, folder: Path, change: str) -> None:
        result = run(folder, change, "00000000")
        assert (result.exit_code, "NOT_FOUND" in result.stderr) == (1, True)

    def test_the_list_and_the_record_hold_no_secret(self, folder: Path) -> None:
        made = told(folder, "mint", "staff", "ann", "--scope", "catalogue")
        told(folder, "revoke", made["kid"])
        kept = told(folder, "mint", "staff", "eve")
        (listed,) = json.loads(run(folder, "list", "--json").stdout)
        assert listed == {name: kept[name] for name in listed}
        record = (folder / "logs" / "access.jsonl").read_text()
        lines = [json.loads(line) for line in record.splitlines()]
        assert [(line["what"], line["kid"]) for line in lines] == [
            ("access mint", made["kid"]),
            ("access revoke", made["kid"]),
            ("access mint", kept["kid"]),
        ]
        assert made["key"].rsplit("_", 1)[1] not in record
