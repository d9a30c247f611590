import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.errors import StackError
from infra.local.folder import DataFolder, read_json, write_json


class TestDataFolder:
    def test_a_second_stack_on_the_same_folder_is_told_who_has_it(self, tmp_path):
        first = DataFolder(tmp_path / "data")
        first.open()
        with pytest.raises(StackError, match=f"in use by a running stack .launcher pid {os.getpid()}"):
            DataFolder(tmp_path / "data").open()
        first.close()

    def test_a_stack_that_was_refused_holds_nothing(self, tmp_path):
        first, second = DataFolder(tmp_path), DataFolder(tmp_path)
        first.open()
        with pytest.raises(StackError):
            second.open()
        assert not second.is_ours
        first.close()

    def test_the_folder_is_free_again_after_close(self, tmp_path):
        first = DataFolder(tmp_path)
        first.open()
        first.close()
        second = DataFolder(tmp_path)
        second.open()
        assert second.is_ours
        second.close()

    def test_a_path_that_is_a_file_is_refused_with_the_remedy(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StackError, match="--data-dir"):
            DataFolder(tmp_path / "file").open()


class TestJson:
    def test_only_the_owner_can_read_it(self, tmp_path):
        write_json(tmp_path / "x.json", {"a": 1})
        assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600

    def test_a_reader_never_sees_a_part(self, tmp_path):
        path = tmp_path / "x.json"
        write_json(path, {"a": "0" * 10_000})
        with ThreadPoolExecutor(1) as writer:
            writing = writer.submit(lambda: [write_json(path, {"a": str(n % 10) * 10_000}) for n in range(20)])
            while not writing.done():
                assert len(set(str(read_json(path)["a"]))) == 1
            writing.result()

    def test_a_file_that_was_never_written_is_empty(self, tmp_path):
        assert read_json(tmp_path / "x.json") == {}

    def test_a_damaged_file_is_named(self, tmp_path):
        (tmp_path / "x.json").write_text("{")
        with pytest.raises(StackError, match=r"x\.json is damaged"):
            read_json(tmp_path / "x.json")
