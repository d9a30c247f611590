"""`python -m bench.timing`: foretells the second half of CDNOW's purchases from the first; starts no server."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.report import Result, show, write
from maskenball.evaluate.timing import evaluate

_ROOT = Path(__file__).parents[1]
_CACHE = _ROOT / ".cache" / "timing"
_REQUIREMENT = _ROOT / "requirements" / "timing-data.txt"
_INSIDE = "lifetimes/datasets/CDNOW_master.txt"


def main() -> None:
    """Measure, write bench/results/timing.json, print a table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="maskenball-timing-") as folder, zipfile.ZipFile(_wheel()) as wheel:
        outcome = evaluate(Path(wheel.extract(_INSIDE, folder)))
    results = _results(outcome)
    show("timing", results, console)
    console.print(f"  written to {write('timing', results)}", highlight=False)


def _wheel() -> Path:
    if not list(_CACHE.glob("[Ll]ifetimes-*.whl")):
        _CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(  # noqa: S603  # a fixed command line
            [*command, "--require-hashes", "--dest", str(_CACHE), "--requirement", str(_REQUIREMENT)], check=True
        )
    return next(_CACHE.glob("[Ll]ifetimes-*.whl"))


def _results(outcome: dict[str, Any]) -> list[Result]:
    bgnbd, plain = outcome["baseline_bgnbd"], outcome["baseline_recency_frequency"]
    return [
        Result("cdnow_auc", "AUC", outcome["auc"]).against("recency and frequency", plain["auc"]),
        Result("cdnow_ece", "ECE, ten bins", outcome["ece"]).against("BG/NBD", bgnbd["ece"]),
        Result("cdnow_count_mae", "purchases", outcome["mae"], note="medians beside BG/NBD's means").against(
            "BG/NBD", bgnbd["mae"]
        ),
        Result("baseline_bgnbd_auc", "AUC", bgnbd["auc"]),
    ]


if __name__ == "__main__":
    main()
