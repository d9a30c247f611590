"""Packs: typed when read, and precise about what is wrong."""

from pathlib import Path

import pytest

from kit.packs import Pack, PackError, load


class Colours(Pack, frozen=True, kw_only=True):
    colours: dict[str, int]


class TestLoad:
    def test_reads_id_version_and_content(self, tmp_path: Path) -> None:
        path = tmp_path / "colours.yaml"
        path.write_text("id: colours\nversion: '3'\ncolours: {red: 1}\n")
        pack = load(path, Colours)
        assert (pack.id, pack.version, pack.colours) == ("colours", "3", {"red": 1})

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "id: x",
            "id: x\nversion: '1'\ncolours: {red: one}",
            "id: x\nversion: '1'\ncolours: {}\ncolors: {}",
            "a: [",
            "a: b: c",
        ],
    )
    def test_what_does_not_fit_names_the_file(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "colours.yaml"
        path.write_text(content)
        with pytest.raises(PackError, match=r"colours\.yaml"):
            load(path, Colours)

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PackError, match="absent"):
            load(tmp_path / "absent.yaml", Colours)
