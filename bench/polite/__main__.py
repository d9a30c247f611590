"""`python -m bench.polite`: plays everybody on seeds nothing was chosen on; starts no server."""

import argparse
from collections import defaultdict

from rich.console import Console

from bench.polite.lives import live
from bench.polite.playing import Outcome
from bench.polite.references import references
from bench.report import Result, show, write

#: Whatever is chosen is chosen on these, and judged on others.
DEVELOPMENT = range(1, 5)
JUDGING = range(101, 105)


def main() -> None:
    """Play, write bench/results/polite.json, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.polite", description=__doc__)
    parser.add_argument("--personas", type=int, default=200, help="so many of each seed")
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--development", action="store_true", help="the seeds that may be chosen on; writes nothing")
    options = parser.parse_args()
    console = Console()
    played: defaultdict[str, Outcome] = defaultdict(Outcome)
    for seed in DEVELOPMENT if options.development else JUDGING:
        for name, outcome in references(live(options.personas, options.days, seed)).items():
            played[name] = played[name].plus(outcome)
    results = _results(played)
    show("polite", results, console)
    if not options.development:
        console.print(f"  written to {write('polite', results)}", highlight=False)


def _results(played: dict[str, Outcome]) -> list[Result]:
    always, oracle = played["always"], played["oracle"]
    return [
        Result(
            f"{name}_benefit",
            "offers that helped",
            outcome.benefit,
            note=f"{outcome.contacts:,} contacts, {outcome.contacts / always.contacts:.3f} of always; "
            f"{outcome.removals:,} removals, {outcome.complaints} of them complaints",
        ).against("oracle", oracle.benefit)
        for name, outcome in played.items()
    ]


if __name__ == "__main__":
    main()
