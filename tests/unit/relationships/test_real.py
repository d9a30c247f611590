"""Real texts: what is at hand is read by its record, what is not is left out, and another version is refused."""

import pytest

from relationships.corpus import STANCES, CorpusError
from relationships.real import JUDGE, LABELS, LEARN, at_hand, digest_of_labels, read_labels, read_real

LEAST_JUDGED, LEAST_LEARNT = 500, 2_000


class TestLabels:
    def test_what_judges_is_of_no_source_that_is_learnt_from(self):
        rows = read_labels()
        learnt, judging = ({row.file.split(".")[0] for row in rows if row.part == part} for part in (LEARN, JUDGE))
        assert learnt
        assert judging
        assert not learnt & judging

    def test_there_are_hundreds_of_either_and_every_label_is_in_both(self):
        rows = read_labels()
        for part, least in ((LEARN, LEAST_LEARNT), (JUDGE, LEAST_JUDGED)):
            stances = [row.stance for row in rows if row.part == part]
            assert len(stances) >= least
            assert set(stances) == set(STANCES)

    def test_no_record_is_there_twice(self):
        rows = read_labels()
        assert len({(row.file, row.record) for row in rows}) == len(rows)

    def test_the_labels_are_all_that_is_kept(self):
        assert all(line.count("\t") == 4 and len(line) < 90 for line in LABELS.read_text(encoding="utf-8").splitlines())


class TestDigest:
    def test_it_changes_with_what_is_learnt_and_not_with_what_judges(self, tmp_path):
        before = labels(tmp_path, "learn a.tsv 1 fan", "judge b.tsv 1 fan")
        judged = labels(tmp_path, "learn a.tsv 1 fan", "judge b.tsv 1 none")
        learnt = labels(tmp_path, "learn a.tsv 1 none", "judge b.tsv 1 fan")
        assert digest_of_labels(before) == digest_of_labels(judged) != digest_of_labels(learnt)


class TestReadReal:
    def test_texts_are_found_by_their_record_whatever_form_a_file_has(self, tmp_path):
        (tmp_path / "report.md").write_text("> Gut<br> :date: __1__\n\n> Schlecht<br> :date: __2__\n", encoding="utf-8")
        (tmp_path / "rows.csv").write_text(",brand,review\n0,x,Lecker\n3,x,Bitter\n", encoding="utf-8")
        (tmp_path / "lines.txt").write_text("1\t2.0\tcafé\n2\t0.1\tnice\n", encoding="latin-1")
        (tmp_path / "copied.tsv").write_text("7\tmacht weiter so\n", encoding="utf-8")
        rows = labels(
            tmp_path,
            "learn report.md 2 adversary",
            "learn rows.csv 3 buyer_seller",
            "learn lines.txt 1 none",
            "learn copied.tsv 7 fan",
            "learn absent.md 1 fan",
        )
        found = read_real(tmp_path, rows)
        assert [(phrase.text, phrase.stance) for phrase in found[LEARN]] == [
            ("Schlecht", "adversary"),
            ("Bitter", "buyer_seller"),
            ("café", "none"),
            ("macht weiter so", "fan"),
        ]
        assert [row.file for row in at_hand(tmp_path, rows)] == ["report.md", "rows.csv", "lines.txt", "copied.tsv"]

    def test_a_source_is_one_register_in_whatever_form(self, tmp_path):
        (tmp_path / "app.md").write_text("> Gut<br> :date: __1__\n", encoding="utf-8")
        (tmp_path / "app.tsv").write_text("1\tSchlecht\n", encoding="utf-8")
        found = read_real(tmp_path, labels(tmp_path, "learn app.md 1 fan", "learn app.tsv 1 adversary"))
        assert {phrase.register for phrase in found[LEARN]} == {"app"}

    def test_a_folder_without_any_has_no_part(self, tmp_path):
        assert read_real(tmp_path, read_labels()) == {}

    def test_a_record_that_is_not_there_names_the_file(self, tmp_path):
        (tmp_path / "report.md").write_text("> Gut<br> :date: __1__\n", encoding="utf-8")
        with pytest.raises(CorpusError, match=r"report\.md has no record 7"):
            read_real(tmp_path, labels(tmp_path, "learn report.md 7 fan"))


def labels(folder, *rows):
    path = folder / "labels.tsv"
    path.write_text("".join("{}\tde\t{}\t{}\t{}\n".format(*row.split()) for row in rows), encoding="utf-8")
    return read_labels(path)
