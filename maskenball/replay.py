"""`maskenball replay`: what a changed pack would make of real history, beside what is live; nothing is written."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from infra.local.errors import StackError
from infra.local.folder import DataFolder, read_json
from maskenball.progress import Steps, progress_on
from maskenball.replay_table import show

_REFUSED = 1
# Everything else is in the stack's files; the C core of gRPC would write free text beside the progress.
_QUIET = {"GRPC_VERBOSITY": "NONE", "MASKENBALL_DIE_WITH_PARENT": "1"}


def replay(
    from_: Annotated[
        str | None, typer.Option("--from", help="First event time: an ISO date or time, or how long ago (7d, 12h).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Event time at which to end; it is not included.")] = None,
    pack: Annotated[
        Path | None,
        typer.Option(help="The candidate, YAML: kinds, translation. Without it, history is checked."),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data folder of the running stack.")] = Path(".maskenball"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Fold stored interactions under a candidate pack beside the live one, and show the difference.

    Nothing is written. Only personas are read whose data key exists and who allow collect.behaviour today; no number is
    shown that stands for fewer than 20 of them. Without --from and --until it also checks that what is live is, bit for
    bit, what history makes.

    What can be tried: other weights by kind; what a stored kind or topic becomes, by source and channel. What cannot:
    names and properties of raw events, and what a door dropped or set aside. They were never stored.

    Ends with 0; with 1 when it was refused, with 2 when live is not what history makes.
    """
    screen = Console(stderr=True, no_color=as_json or None, force_terminal=False if as_json else None)
    options = [
        part
        for name, said in (("--from", from_), ("--until", until), ("--pack", pack and pack.absolute()))
        if said is not None
        for part in (f"{name}={said}",)
    ]
    # Logs are for the owner of the data folder alone.
    os.umask(0o077)
    try:
        environment = _environment(DataFolder(data_dir))
    except StackError as error:
        screen.print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(_REFUSED) from error
    with progress_on(screen) as progress:
        outcome, status = _run(options, environment, progress)
        if outcome is None or "refused" in outcome:
            progress.fails(_reason(outcome))
    if outcome is None or "refused" in outcome:
        if as_json and outcome is not None:
            sys.stdout.write(json.dumps(outcome) + "\n")
        raise typer.Exit(_REFUSED)
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        show(outcome, Console())
    raise typer.Exit(status)


def _environment(folder: DataFolder) -> dict[str, str]:
    """Return the settings of the profile service of a running stack."""
    endpoints: dict[str, Any] = read_json(folder.endpoints)
    if not endpoints:
        raise StackError(f"There is no stack in {folder.path}. Start one with: maskenball up --data-dir {folder.path}")
    told = {
        "BRAND": endpoints["brand"],
        "DATABASE_URL": endpoints["databases"]["profile"],
        "VAULT_URL": endpoints["databases"]["vault"],
        "CONSENT_ADDRESS": endpoints["grpc"]["consent"],
        "KEYRING_DIR": str(folder.keyring),
        "LOG_FILE": str(folder.logs / "profile_replay.jsonl"),
    }
    return {**os.environ, **_QUIET, **{f"MASKENBALL_{name}": value for name, value in told.items()}}


def _run(options: list[str], environment: dict[str, str], progress: Steps) -> tuple[dict[str, Any] | None, int]:
    progress.begins("replay")
    command = [sys.executable, "-m", "services.profile", "replay", *options]
    outcome: dict[str, Any] | None = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as working:  # noqa: S603 - our own interpreter
        for said in _lines(working):
            if "shards" in said:
                progress.goes_on(f"replay: {said['shards']} of {said['of']} shards")
            else:
                outcome = said
    return outcome, working.returncode


def _lines(working: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    if working.stdout is not None:
        for line in working.stdout:
            yield json.loads(line)


def _reason(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return "the replay ended without a word; its log says where: logs/profile_replay.jsonl in the data folder"
    refused = outcome["refused"]
    if refused["reason"] == "UNAVAILABLE":
        return "the stack does not answer; start it with maskenball up, or name its folder with --data-dir"
    facts = ", ".join(f"{name}: {refused[name]}" for name in ("field", "limit") if refused[name])
    return f"{refused['reason']}: {refused['message']}" + (f" ({facts})" if facts else "")
