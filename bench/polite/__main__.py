"""`python -m bench.polite`: plays everybody on seeds nothing was chosen on; starts no server."""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from bench.polite.lives import Life, live
from bench.polite.playing import Outcome, play
from bench.polite.plotting import plot
from bench.polite.polite import Polite, shipped
from bench.polite.references import references
from bench.report import Result, show, write

#: Whatever is chosen is chosen on these, and judged on others.
DEVELOPMENT = range(1, 5)
#: Those of 101 to 104 judged the first rule, which this one was compared with: they judge nothing any more.
JUDGING = range(201, 205)


#: The rule is played with contacts at these prices, too, to show what fewer of them cost.
PRICES = (0.02, 0.04, 0.16)
_PLOT = Path(__file__).parents[2] / "docs" / "images" / "polite.svg"


def main() -> None:
    """Play, write bench/results/polite.json and the plot, print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.polite", description=__doc__)
    parser.add_argument("--personas", type=int, default=60, help="so many of each seed")
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--development", action="store_true", help="the seeds that may be chosen on; writes nothing")
    options = parser.parse_args()
    console = Console()
    played: defaultdict[str, Outcome] = defaultdict(Outcome)
    for seed in DEVELOPMENT if options.development else JUDGING:
        lives = live(options.personas, options.days, seed)
        for name, outcome in (references(lives) | _policies(lives)).items():
            played[name] = played[name].plus(outcome)
    results = _results(played)
    show("polite", results, console)
    if not options.development:
        console.print(f"  written to {write('polite', results)}", highlight=False)
        _PLOT.write_text(plot(played), encoding="utf-8")


def _policies(lives: Sequence[Life]) -> dict[str, Outcome]:
    pack = shipped()
    priced = {f"maskenball_at_{price}": msgspec.structs.replace(pack, contact_cost=price) for price in PRICES}
    return {name: play(lives, Polite(each)) for name, each in ({"maskenball": pack} | priced).items()}


def _results(played: dict[str, Outcome]) -> list[Result]:
    ours, always, oracle = (played[name] for name in ("maskenball", "always", "oracle"))
    return [
        Result("benefit_of_reachable", "share", round(ours.benefit / oracle.benefit, 4)),
        Result("contacts_of_always", "share", round(ours.contacts / always.contacts, 4)),
        Result("removals_avoided", "share", round(1 - ours.removals / always.removals, 4)),
        *(
            Result(f"{name}_benefit", "offers that helped", outcome.benefit, note=_note(outcome, always)).against(
                "oracle", oracle.benefit
            )
            for name, outcome in played.items()
        ),
    ]


def _note(outcome: Outcome, always: Outcome) -> str:
    return (
        f"{outcome.contacts:,} contacts, {outcome.contacts / always.contacts:.3f} of always; "
        f"{outcome.removals:,} removals, {outcome.complaints} of them complaints"
    )


if __name__ == "__main__":
    main()
