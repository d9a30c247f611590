"""`maskenball up`: the whole platform on this machine, until Ctrl-C."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.sources import PACK, load_sources
from infra.local.errors import StackError, StopRequested
from infra.local.folder import DataFolder
from infra.local.stack import LocalStack
from kit.packs import PackError
from maskenball.progress import progress_on

# As the gateway reads it.
_SOURCES_FILE = "MASKENBALL_SOURCES_FILE"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(
    data_dir: Annotated[Path, typer.Option(readable=False, help="Where everything is kept; made when missing.")] = Path(
        ".maskenball"
    ),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Plain progress, and one JSON line when ready.")] = False,
) -> None:
    """Start PostgreSQL, NATS and every process; run until Ctrl-C. A second start goes on with the data."""
    screen = Console(stderr=True, no_color=as_json or None, force_terminal=False if as_json else None)
    # Logs and keys are for the owner of the data folder alone, whoever writes them.
    os.umask(0o077)
    try:
        asked = load_sources(Path(os.environ.get(_SOURCES_FILE, PACK))).durability_classes
    except PackError as error:
        screen.print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    stop_requested = threading.Event()
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: stop_requested.set())
    failed = False
    with progress_on(screen) as progress:
        stack = LocalStack(
            DataFolder(data_dir), progress=progress, stop_requested=stop_requested, durability_classes=asked
        )
        try:
            endpoints = stack.start()
            progress.ends()
            _tell(endpoints, screen, as_json=as_json)
            stack.watch()
        except StopRequested:
            pass
        except StackError as error:
            failed = True
            progress.fails(str(error))
        finally:
            stack.stop()
    raise typer.Exit(1 if failed else 0)


def _tell(endpoints: dict[str, object], screen: Console, *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        sys.stdout.write(json.dumps(endpoints) + "\n")
        sys.stdout.flush()
    screen.print(f"\nReady. Apps: {endpoints['gateway']}   Worlds: {endpoints['adapter']}", highlight=False)
    screen.print(f"Keys and addresses: {endpoints['data_dir']}/endpoints.json (for development only)", highlight=False)
    screen.print("Ctrl-C stops everything and keeps the data.", highlight=False)
