"""`python -m bench.conjoint`: how well real choices are foretold, beside what is commonly done, in one run."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.conjoint.sets import fetch
from bench.report import Result, show, write
from maskenball.evaluate.wishing import evaluate

_CACHE = Path(__file__).parents[2] / ".cache" / "conjoint"
_UNITS = {"hit_rate": "share of choices", "log_loss": "nats a choice"}
#: The way of asking, which answers are the test, and how many answers are known.
_TOLD = ("in_order_rest_4", "in_order_rest_8", "chosen_rest_4", "chosen_rest_8", "chosen_kept_back_8")
_NOTES = {
    "rest": "tested on all questions that were not asked: where those asked were the hard ones, the rest is easier",
    "kept_back": "tested on the last four questions of everybody, whichever were asked before",
}


def main() -> None:
    """Measure both sets, write bench/results/wishes.json, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.conjoint", description=__doc__)
    parser.parse_args()
    results = [result for name, path in fetch(_CACHE).items() for result in _results(name, evaluate(path))]
    show("wishes", results, Console())
    write("wishes", results)


def _results(name: str, outcome: dict[str, Any]) -> Iterator[Result]:
    for told in _TOLD:
        test = next(test for test in _NOTES if f"_{test}_" in told)
        asked = told.rpartition("_")[2]
        for figure, unit in _UNITS.items():
            references = {
                "aggregate": outcome[f"aggregate_in_order_{test}_{asked}"][figure],
                "hierarchical, in order, plugged in": outcome[f"plug_in_in_order_{test}_{asked}"][figure],
                "hierarchical, asked at random": outcome[f"at_random_{test}_{asked}"][figure],
            }
            note = ", ".join(f"{reference} {value:.3f}" for reference, value in references.items())
            yield Result(
                f"{name}_{told}_{figure}", unit, outcome[told][figure], note=f"{note}; {_NOTES[test]}"
            ).against("aggregate", references["aggregate"])
    yield Result(f"{name}_update", "ms a persona and answer", outcome["update_p50_ms"], p50_ms=outcome["update_p50_ms"])
    yield Result(f"{name}_next_question", "ms among at most 17", outcome["ask_p50_ms"], p50_ms=outcome["ask_p50_ms"])


if __name__ == "__main__":
    main()
