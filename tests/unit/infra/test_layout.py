import pytest

from infra.local.errors import StackError
from infra.local.folder import DataFolder
from infra.local.layout import partitions_of

VARIABLE = "MASKENBALL_PARTITIONS"


@pytest.fixture(autouse=True)
def unasked(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


class TestPartitionsOf:
    def test_a_new_folder_has_one(self, tmp_path):
        assert partitions_of(DataFolder(tmp_path)) == 1

    def test_a_new_folder_has_what_is_asked_for_and_keeps_it(self, tmp_path, monkeypatch):
        monkeypatch.setenv(VARIABLE, "3")
        assert partitions_of(DataFolder(tmp_path)) == 3
        monkeypatch.delenv(VARIABLE)
        assert partitions_of(DataFolder(tmp_path)) == 3

    def test_a_folder_from_before_this_was_written_down_has_four(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        assert partitions_of(DataFolder(tmp_path)) == 4

    def test_another_number_is_refused_with_the_remedy(self, tmp_path, monkeypatch):
        partitions_of(DataFolder(tmp_path))
        monkeypatch.setenv(VARIABLE, "2")
        with pytest.raises(StackError, match=r"begun with 1 partitions.*asks for 2.*--data-dir"):
            partitions_of(DataFolder(tmp_path))

    @pytest.mark.parametrize("asked", ["0", "65", "many", "-1", "²"])
    def test_a_number_nobody_can_have_is_refused(self, tmp_path, monkeypatch, asked):
        monkeypatch.setenv(VARIABLE, asked)
        with pytest.raises(StackError, match="1 to 64"):
            partitions_of(DataFolder(tmp_path))
