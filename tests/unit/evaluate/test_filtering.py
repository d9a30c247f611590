"""The filter's evaluation: spans count by their kind, texts without spans count as false hits."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from maskenball.evaluate.command import evaluate
from maskenball.evaluate.filtering import evaluate as evaluate_filter
from maskenball.evaluate.kinds import has_shape
from maskenball.evaluate.texts import TextsFormatError

OURS = {"text": "write to ann@example.com", "spans": [{"start": 9, "end": 24, "kind": "email"}]}
THEIRS = {
    "full_text": "Ann pays with 4111 1111 1111 1111",
    "masked": "{{PERSON}} pays with {{CREDIT_CARD}}",
    "spans": [
        {"entity_type": "PERSON", "entity_value": "Ann", "start_position": 0, "end_position": 3},
        {"entity_type": "CREDIT_CARD", "entity_value": "…", "start_position": 14, "end_position": 33},
    ],
    "template_id": 1,
    "metadata": None,
}


def file_of(folder: Path, *texts: Any) -> Path:
    path = folder / "texts.jsonl"
    path.write_text("\n".join(json.dumps(text) for text in texts) + "\n", encoding="utf-8")
    return path


class TestEvaluate:
    def test_both_forms_count(self, tmp_path: Path) -> None:
        outcome = evaluate_filter(file_of(tmp_path, OURS, THEIRS))
        assert outcome["recall"] == 1.0
        assert outcome["by_kind"]["CREDIT_CARD"] == {"spans": 1, "found": 1, "recall": 1.0, "counted": True}

    def test_names_are_told_and_not_counted(self, tmp_path: Path) -> None:
        outcome = evaluate_filter(file_of(tmp_path, THEIRS))
        assert outcome["by_kind"]["PERSON"] == {"spans": 1, "found": 0, "recall": 0.0, "counted": False}
        assert outcome["spans"] == 1

    def test_a_missed_identifier_lowers_recall(self, tmp_path: Path) -> None:
        missed = {"text": "the oak table", "spans": [{"start": 4, "end": 7, "kind": "phone"}]}
        assert evaluate_filter(file_of(tmp_path, OURS, missed))["recall"] == 0.5

    def test_false_hits_are_of_texts_without_spans(self, tmp_path: Path) -> None:
        plain = [{"text": "Toy Story (1995)", "spans": []}] * 3 + [{"text": "call 0170 1234567"}]
        assert evaluate_filter(file_of(tmp_path, OURS, *plain))["false_hits_per_1000"] == 250.0

    def test_one_array_is_read_as_well(self, tmp_path: Path) -> None:
        assert evaluate_filter(file_of(tmp_path, [OURS, THEIRS]))["recall"] == 1.0

    def test_an_empty_file_has_no_figures(self, tmp_path: Path) -> None:
        outcome = evaluate_filter(file_of(tmp_path))
        assert (outcome["recall"], outcome["false_hits_per_1000"]) == (None, None)

    @pytest.mark.parametrize("text", [{"spans": []}, {"text": "x", "spans": [{"start": 1}]}, "x", {"text": 4}])
    def test_what_cannot_be_read_is_named_by_its_line(self, tmp_path: Path, text: Any) -> None:
        with pytest.raises(TextsFormatError, match="2"):
            evaluate_filter(file_of(tmp_path, OURS, text))


class TestCommand:
    def test_it_prints_one_line(self, tmp_path: Path) -> None:
        told = CliRunner().invoke(evaluate, ["filter", "--texts", str(file_of(tmp_path, OURS, THEIRS)), "--json"])
        assert told.exit_code == 0
        assert json.loads(told.stdout).keys() >= {"recall", "false_hits_per_1000", "by_kind"}

    def test_a_missing_file_fails(self, tmp_path: Path) -> None:
        assert CliRunner().invoke(evaluate, ["filter", "--texts", str(tmp_path / "none")]).exit_code == 1


class TestHasShape:
    @pytest.mark.parametrize(
        "kind", ["IP_ADDRESS", "email address", "US_SSN", "B-IBAN", "US_DRIVER_LICENSE", "URL", "id"]
    )
    def test_identifiers_count(self, kind: str) -> None:
        assert has_shape(kind)

    @pytest.mark.parametrize("kind", ["PERSON", "STREET_ADDRESS", "GPE", "date_time", "B-ORG", "Zip Code", "AGE"])
    def test_names_and_places_do_not(self, kind: str) -> None:
        assert not has_shape(kind)
