"""`maskenball aggregates`: what the personas of an audience have in common, with noise, on a running stack."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from maskenball.asking import AsJson, DataDir, ask


def aggregates(
    counted: Annotated[
        str, typer.Argument(help="personas, likes, dislikes, wishes, channels, day_parts or recency_periods.")
    ],
    audience: Annotated[str, typer.Option(help="Whose personas are counted, for example app:shop.")],
    epsilon: Annotated[float, typer.Option(help="Price: more buys less noise.")] = 0.5,
    data_dir: DataDir = Path(".maskenball"),
    *,
    as_json: AsJson = False,
) -> None:
    """Count over the personas who allow it now. Spends privacy budget; asking the same again on one day is free.

    Ends with 0; with 1 when it was refused, as when the budget is spent.
    """
    asked = {"counted": counted, "audience": audience, "epsilon": str(epsilon)}
    told = ask(data_dir, "GET", "/v1/aggregates", params=asked)
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _show(told, Console())


def _show(told: dict[str, Any], screen: Console) -> None:
    table = Table(told["counted"], "personas, about")
    for key, count in sorted(told["counts"].items(), key=lambda each: (-each[1], each[0])):
        table.add_row(key, str(count))
    screen.print(table)
    off = round(3 * told["scale"])
    renews_at = datetime.fromtimestamp(told["renews_at_ms"] / 1000, UTC).isoformat(sep=" ", timespec="minutes")
    screen.print(f"Off by {off} at most, 19 times of 20. Below {told['threshold']} nothing is told.")
    screen.print(f"Counted anew from {renews_at} on.")
    screen.print(f"{told['spent']:g} of {told['budget']:g} are spent in {told['window_days']} days.")
