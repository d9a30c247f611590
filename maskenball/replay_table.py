"""What a replay found, for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

_MOST_ROWS = 10
_ASPECTS = {
    "any": "view",
    "likes": "likes",
    "dislikes": "dislikes",
    "wishes": "wishes",
    "kinds": "kinds",
    "channels": "channels",
    "day_part": "part of the day",
    "recency": "last seen",
}


def show(outcome: dict[str, Any], console: Console) -> None:
    """Print it as tables."""
    least = outcome["least_personas"]
    console.print(_read(outcome, least), _check(outcome), sep="\n", highlight=False)
    if outcome["candidate"] is None:
        return
    console.print(_changes(outcome))
    console.print(_views(outcome, least))
    moved = _moved(outcome)
    if moved.row_count:
        console.print(moved)
    console.print(f"Not shown: whatever stands for fewer than {least} personas.", highlight=False)


def _read(outcome: dict[str, Any], least: int) -> Table:
    since = outcome["from"] or "the beginning"
    table = Table(title=f"From {since} until {outcome['until'] or 'now'}, {outcome['seconds']} s")
    for name in ("personas", "facets", "interactions", "folded", "withheld today"):
        table.add_column(name, justify="right")
    counts = (outcome[name] for name in ("personas", "facets", "interactions", "folded", "withheld"))
    table.add_row(*(_number(count, least) for count in counts))
    return table


def _check(outcome: dict[str, Any]) -> str:
    unreadable = f" {outcome['unreadable']} facets do not open." if outcome["unreadable"] else ""
    check = outcome["check"]
    if check is None:
        return f"recomputed = live cannot be checked on a part of the time.{unreadable}"
    if not check["differing"]:
        return f"recomputed = live, bit for bit, for {check['matching']:,} facets.{unreadable}"
    first = check["first_difference"]
    return (
        f"RECOMPUTED IS NOT LIVE for {check['differing']:,} facets; it is for {check['matching']:,}.{unreadable} First:"
        f" shard {first['shard']}, facet {first['facet']}, in {', '.join(first['parts'])}."
    )


def _changes(outcome: dict[str, Any]) -> Table:
    live, candidate = (f"{outcome[name]['id']} {outcome[name]['version']}" for name in ("live", "candidate"))
    table = Table("changed", live, candidate, caption=None if outcome["changes"] else "the same pack")
    for change in outcome["changes"]:
        table.add_row(change["field"], change["live"], change["candidate"])
    return table


def _views(outcome: dict[str, Any], least: int) -> Table:
    table = Table("what audiences see", title=f"{_number(outcome['facets_changed'], least)} facets change inside")
    table.add_column("changes for personas", justify="right")
    table.add_column("share", justify="right")
    for aspect, name in _ASPECTS.items():
        count, personas = outcome["changed"][aspect], outcome["personas"]
        table.add_row(name, _number(count, least), f"{count / personas:.1%}" if count and personas else "")
    return table


def _moved(outcome: dict[str, Any]) -> Table:
    table = Table("", "name", title="Most moved")
    table.add_column("gained by", justify="right")
    table.add_column("lost by", justify="right")
    for aspect in ("likes", "dislikes", "wishes", "kinds"):
        gained, lost = outcome["gained"][aspect], outcome["lost"][aspect]
        ranked = sorted({*gained, *lost}, key=lambda name: (-gained.get(name, 0) - lost.get(name, 0), name))
        for name in ranked[:_MOST_ROWS]:
            table.add_row(aspect, name, *(f"{side[name]:,}" if name in side else "" for side in (gained, lost)))
    return table


def _number(count: int | None, least: int) -> str:
    return f"< {least}" if count is None else f"{count:,}"
