"""`maskenball consent`: why a purpose is allowed or denied, and floors, on a running stack."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

from infra.local.folder import DataFolder, read_json

consent = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
_REFUSED = 1
_PATIENCE_S = 35.0
DataDir = Annotated[Path, typer.Option(help="The data folder of the running stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]


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
    told = _ask(data_dir, "/v1/consent/explain/handle", {"handle": handle, "purpose": purpose})
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
    told = _ask(data_dir, "/v1/consent/floors", {"purpose": purpose, "floor": floor})
    sys.stdout.write(json.dumps(told) + "\n")


def _ask(data_dir: Path, path: str, body: dict[str, Any]) -> dict[str, Any]:
    endpoints = read_json(DataFolder(data_dir).endpoints)
    if not endpoints:
        _refuse(f"There is no stack in {data_dir}. Start one with: maskenball up --data-dir {data_dir}")
    headers = {"authorization": f"Bearer {endpoints['staff_key']}"}
    try:
        answer = httpx.post(f"{endpoints['gateway']}{path}", json=body, headers=headers, timeout=_PATIENCE_S)
        told: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        _refuse("the stack does not answer; start it with maskenball up, or name its folder with --data-dir")
    if answer.is_error:
        facts = ", ".join(f"{name}: {told[name]}" for name in ("field", "limit") if told.get(name))
        _refuse(f"{told['code']}: {told['message']}" + (f" ({facts})" if facts else ""))
    return told


def _refuse(why: str) -> NoReturn:
    Console(stderr=True).print(f"✗ {why}", style="red", markup=False)
    raise typer.Exit(_REFUSED)


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
