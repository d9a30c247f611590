"""What durability class 1 buys: the same load on a source of each class, in turns, on one stack.

`python -m bench.classes` starts a stack of its own.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import folding
from bench.driving import Shape, Target, drive
from bench.ingest import bodies
from bench.preparing import Stack
from bench.report import Result, show
from gateway.sources import PACK
from infra.local.errors import StackError
from infra.local.folder import DataFolder
from infra.local.stack import LocalStack
from maskenball.progress import progress_on

_ASKS = 'sources: {"app:shop": {durability: 1}}'
# Key of a source to the class that it is acknowledged in.
_SOURCES = {"world_write_key": 2, "write_key": 1}
# Events a request and connections to what that is called.
_LOADS = {(1, 1): "one_at_a_time", (1, 64): "single", (100, 8): "batch_100"}
_CROWD = 3_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.classes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long one load runs")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="maskenball-bench-") as folder,
        progress_on(Console(stderr=True)) as progress,
    ):
        # PostgreSQL runs as somebody else when we are root, and has to reach its cluster.
        Path(folder).chmod(0o711)
        sources = Path(folder) / "sources.yaml"
        sources.write_text(PACK.read_text(encoding="utf-8").replace("sources: {}", _ASKS), encoding="utf-8")
        os.environ["MASKENBALL_SOURCES_FILE"] = str(sources)
        stack = LocalStack(
            DataFolder(Path(folder) / "data"),
            progress=progress,
            stop_requested=threading.Event(),
            durability_classes=frozenset(_SOURCES.values()),
        )
        try:
            results = asyncio.run(measure(Stack(stack.start()), options.seconds, progress.begins))
        except StackError as error:
            progress.fails(str(error))
            sys.exit(1)
        finally:
            progress.begins("stopping")
            stack.stop()
    show("classes", results, Console())


async def measure(stack: Stack, seconds: float, say: Callable[[str], None]) -> list[Result]:
    """Put every load on a source of each class, one after the other, while the folder is held."""
    results = []
    with folding.held(stack):
        for (size, connections), load in _LOADS.items():
            for key, durability in _SOURCES.items():
                say(f"{load} in class {durability}")
                headers = {"authorization": f"Bearer {stack.endpoints[key]}", "content-type": "application/json"}
                target = Target(stack.endpoints["gateway"], "/v1/track" if size == 1 else "/v1/batch", headers)
                outcome = await drive(target, bodies(size, _CROWD), Shape(connections, seconds, size), stack.pids)
                unit = "requests/s" if size == 1 else "events/s"
                results.append(outcome.result(f"{load}_class_{durability}", unit))
    return results


if __name__ == "__main__":
    main()
