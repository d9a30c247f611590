"""`python -m tests.simulation [--runs N]`: the fence under faults, as it is and with each rule broken."""

import argparse
import logging
import sys
import time

import structlog
from rich.console import Console
from rich.table import Table

from tests.simulation.variants import HONEST, VARIANTS
from tests.simulation.world import run

_COLUMNS = (
    "protocol",
    "runs",
    "cached reads",
    "asked",
    "unanswered",
    "acknowledged",
    "stale",
    "late",
    "seconds",
)


def look(variant, runs):
    """Run one seed after the other, a broken variant until its first stale read; return the row and what was stale."""
    began = time.monotonic()
    seen = []
    for seed in range(runs):
        seen.append(run(seed, variant))
        if seen[-1].stale and variant is not HONEST:
            break
    stale, late = sum(len(each.stale) for each in seen), sum(len(each.late) for each in seen)
    counts = (sum(getattr(each, name) for each in seen) for name in ("cached", "asked", "unanswered", "acknowledged"))
    row = (len(seen), *counts, stale, late, round(time.monotonic() - began))
    return [variant.name, *(f"{each:,}" for each in row)], stale, late


def main():
    """Print a table; fail when the protocol has a stale read, or a broken one none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="seeds, of half a minute of virtual time each")
    runs = parser.parse_args().runs
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    table = Table(title=f"The fence, {runs} seeds at most", title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "protocol" else "right")
    wrong = []
    for variant in (HONEST, *VARIANTS):
        row, stale, late = look(variant, runs)
        table.add_row(*row)
        if bool(stale or late) if variant is HONEST else not stale:
            wrong.append(variant.name)
    Console(width=150).print(table)
    sys.exit("Not as promised: " + "; ".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
