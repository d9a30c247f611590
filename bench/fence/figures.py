"""The figures of bench/results/fence.json: reads are added up over runs, the rest is of the last run."""

import json
from collections.abc import Iterable, Mapping, Sequence

from bench.report import RESULTS, Result

NAME = "fence"
#: Added up over the runs in the file. The shares are made of them.
_SUMS = ("checked_reads", "allowed_reads", "stale_reads", "reads_without_fault", "unanswered_without_fault")


def merged(new: Iterable[Result]) -> list[Result]:
    """Return what is in the file with the new figures in it."""
    figures = known()
    for each in new:
        before = figures.get(each.name)
        if each.name in _SUMS and before is not None:
            each.value += before.value
        figures[each.name] = each
    return list(_with_shares(figures).values())


def known() -> dict[str, Result]:
    """Return what is in the file, by name."""
    path = RESULTS / f"{NAME}.json"
    if not path.exists():
        return {}
    return {each["name"]: Result(**each) for each in json.loads(path.read_text(encoding="utf-8"))["results"]}


def broken(figures: Mapping[str, Result]) -> list[str]:
    """Return what is not as promised; a figure that is not there promises nothing."""
    bounds = {
        "stale_reads": lambda value: value == 0,
        "allowed_share": lambda value: value >= 0.1,  # noqa: PLR2004 - the promise
        "availability": lambda value: value >= 0.9999,  # noqa: PLR2004 - the promise
        "control_watch_violations": lambda value: value > 0,
        "control_ttl_violations": lambda value: value > 0,
        "read_check": lambda value: value <= 1,
    }
    return [name for name, holds in bounds.items() if name in figures and not holds(figures[name].value)]


def _with_shares(figures: dict[str, Result]) -> dict[str, Result]:
    shares: Sequence[tuple[str, str, str, float]] = (
        ("allowed_share", "allowed_reads", "checked_reads", 0),
        ("availability", "unanswered_without_fault", "reads_without_fault", 1),
    )
    for name, part, whole, of in shares:
        if part in figures and figures[whole].value:
            share = figures[part].value / figures[whole].value
            figures[name] = Result(name, "share", round(abs(of - share), 6))
    return figures
