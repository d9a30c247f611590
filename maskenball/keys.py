"""`maskenball keys`: versions of the keys behind ids and handles, of a stack that runs or not."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from infra.local.folder import DataFolder
from kit import rotation
from kit.errors import TypedError
from kit.keyring import FolderKeyRing

keys = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
_REFUSED = 1


class Kind(StrEnum):
    """Which keys: those that make ids of raw ids, or those that make handles of personas."""

    EDGE = "edge"
    PAIR = "pair"


KindOption = Annotated[Kind, typer.Option(help="Keys behind ids (edge) or behind handles (pair).")]
Audience = Annotated[
    str, typer.Option(help="Handles of one audience alone, for example world:oak-street. Kind pair only.")
]
VersionOption = Annotated[str, typer.Option(help="Version, as list shows it.")]
DataDir = Annotated[Path, typer.Option(help="The data folder of the stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]
_HERE = Path(".maskenball")


@keys.callback()
def _about() -> None:
    """Keys behind ids and handles. Processes follow a change within a second; nothing has to be restarted."""


@keys.command(name="list")
def list_keys(kind: KindOption, audience: Audience = "", data_dir: DataDir = _HERE, *, as_json: AsJson = False) -> None:
    """Say which versions there are, and what each is good for: active, read or retired."""
    found = rotation.listing(_ring(data_dir, kind, audience), kind, audience)
    if as_json:
        told = [{"version": each.version, "state": each.state, "created_at": each.created_at} for each in found]
        sys.stdout.write(json.dumps({"kind": kind, "audience": audience, "versions": told}) + "\n")
        return
    table = Table("version", "state", "since", "of")
    for each in found:
        since = datetime.fromtimestamp(each.created_at, UTC).isoformat(sep=" ", timespec="seconds")
        table.add_row(each.version, each.state, since, each.family)
    Console().print(table)


@keys.command()
def rotate(kind: KindOption, audience: Audience = "", data_dir: DataDir = _HERE) -> None:
    """Make a new version active. What the one before made is understood until its grace ends."""
    made = rotation.rotate(_ring(data_dir, kind, audience), kind, audience)
    _say(kind, audience, made.version, "active")


@keys.command()
def retire(kind: KindOption, version: VersionOption, audience: Audience = "", data_dir: DataDir = _HERE) -> None:
    """End the grace of a version now: nothing understands any more what it made."""
    ring = _ring(data_dir, kind, audience)
    _try(lambda: rotation.retire(ring, kind, version, audience))
    _say(kind, audience, version, "retired")


@keys.command()
def destroy(kind: KindOption, version: VersionOption, audience: Audience = "", data_dir: DataDir = _HERE) -> None:
    """Destroy a retired version for good."""
    ring = _ring(data_dir, kind, audience)
    _try(lambda: rotation.destroy(ring, kind, version, audience))
    _say(kind, audience, version, "destroyed")


def _ring(data_dir: Path, kind: Kind, audience: str) -> FolderKeyRing:
    folder = DataFolder(data_dir).keyring
    if audience and kind is not Kind.PAIR:
        _refuse("an edge key stands for all audiences: leave --audience away")
    if audience and not audience.startswith(("app:", "world:")):
        _refuse("an audience is named app:<source> or world:<world>")
    ring = FolderKeyRing(folder)
    if not ring.versions(kind):
        _refuse(f"There are no keys in {folder}. Name the data folder with --data-dir.")
    return ring


def _try(change: Callable[[], None]) -> None:
    try:
        change()
    except TypedError as error:
        _refuse(f"{error.reason}: {error.message}" + (f" (field: {error.field})" if error.field else ""))


def _say(kind: Kind, audience: str, version: str, state: str) -> None:
    told = {"kind": kind, "audience": audience, "version": version, "state": state}
    sys.stdout.write(json.dumps(told) + "\n")


def _refuse(why: str) -> NoReturn:
    Console(stderr=True).print(f"✗ {why}", style="red", markup=False)
    raise typer.Exit(_REFUSED)
