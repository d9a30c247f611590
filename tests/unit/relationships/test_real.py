"""Real texts: what is at hand is read by its record, what is not is left out, and another version is refused."""

import pytest

from relationships.corpus import STANCES, CorpusError
from relationships.real import LABELS, read_real


class TestLabels:
    def test_no_source_is_in_both_parts(self):
        rows = [line.split("\t") for line in LABELS.read_text(encoding="utf-8").splitlines()]
        parts = {(file, part) for part, _, file, _, _ in rows}
        assert len(parts) == len({file for file, _ in parts})

    def test_every_label_is_a_stance_and_no_record_is_there_twice(self):
        rows = [line.split("\t") for line in LABELS.read_text(encoding="utf-8").splitlines()]
        assert {row[-1] for row in rows} <= set(STANCES)
        assert len({(file, record) for _, _, file, record, _ in rows}) == len(rows)


class TestReadReal:
    def test_reviews_rows_and_lines_are_found_by_their_record(self, tmp_path):
        (tmp_path / "report.md").write_text("> Gut<br> :date: __1__\n\n> Schlecht<br> :date: __2__\n", encoding="utf-8")
        (tmp_path / "rows.csv").write_text(",brand,review\n0,x,Lecker\n3,x,Bitter\n", encoding="utf-8")
        (tmp_path / "lines.txt").write_text("1\t2.0\tcafé\n2\t0.1\tnice\n", encoding="latin-1")
        found = read_real(
            tmp_path,
            labels(tmp_path, "report.md 2 adversary", "rows.csv 3 buyer_seller", "lines.txt 1 none", "absent.md 1 fan"),
        )
        assert [(phrase.text, phrase.stance) for phrase in found["dev"]] == [
            ("Schlecht", "adversary"),
            ("Bitter", "buyer_seller"),
            ("café", "none"),
        ]

    def test_a_folder_without_any_has_no_part(self, tmp_path):
        assert read_real(tmp_path) == {}

    def test_a_record_that_is_not_there_names_the_file(self, tmp_path):
        (tmp_path / "report.md").write_text("> Gut<br> :date: __1__\n", encoding="utf-8")
        with pytest.raises(CorpusError, match=r"report\.md has no record 7"):
            read_real(tmp_path, labels(tmp_path, "report.md 7 fan"))


def labels(folder, *rows):
    path = folder / "labels.tsv"
    path.write_text("".join("\t".join(("dev", "de", *row.split())) + "\n" for row in rows), encoding="utf-8")
    return path
