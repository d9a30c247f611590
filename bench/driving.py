"""Runs the load generator and puts what it saw beside what the processes took."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from bench.load import Order
from bench.report import Result
from bench.usage import cpu, memory, spent

GENERATOR = "load generator"
#: Told how far the load is ("warm", "measured"), with a way to raise its credit.
Watcher = Callable[[Callable[[int], None]], Coroutine[Any, Any, None]]


class Target(NamedTuple):
    """One endpoint of one server."""

    base_url: str
    path: str
    headers: Mapping[str, str]


class Shape(NamedTuple):
    """How load is put on: connections, seconds, events per request, requests per second when paced."""

    connections: int
    seconds: float
    units: int = 1
    rate: float | None = None
    credit: int | None = None
    warm_up_s: float = 1.0


class Outcome(NamedTuple):
    """What the generator saw while measuring, and what was used meanwhile."""

    units_per_s: float
    units: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]
    unsent: int
    acknowledged: int
    cpu_s_per_10k: dict[str, float]
    rss_mib: dict[str, float]

    def result(self, name: str, unit: str) -> Result:
        """Return the outcome as a line of the report; CPU is that of the platform without the generator."""
        own = {GENERATOR, "bench"}
        refused = {status: count for status, count in self.statuses.items() if status != "200"}
        if self.unsent:
            refused["due and never sent"] = self.unsent
        return Result(
            name=name,
            unit=unit,
            value=round(self.units_per_s, 1),
            p50_ms=round(self.p50_ms, 2),
            p99_ms=round(self.p99_ms, 2),
            cpu_s_per_10k=round(sum(s for process, s in self.cpu_s_per_10k.items() if process not in own), 3),
            rss_mib=round(sum(mib for process, mib in self.rss_mib.items() if process not in own), 1),
            cpu_s_per_10k_by_process=self.cpu_s_per_10k,
            rss_mib_by_process=self.rss_mib,
            note=f"answers besides 200: {refused}" if refused else None,
        )


async def drive(
    target: Target, bodies: Iterable[bytes], shape: Shape, pids: Mapping[str, int], watch: Watcher | None = None
) -> Outcome:
    """Run the generator once and return what came of it. `watch` runs beside it until it ends."""
    parts = urlsplit(target.base_url)
    with tempfile.NamedTemporaryFile(prefix="maskenball-bench-") as file:
        await asyncio.to_thread(Path(file.name).write_bytes, b"\n".join(bodies))
        order = Order(
            host=str(parts.hostname),
            port=int(parts.port or 80),
            path=target.path,
            headers=dict(target.headers),
            bodies=file.name,
            **shape._asdict(),
        )
        generator = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return await _follow(generator, order, pids, watch)


async def _follow(
    generator: asyncio.subprocess.Process, order: Order, pids: Mapping[str, int], watch: Watcher | None
) -> Outcome:
    stdin, stdout = generator.stdin, generator.stdout
    if stdin is None or stdout is None:
        raise RuntimeError("the generator was started with pipes")

    def grant(credit: int) -> None:
        stdin.write(json.dumps({"credit": credit}).encode() + b"\n")

    stdin.write(msgspec.json.encode(order) + b"\n")
    watching = asyncio.create_task(watch(grant)) if watch else None
    try:
        await _line(stdout)
        before = cpu(pids)
        await _line(stdout)
        after = cpu(pids)
        seen = await _line(stdout)
    finally:
        if watching:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
    await generator.wait()
    units = seen["requests"] * order.units
    used = spent(before, after, units)
    used[GENERATOR] = round(seen["cpu_s"] / max(units, 1) * 10_000, 3)
    return Outcome(
        units_per_s=units / seen["seconds"],
        units=units,
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        statuses=seen["statuses"],
        unsent=seen["unsent"],
        acknowledged=seen["acknowledged_units"],
        cpu_s_per_10k=used,
        rss_mib=memory(pids),
    )


async def _line(stdout: asyncio.StreamReader) -> dict[str, Any]:
    line = await stdout.readline()
    if not line:
        raise RuntimeError("the load generator ended early; its error stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer
