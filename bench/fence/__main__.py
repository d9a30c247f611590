"""`python -m bench.fence [PART ...]`: the fence over real processes that are stopped, killed and cut off.

Reads of `chaos` are added to those of the runs before, so that many short runs make a long one.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench.fence import acknowledging, figures
from bench.fence.faults import Faults
from bench.fence.table import Count
from bench.fence.world import Shape, World, wait_for
from bench.report import Result, show, write

_FIRST_S = 60.0
_CALM_SHARE = 0.15
_CONTROLS = {"control_watch_violations": "watching", "control_ttl_violations": "aging"}


def chaos(seconds: float, seed: int, shape: Shape | None = None) -> list[Result]:
    """Read and write for so long, first with no fault, then under faults."""
    with tempfile.TemporaryDirectory(prefix="maskenball-fence-") as folder:
        Path(folder).chmod(0o711)
        with World(Path(folder), shape or Shape()) as world:
            world.start_writers()
            wait_for(world, _FIRST_S)
            before = world.counts()
            time.sleep(seconds * _CALM_SHARE)
            calm = {count: value - before[count] for count, value in world.counts().items()}
            faults = Faults(world, random.Random(seed))
            faults.run(seconds * (1 - _CALM_SHARE))
            world.await_new_statements(_FIRST_S)
            return _of_chaos(world, calm, faults)


def _of_chaos(world: World, calm: dict[Count, int], faults: Faults) -> list[Result]:
    seen = world.counts()
    if seen[Count.STALE]:
        print(world.complaints(), file=sys.stderr)
    ways = "network namespaces" if world.shape.uses_namespaces else "stopped processes between"
    struck = ", ".join(f"{what} {times}" for what, times in sorted(faults.seen.items()))
    return [
        Result("checked_reads", "reads", seen[Count.CHECKED], note=f"last run, cut by {ways}: {struck}"),
        Result("allowed_reads", "reads", seen[Count.ALLOWED]),
        Result("stale_reads", "reads", seen[Count.STALE]),
        Result("reads_without_fault", "reads", calm[Count.CACHED] + calm[Count.ASKED] + calm[Count.UNANSWERED]),
        Result("unanswered_without_fault", "reads", calm[Count.UNANSWERED]),
    ]


def controls(seconds: float, seed: int) -> list[Result]:
    """Have caches without a fence read in the same world: the judge finds them out."""
    return [_control(name, seconds, seed) for name in _CONTROLS]


def _control(name: str, seconds: float, seed: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="maskenball-fence-") as folder:
        Path(folder).chmod(0o711)
        with World(Path(folder), Shape(readers=0)) as world:
            for _ in range(2):
                world.add_reader(_CONTROLS[name])
            world.start_writers()
            wait_for(world, _FIRST_S)
            Faults(world, random.Random(seed)).run(seconds)
            seen = world.counts()
    return Result(name, "reads", seen[Count.STALE], note=f"of {seen[Count.JUDGED]:,} judged, {seconds:g} s")


def latencies(seconds: float, _seed: int) -> list[Result]:
    """Measure acknowledgements with no fault: with three readers, and with sixteen."""
    return [asyncio.run(acknowledging.acknowledge(readers, seconds)) for readers in (3, 16)]


def dead(_seconds: float, _seed: int) -> list[Result]:
    """Measure acknowledgements with a dead reader, and one look into the cache."""
    return [asyncio.run(acknowledging.acknowledge_dead()), acknowledging.read_check()]


_PARTS: dict[str, tuple[Callable[[float, int], list[Result]], float]] = {
    "chaos": (chaos, 200.0),
    "controls": (controls, 15.0),
    "latencies": (latencies, 10.0),
    "dead": (dead, 0.0),
}


def main() -> None:
    """Run the parts, write bench/results/fence.json, print it; fail when something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.fence", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS], default=[], help="all by default")
    parser.add_argument("--seconds", type=float, help="how long a part runs, about")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="of the faults")
    options = parser.parse_args()
    measured: list[Result] = []
    for name in options.parts or list(_PARTS):
        run, seconds = _PARTS[name]
        print(f"{name}, seed {options.seed}", file=sys.stderr)
        measured += run(options.seconds or seconds, options.seed)
    results = figures.merged(measured)
    console = Console()
    show(figures.NAME, results, console)
    console.print(f"  written to {write(figures.NAME, results)}", highlight=False)
    wrong = figures.broken({each.name: each for each in results})
    sys.exit("Not as promised: " + ", ".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
