"""The relationship evaluation: its figures, its predictions, and lines that cannot be read."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from maskenball.evaluate.command import evaluate
from relationships.measuring import (
    alarms,
    balanced_macro_f1,
    balanced_recall,
    calibration_error,
    coverage,
    figures,
    macro_f1,
)

TEXTS = [
    {"id": "1", "text": "Ich liebe diese Marke!", "lang": "de", "label": "fan"},
    {"id": "2", "text": "Morgen fährt der Zug von Gleis vier.", "lang": "de", "label": "none"},
    {"text": "Stay away from these scammers!", "lang": "en", "label": "adversary"},
]


def run(folder: Path, *lines: str, options: tuple[str, ...] = ()):
    path = folder / "texts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return CliRunner().invoke(evaluate, ["relationship", "--texts", str(path), "--json", *options])


class TestFigures:
    def test_macro_f1_counts_every_label_the_same(self):
        assert macro_f1(["a", "a", "a", "b"], ["a", "a", "a", "a"]) == pytest.approx((6 / 7 + 0) / 2)

    def test_balanced_figures_do_not_depend_on_how_many_texts_a_label_has(self):
        right, told = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
        more = right + ["a", "a"] * 9, told + ["a", "b"] * 9
        for measure in (balanced_macro_f1, balanced_recall):
            assert measure(right, told) == pytest.approx(measure(*more))
        assert balanced_recall(right, told) == pytest.approx(0.75)
        assert macro_f1(*more) != pytest.approx(macro_f1(right, told))

    def test_intervals_hold_the_figure_and_narrow_with_more_texts(self):
        right, told = ["a", "b"] * 10, ["a", "b", "b", "b"] * 5
        few, many = (
            figures(right * times, ["de"] * 20 * times, told * times, np.full(20 * times, 0.5, dtype=np.float32))
            for times in (1, 20)
        )
        for name in ("macro_f1", "balanced_macro_f1"):
            least, most = few[f"{name}_95"]
            assert least < few[name] < most
            assert most - least > 2 * (many[f"{name}_95"][1] - many[f"{name}_95"][0])

    def test_who_is_as_sure_as_right_has_no_error(self):
        sure = np.array([0.75] * 4, dtype=np.float32)
        assert calibration_error(sure, np.array([True, True, True, False])) == pytest.approx(0)

    def test_the_surest_are_covered_first(self):
        sure = np.array([0.9, 0.6, 0.8, 0.7], dtype=np.float32)
        curve = coverage(sure, np.array([True, False, True, False]))
        assert [each["accuracy"] for each in curve] == [1.0, 1.0, 0.6667, 0.5]

    def test_alarms_are_counted_where_nothing_was_said(self):
        sure = np.array([0.9, 0.6, 0.9], dtype=np.float32)
        answers = ["none", "none", "fan"], ["none", "fan", "none"]
        assert alarms(*answers, sure, 0.0) == 500
        assert alarms(*answers, sure, 0.8) == 0
        assert alarms(["fan"], ["fan"], sure[:1], 0.0) is None


class TestCommand:
    def test_it_prints_all_figures_and_writes_predictions(self, tmp_path):
        out = tmp_path / "out.jsonl"
        done = run(tmp_path, *(json.dumps(text) for text in TEXTS), options=("--predictions", str(out)))
        assert done.exit_code == 0
        printed = json.loads(done.stdout)
        assert {"macro_f1", "macro_f1_by_lang", "accuracy", "ece", "coverage", "false_alarms_per_1000"} <= set(printed)
        assert set(printed["macro_f1_by_lang"]) == {"de", "en"}
        predictions = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert [each["id"] for each in predictions] == ["1", "2", 3]
        assert all(sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-3) for each in predictions)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ('{"text": "x", "lang": "de"}', "line 1: Object missing required field `label`"),
            ('{"text": "x", "lang": "de", "label": "king"}', "line 1: label is none of"),
            ("{secret", "line 1: it is no JSON object"),
            ("", "there is no text"),
            (json.dumps({"text": "x" * 20_001, "lang": "de", "label": "fan"}), "more than 20000 characters"),
        ],
    )
    def test_what_cannot_be_read_is_named_and_never_shown(self, tmp_path, line, said):
        done = run(tmp_path, line)
        assert done.exit_code == 1
        assert said in " ".join(done.stderr.split())
        assert "secret" not in done.stderr

    def test_a_pack_that_does_not_exist_is_refused(self, tmp_path):
        done = run(tmp_path, json.dumps(TEXTS[0]), options=("--pack", "core5"))
        assert done.exit_code == 1
        assert "core5" in done.stderr
