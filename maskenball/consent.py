"""`maskenball consent`: why a purpose is allowed or denied, and floors, on a running stack."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from maskenball.asking import AsJson, DataDir, ask

consent = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@consent.callback()
def _about() -> None:
    """Consent of personas, for staff."""


@consent.command()
def explain(
    handle: Annotated[str, typer.Argument(help="The name that an audience has for the persona, as views carry it.")],
    purpose: Annotated[str, typer.Option(help="Purpose id, for example recommend.offer.")],
    data_dir: DataDir = Path(".maskenball"),
    *,
    as_json: AsJson = False,
) -> None:
    """Say why a purpose is allowed or denied, with the records that led there.

    Ends with 0; with 1 when it was refused.
    """
    told = ask(data_dir, "POST", "/v1/consent/explain/handle", json={"handle": handle, "purpose": purpose})
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _show(told, Console())


@consent.command(name="raise-floor")
def raise_floor(
    purpose: Annotated[str, typer.Argument(help="Purpose id.")],
    floor: Annotated[int, typer.Argument(help="Lowest version of its meaning whose consents are still read.")],
    data_dir: DataDir = Path(".maskenball"),
) -> None:
    """Stop reading consents to older versions of a purpose, at once and everywhere. A floor never falls."""
    told = ask(data_dir, "POST", "/v1/consent/floors", json={"purpose": purpose, "floor": floor})
    sys.stdout.write(json.dumps(told) + "\n")


def _show(told: dict[str, Any], screen: Console) -> None:
    decision = told["decision"]
    verdict = "allowed" if decision["is_allowed"] else "denied"
    screen.print(f"{decision['purpose']} is {verdict} for {told['audience']}: {decision['reason']}", markup=False)
    screen.print(f"version {told['version']}, read from version {told['floor']} on, at sequence {decision['sequence']}")
    if not told["records"]:
        screen.print("Nothing was ever recorded.")
        return
    table = Table("state", "version", "stated", "expires", "by", "conflicts with", "record")
    for record in told["records"]:
        moments = (_moment(record[name]) for name in ("stated_at_ms", "expires_at_ms"))
        version, conflict = str(record["purpose_version"]), record["conflicts_with"]
        table.add_row(record["state"], version, *moments, record["method"], conflict, record["record_id"])
    screen.print(table)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(sep=" ", timespec="seconds") if at_ms else ""
