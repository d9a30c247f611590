"""The timing evaluation: its figures on a file of a brand, and files that cannot be judged."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from maskenball.evaluate.command import evaluate
from services.recommendation.domain import Bought
from services.recommendation.timing.pack import read_pack


def run(folder, content, *more):
    path = folder / "purchases.csv"
    path.write_text(content, encoding="utf-8")
    return CliRunner().invoke(evaluate, ["timing", "--purchases", str(path), "--json", *more])


@pytest.fixture(scope="module")
def purchases():
    rng = np.random.default_rng(2)
    days = np.datetime64("2025-01-01") + np.concatenate([rng.integers(0, 30, 300), rng.integers(30, 200, 600)])
    customers = np.concatenate([np.arange(300), rng.integers(0, 60, 600)])
    return [f"c{customer},{day},{rng.uniform(1, 9):.2f}" for customer, day in zip(customers, days, strict=True)]


class TestTiming:
    def test_figures_stand_beside_their_references(self, tmp_path, purchases):
        told = json.loads(run(tmp_path, "customer,date,amount\n" + "\n".join(purchases)).stdout)
        assert (told["customers"], told["days"]) == (300, 100)
        assert told["auc"] > 0.7
        assert set(told["baseline_bgnbd"]) == {"auc", "ece", "mae"}

    def test_what_is_fitted_to_the_whole_file_is_kept(self, tmp_path, purchases):
        kept = tmp_path / "timing.yaml"
        assert run(tmp_path, "\n".join(purchases), "--write", str(kept)).exit_code == 0
        pack = read_pack(kept)
        assert (pack.customers, pack.days) == (300, 200)
        often, once = (pack.chance(Bought(days, 0, 190, 5.0 * days), 199, 100) for days in (9, 1))
        assert often > once

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("c1,2025-01-01", "line 2: expected customer, date and amount"),
            ("c1,yesterday,3", "line 2: date is not of the form"),
            ("c1,2025-01-01,much", "line 2: date is not of the form 2026-11-27, or amount is no number"),
            ("c1,2025-01-01,nan", "line 2: amount is not finite"),
        ],
    )
    def test_a_line_that_cannot_be_read_is_named(self, tmp_path, line, said):
        refused = run(tmp_path, f"customer,date,amount\n{line}\n")
        assert refused.exit_code == 1
        assert said in refused.stderr
        assert "yesterday" not in refused.stderr

    def test_too_few_customers_are_refused_with_the_limit(self, tmp_path):
        refused = run(tmp_path, "c1,2025-01-01,3\nc2,2025-06-01,3\n")
        assert "customers: 1 bought in the first half" in refused.stderr
        assert "at least 100" in refused.stderr

    def test_an_empty_file_is_refused(self, tmp_path):
        assert "there is no purchase in the file" in run(tmp_path, "\n").stderr
