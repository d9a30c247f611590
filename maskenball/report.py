"""`maskenball report`: what a brand may learn of itself, on a running stack."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from maskenball.asking import AsJson, DataDir, ask

report = typer.Typer(no_args_is_help=True, add_completion=False, help="What a brand may learn of itself.")


@report.callback()
def _about() -> None:
    """Reports about many; of nobody in particular."""


Audience = Annotated[str, typer.Option(help="Of one audience, for example app:shop; all without.")]
_MEASURES = {"cohens_h": "Cohen's h", "odds_ratio": "odds ratio", "cohens_d": "Cohen's d", "cliffs_delta": "Cliff's δ"}


@report.command()
def relationships(
    audience: Audience = "",
    assume: Annotated[
        list[str] | None, typer.Option(help="type:share that the brand assumes, each; the pack's priors without.")
    ] = None,
    data_dir: DataDir = Path(".maskenball"),
    *,
    as_json: AsJson = False,
) -> None:
    """Estimate which relationships personas want, over those who allow being counted. One answer a day.

    Ends with 0; with 1 when it was refused.
    """
    asked = {"audience": audience, "assumed": assume or []}
    told = ask(data_dir, "GET", "/v1/reports/relationships", params=asked)
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _show(told, Console())


@report.command()
def mining(audience: Audience = "", data_dir: DataDir = Path(".maskenball"), *, as_json: AsJson = False) -> None:
    """Tell which traits go with which type, among those who allow being counted. One answer a day.

    Ends with 0; with 1 when it was refused.
    """
    told = ask(data_dir, "GET", "/v1/reports/mining", params={"audience": audience})
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _show_findings(told, Console())


def _show_findings(told: dict[str, Any], screen: Console) -> None:
    findings = told["findings"]
    table = Table(told["pack"], "goes with", "of them", "of others", "how much (interval)")
    for each in findings["found"]:
        shares = [f"{each[name]:.0%}" if name in each else "" for name in ("of_type", "of_others")]
        effects = (
            f"{_MEASURES[name]} {figure['size']:.2f} ({figure['least']:.2f} to {figure['most']:.2f})"
            for name, figure in each["effects"].items()
        )
        table.add_row(each["type"], each["trait"], *shares, ", ".join(effects))
    screen.print(table)
    screen.print(
        f"{len(findings['found'])} of {findings['asked']} pairs of type and trait go together; of such "
        f"{told['false_share']:.0%} are chance at most, on average. About {findings['personas']} personas."
    )


def _show(told: dict[str, Any], screen: Console) -> None:
    if not told["personas"]:
        screen.print("Fewer than 20 personas: nothing is told.")
        return
    table = Table(told["pack"], "measured", "95 %", "assumed", "")
    for each in told["types"]:
        band = each.get("measured")
        share = f"{band['share']:.0%}" if band else ""
        table.add_row(each["type"], share, _between(band), f"{each['assumed']:.0%}", each["verdict"].replace("_", " "))
    screen.print(table)
    screen.print(f"About {told['personas']} personas. Distance to what was assumed: {_figure(told['distance'])}.")
    for old, moves in told["moves"].items():
        screen.print(f"In 90 days {old} → " + ", ".join(f"{new} {share:.0%}" for new, share in moves.items()))
    for name, words in (("matched", "met as they want"), ("missed", "met otherwise")):
        if told[name]:
            screen.print(f"Rejected by those {words}: {_figure(told[name]['rejected'])}.")


def _figure(band: dict[str, float]) -> str:
    return f"{band['share']:.2f} ({_between(band)})"


def _between(band: dict[str, float] | None) -> str:
    return f"{band['least']:.2f} to {band['most']:.2f}" if band else ""
