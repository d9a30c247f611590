"""That names are synced too is seen in tests/e2e/power; here, what a reader sees."""

from pathlib import Path

import pytest

from kit.durable import make_folder_durably, rename_durably, replace_durably


class TestReplaceDurably:
    def test_the_new_content_is_its_owners_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        for content in (b"old", b"new"):
            replace_durably(path, content)
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_nothing_is_left_beside_it(self, tmp_path: Path) -> None:
        replace_durably(tmp_path / "keys.json", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


class TestRenameDurably:
    def test_a_file_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            rename_durably(tmp_path / "a", tmp_path / "b")


class TestMakeFolderDurably:
    def test_every_folder_on_the_way_is_made_for_its_owner(self, tmp_path: Path) -> None:
        for _ in range(2):
            make_folder_durably(tmp_path / "a" / "b")
        assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]
