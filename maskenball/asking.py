"""How commands for staff ask a running stack, and how they say that they were refused."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console

from infra.local.folder import DataFolder, read_json

DataDir = Annotated[Path, typer.Option(help="The data folder of the running stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]
_REFUSED = 1
_PATIENCE_S = 35.0


def ask(data_dir: Path, method: str, path: str, **sent: Any) -> dict[str, Any]:
    """Ask the gateway as staff; prints why and ends the command with 1 when that is refused or nobody answers."""
    endpoints = read_json(DataFolder(data_dir).endpoints)
    if not endpoints:
        _refuse(f"There is no stack in {data_dir}. Start one with: maskenball up --data-dir {data_dir}")
    headers = {"authorization": f"Bearer {endpoints['staff_key']}"}
    try:
        answer = httpx.request(method, f"{endpoints['gateway']}{path}", headers=headers, timeout=_PATIENCE_S, **sent)
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
