import json

import pytest
from typer.testing import CliRunner

from maskenball.__main__ import app
from maskenball.evaluate.policy import LogFormatError, evaluate


def decision(number, **changes):
    """The better of two is shown every other time, and accepted."""
    shown = "good" if number % 2 else "bad"
    line = {
        "candidates": [{"item": "good", "features": {"score": 1.0}}, {"item": "bad", "features": {"score": 0.0}}],
        "action": shown,
        "propensity": 0.5,
        "reward": 1.0 if shown == "good" and number % 10 else 0.0,
    }
    return {**line, **changes}


def written(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def log(tmp_path):
    return written(tmp_path / "log.jsonl", [decision(number) for number in range(400)])


class TestEvaluate:
    def test_the_better_policy_goes_live_and_an_even_one_does_not(self, log):
        best, even = evaluate(log, "best:score"), evaluate(log, "uniform")
        assert best["goes_live"]
        assert best["dr"]["gain"][1] > 0
        assert not even["goes_live"]

    def test_chances_from_a_file_are_those_of_the_policy(self, log, tmp_path):
        told = written(tmp_path / "policy.jsonl", [{"good": 1.0}] * 400)
        assert evaluate(log, str(told)) == evaluate(log, "best:score")

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"propensity": 0.0}, "log[7].propensity"),
            ({"propensity": 1.5}, "log[7].propensity"),
            ({"action": "other"}, "log[7].action"),
            ({"reward": None}, "log[7]"),
            ({"candidates": [{"item": "good"}, {"item": "good"}]}, "log[7].candidates"),
        ],
    )
    def test_a_bad_line_is_named_with_its_field(self, tmp_path, changes, field):
        lines = [decision(number, **(changes if number == 6 else {})) for number in range(200)]
        with pytest.raises(LogFormatError) as refused:
            evaluate(written(tmp_path / "log.jsonl", lines), "uniform")
        assert refused.value.field == field

    def test_a_bad_policy_is_named_with_its_line(self, log, tmp_path):
        for lines, field in (([{"good": 1.0}] * 399, "candidate"), ([{"good": 0.4}] * 400, "candidate[1]")):
            with pytest.raises(LogFormatError) as refused:
                evaluate(log, str(written(tmp_path / "policy.jsonl", lines)))
            assert refused.value.field == field
        with pytest.raises(LogFormatError, match="feature"):
            evaluate(log, "best:luck")

    def test_too_few_decisions_are_refused(self, tmp_path):
        with pytest.raises(LogFormatError, match="too few"):
            evaluate(written(tmp_path / "log.jsonl", [decision(1)] * 99), "uniform")


def test_the_command_prints_one_line(log):
    done = CliRunner().invoke(app, ["evaluate", "policy", "--log", str(log), "--candidate", "best:score", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)["goes_live"] is True
