"""The evaluation of wishes: its figures, that nothing leaks into them, and files that cannot be read."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from maskenball.evaluate.choices import read_choices
from maskenball.evaluate.command import evaluate

HEAD = "persona,task,alternative,chosen,price,brand"
LINES = ("p,1,a,1,2,oak", "p,1,b,0,1,elm", "p,1,none,0,,")


def run(folder: Path, *lines: str):
    path = folder / "choices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return CliRunner().invoke(evaluate, ["wishes", "--choices", str(path), "--json"])


def survey(personas=15, tasks=13, known=True):
    """Personas who each have a taste of their own, or choose blindly."""
    random = np.random.default_rng(7)
    for persona in range(personas):
        worths = random.normal(size=2) * 2
        for task in range(tasks):
            rows = random.normal(size=(3, 2)).round(3)
            chosen = (rows @ worths * known + random.gumbel(size=3)).argmax()
            for place, row in enumerate(rows):
                yield f"{persona},{task},{place},{int(place == chosen)},{row[0]},{row[1]}"


class TestRead:
    def test_words_become_columns_and_nothing_is_nothing(self, tmp_path):
        path = tmp_path / "choices.csv"
        path.write_text("\n".join((HEAD, *LINES)), encoding="utf-8")
        found = read_choices(path)
        assert found.columns == ("price", "brand=oak")
        [answer] = found.personas["p"]
        assert answer.chosen == 0
        assert (answer.question != 0).tolist() == [[True, True], [True, False], [False, False]]


class TestCommand:
    def test_it_prints_all_figures(self, tmp_path):
        done = run(tmp_path, "persona,task,alternative,chosen,x,y", *survey())
        assert done.exit_code == 0
        told = json.loads(done.stdout)
        assert (told["personas"], told["columns"]) == (15, 2)
        for name in ("in_order", "at_random", "chosen"):
            assert told[f"{name}_rest_4"]["tested"] == 15 * 9
            assert told[f"{name}_rest_8"]["tested"] == 15 * 5
            assert told[f"{name}_kept_back_8"]["tested"] == 15 * 4
        assert told["in_order_rest_8"]["log_loss"] < told["aggregate_in_order_rest_8"]["log_loss"]

    def test_nothing_is_foretold_where_there_is_nothing_to_know(self, tmp_path):
        # Answers that leaked into their own prediction would show here.
        told = json.loads(run(tmp_path, "persona,task,alternative,chosen,x,y", *survey(known=False)).stdout)
        assert told["chosen_rest_8"]["log_loss"] > 1.0
        assert told["chosen_rest_8"]["hit_rate"] < 0.5

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ((HEAD,), "there is no choice in the file"),
            (("persona,task,chosen,price", "p,1,1,2"), "line 1: alternative is missing from the header"),
            (("persona,task,alternative,chosen", "p,1,a,1"), "line 1: there is no attribute in the header"),
            ((f"{HEAD},price", *LINES), "line 1: a field stands twice in the header"),
            ((HEAD, "p,1,a,1"), "line 2: it has 4 fields, the header has 6"),
            ((HEAD, "p,1,a,secret,2,oak"), "line 2: chosen is neither 0 nor 1"),
            ((HEAD, LINES[0]), "line 2: task has 1 alternatives, 2 to 64 are read"),
            ((HEAD, LINES[0], LINES[0]), "line 2: an alternative stands twice in its task"),
            ((HEAD, LINES[1], LINES[2]), "line 2: 0 alternatives of the task are chosen, 1 is needed"),
            ((HEAD, *LINES, "q,1,a,1,2,oak", "q,1,b,0,2,oak", *LINES), "line 7: task stands in two places of the file"),
            ((HEAD, *LINES), "0 personas have 13 choices or more, 10 are needed"),
        ],
    )
    def test_what_cannot_be_measured_is_named(self, tmp_path, lines, said):
        done = run(tmp_path, *lines)
        assert done.exit_code == 1
        assert said in " ".join(done.stderr.split())
        assert "secret" not in done.output

    def test_a_file_of_another_kind_is_refused(self, tmp_path):
        path = tmp_path / "choices.csv"
        path.write_bytes(b"\xff\xfe\x00")
        done = CliRunner().invoke(evaluate, ["wishes", "--choices", str(path)])
        assert (done.exit_code, "no comma-separated text" in done.stderr) == (1, True)
