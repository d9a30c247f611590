"""`maskenball explain`: why a decision was made, and why nothing else, on a running stack."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from maskenball.asking import AsJson, DataDir, ask


def explain(
    decision: Annotated[str, typer.Argument(help="The id of a decision, as the app or a list of decisions has it.")],
    data_dir: DataDir = Path(".maskenball"),
    *,
    why_not: Annotated[str, typer.Option(help="Say of this item why it was not what was decided for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say why a decision of the last 30 days was made, and why nothing else.

    Ends with 0; with 1 when it was refused.
    """
    told = ask(data_dir, "GET", f"/v1/decisions/{decision}/explain")
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    screen = Console()
    if why_not:
        screen.print(why_not_of(told, why_not), markup=False)
    else:
        _show(told, screen)


def why_not_of(told: dict[str, Any], item: str) -> str:
    """Return why an item was not what was decided for, as far as the record tells."""
    if told["item"] == item:
        return f"{item} is what was decided for."
    found = next((each for each in told["weighed"] if each["item"] == item), None)
    if found is None:
        closed = ", ".join(f"{name} {count}" for name, count in told["closed"].items() if name != "open" and count)
        return f"{item} is not among the best that were weighed. Gates closed: {closed or 'nothing'}."
    if found["propensity"]:
        chance = f"a chance of {found['propensity']:.1%}"
        return f"{item} was worth {found['value']:.3f} and had {chance}; the lot fell elsewhere."
    return f"{item} was worth {found['value_low']:.3f} at least: too little to be drawn."


def suits_of(suits: dict[str, Any]) -> str:
    """Return where the persona stood, how it played, whom it was like, and what that made of an offer's worth."""
    risk, worth = suits["switching_risk"], [f"{each['kind']} × {each['factor']:.2f}" for each in suits["worth"]]
    known = [
        f"journey {suits['journey']}",
        *([] if risk is None else [f"risk to switch {risk:.2f}"]),
        *([] if suits["is_sold_to"] else ["not sold to"]),
        *(f"plays {name}" for name in suits["play"]),
        *([f"like {suits['like']}"] if suits["like"] else []),
    ]
    return f"{', '.join(known)}; worth of offers: {', '.join(worth) or 'as it is'}"


def _show(told: dict[str, Any], screen: Console) -> None:
    moment = told["moment"]
    at = datetime.fromtimestamp(moment["at_ms"] / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    done = " ".join(filter(None, (told["act"], told["item"], told["silence"])))
    screen.print(
        f"{at} {moment['channel']}, begun by the {moment['initiative']}: {done} → {told['outcome']}", markup=False
    )
    screen.print(f"drawn by {told.get('policy', 'softmax')} with a chance of {told['propensity']:.1%}", markup=False)
    _show_reasons(told, screen)
    _show_limits(told, screen)
    # Records of before it was asked have none.
    if "suits" in told:
        screen.print(suits_of(told["suits"]), markup=False)
    if told["otherwise"] is not None:
        screen.print(f"without it: {told['otherwise'] or 'silence'}", markup=False)
    screen.print(f"not used: {', '.join(told['not_used'])}", markup=False)


def _show_reasons(told: dict[str, Any], screen: Console) -> None:
    table = Table("act", "item", "score", "accepted", "value", "chance")
    for each in told["weighed"]:
        chances = f"{each['p_accept']:.2f} ({each['p_accept_low']:.2f} at least)", f"{each['value']:.3f}"
        table.add_row(each["act"], each["item"], f"{each['score']:.2f}", *chances, f"{each['propensity']:.1%}")
    if told["weighed"]:
        screen.print(table)
    for each in told.get("contributions", ()):
        screen.print(f"  {each['amount']:+.3f} {each['kind']} {each['ref']}".rstrip(), markup=False)


def _show_limits(told: dict[str, Any], screen: Console) -> None:
    limits, manners = told["limits"], told.get("manners", {})
    screen.print(
        f"{limits['relationship']}: {limits['contacts']} of {limits['most_contacts']} contacts in 30 days", markup=False
    )
    if "speaks" in manners:
        verdict = "welcome" if manners["speaks"] else "unwelcome"
        screen.print(
            f"{verdict} while {manners['activity']}: helps {manners['chance']:.3f}, annoys {manners['annoys']:.3f}, "
            f"worth {manners['value_at_least']:+.3f} at least",
            markup=False,
        )
