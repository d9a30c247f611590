"""`python -m bench`: starts a stack of its own in a throwaway folder and measures it in one run with its references."""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import ingest, preparing, reading, removing, walls
from bench.ingest import Plan
from bench.preparing import Stack
from bench.report import Result, show, write
from infra.local.errors import StackError
from infra.local.folder import DataFolder
from infra.local.stack import LocalStack
from maskenball.progress import progress_on

_PARTS = {"ingest": ingest.measure, "read": reading.measure, "removing": removing.measure, "walls": walls.measure}


def main() -> None:
    """Measure, write bench/results, print tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *_PARTS], default=[], help=f"{', '.join(_PARTS)}; all by default"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long one load runs")
    parser.add_argument("--crowd", type=int, default=3_000, help="users that load is drawn from")
    options = parser.parse_args()
    console = Console()
    # One world is many here.
    os.environ.setdefault("MASKENBALL_WORLD_RPS", "1000000")
    temporary = tempfile.TemporaryDirectory(prefix="maskenball-bench-")
    with temporary as folder, progress_on(Console(stderr=True)) as progress:
        # PostgreSQL runs as somebody else when we are root, and has to reach its cluster.
        Path(folder).chmod(0o711)
        stack = LocalStack(DataFolder(Path(folder) / "data"), progress=progress, stop_requested=threading.Event())
        try:
            started = Stack(stack.start())
            plan = Plan(options.seconds, options.crowd)
            measured = asyncio.run(_measure(started, plan, options.parts or list(_PARTS), progress.begins))
        except StackError as error:
            progress.fails(str(error))
            sys.exit(1)
        finally:
            progress.begins("stopping")
            stack.stop()
    for name, results in measured.items():
        show(name, results, console)
        console.print(f"  written to {write(name, results)}", highlight=False)


async def _measure(stack: Stack, plan: Plan, parts: list[str], say: Callable[[str], None]) -> dict[str, list[Result]]:
    say(f"{plan.crowd} personas")
    await preparing.grant(stack, "app:shop", preparing.users(plan.crowd), preparing.APP_PURPOSES)
    return {part: await _PARTS[part](stack, plan, say) for part in parts}


if __name__ == "__main__":
    main()
