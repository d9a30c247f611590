"""`maskenball policy`: what draws decisions, on a running stack."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from maskenball.asking import AsJson, DataDir, ask

policy = typer.Typer(no_args_is_help=True, add_completion=False, help="What draws decisions.")
_PATH = "/v1/policy"


@policy.callback()
def _about() -> None:
    """The reference (softmax), or the bandit that has learnt from answers."""


@policy.command()
def show(data_dir: DataDir = Path(".maskenball"), *, as_json: AsJson = False) -> None:
    """Say what draws, and what the log says of the bandit. Ends with 0; with 1 when it was refused."""
    _say(ask(data_dir, "GET", _PATH), as_json=as_json)


@policy.command(name="set")
def set_(
    name: Annotated[str, typer.Argument(help="softmax or bandit.")],
    data_dir: DataDir = Path(".maskenball"),
    *,
    as_json: AsJson = False,
) -> None:
    """Have it draw within a second. The bandit goes live only when the lower bound of what it gains is above 0.

    Ends with 0; with 1 when it was refused.
    """
    _say(ask(data_dir, "PUT", _PATH, json={"policy": name}), as_json=as_json)


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    gain = told["gain"]
    known = (
        "nothing is known yet" if gain is None else f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
    )
    screen = Console()
    screen.print(f"{told['policy']} draws. The bandit instead, with each of {told['answers']} answers: {known}.")
    screen.print("It may go live." if told["goes_live"] else "It may not go live: the lower bound is not above 0.")
