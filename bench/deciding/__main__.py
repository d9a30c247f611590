"""`python -m bench.deciding`: one decision after another over gRPC, with its references in the same run."""

import asyncio
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uvloop
from rich.console import Console

from bench.deciding.service import BRAND, SHARDS, TOPICS
from bench.report import Result, show, write
from bench.usage import cpu, memory
from contracts.common.v1.subject_pb2 import KeyedPersona, Persona, Subject
from contracts.recommendation.v1.recommendation_pb2 import (
    DecideRequest,
    GetModelRequest,
    GiveFeedbackRequest,
    History,
    Known,
)
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.migrate import upgrade
from kit.rpc import connect
from kit.servers import PostgresServer
from kit.walls import make_database, make_roles
from services import recommendation

_ROOM, _PASSWORD = "recommendation", "bench"
_PERSONAS = 2_000
#: Calls in flight when it is measured how much the service can take.
_AT_ONCE = 16
_MET = 20
_LEARNT = 10_000
_OFFERS = (10_000, 100_000)
#: What stood in decisions.md: a product of so many factors with every offer, and the best fifty.
_FACTORS = 64
_ANSWERED = 300
_SECONDS = 8.0
_BEST = 50


class Timed(NamedTuple):
    """What one loop saw."""

    milliseconds: np.ndarray
    seconds: float
    cpu_s: float

    def result(self, name: str, unit: str) -> Result:
        """Return it as a line of the report: the value is calls in a CPU second of the service."""
        count = len(self.milliseconds)
        p50, p99 = np.percentile(self.milliseconds, [50, 99])
        return Result(
            name,
            unit,
            round(count / self.cpu_s, 1) if self.cpu_s else round(count / self.seconds, 1),
            p50_ms=round(float(p50), 3),
            p99_ms=round(float(p99), 3),
            cpu_s_per_10k=round(self.cpu_s / count * 10_000, 2) if self.cpu_s else None,
        )


class Service(NamedTuple):
    """A running service."""

    stub: RecommendationServiceStub
    pid: int


def main() -> None:
    """Measure, write bench/results, print a table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    with tempfile.TemporaryDirectory(prefix="maskenball-bench-") as folder:
        # PostgreSQL runs as somebody else when we are root, and has to reach its cluster.
        Path(folder).chmod(0o711)
        server = PostgresServer(Path(folder) / "postgres")
        server.start()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                results = runner.run(_measure(server, seconds))
        finally:
            server.stop()
    show("decide", results, Console())
    Console().print(f"  written to {write('decide', results)}", highlight=False)


async def _measure(server: PostgresServer, seconds: float) -> list[Result]:
    results = []
    for offers in _OFFERS:
        url = await asyncio.to_thread(_database, server, offers)
        async with _serving(url, offers, min(offers, _LEARNT)) as service:
            results += await _measured(service, offers, seconds)
    return results


async def _measured(service: Service, offers: int, seconds: float) -> list[Result]:
    size = f"{offers // 1000}k"
    rng = random.Random(offers)
    requests = [_request(rng, number) for number in range(_PERSONAS)]
    echo = await _loop(lambda _: service.stub.GetModel(GetModelRequest(brand=BRAND)), service.pid, seconds / 2)
    # Active personas: each has turned up before, so there is a state of it.
    for request in requests:
        await service.stub.Decide(request)
    decided = await _loop(lambda n: service.stub.Decide(requests[n % _PERSONAS]), service.pid, seconds)
    loaded = await _loaded(lambda n: service.stub.Decide(requests[n % _PERSONAS]), service.pid, seconds / 2)
    scored = _scoring(offers, seconds / 4)
    more = [await _feedback(service, requests)] if offers == _OFFERS[0] else []
    mib = memory({"service": service.pid})["service"]
    unit = "decisions a CPU second of the service"
    line, load = decided.result(f"decision_{size}", unit), loaded.result(f"loaded_{size}", unit)
    line.rss_mib = mib
    line.note = f"{min(offers, _LEARNT):,} of {offers:,} offers known to the model; {_PERSONAS:,} personas in turn"
    load.note = f"{_AT_ONCE} calls in flight; {len(loaded.milliseconds) / loaded.seconds:,.0f} a second"
    p50 = round(float(np.percentile(echo.milliseconds, 50)), 3)
    line.reference, line.reference_value = "gRPC echo p50 ms", p50
    line.ratio = round((line.p50_ms or 0.0) / p50, 2)
    return [
        line,
        load,
        echo.result(f"echo_{size}", "calls a CPU second of the service"),
        scored.result(f"numpy_{size}", "raw scorings/s"),
        *more,
    ]


async def _feedback(service: Service, requests: list[DecideRequest]) -> Result:
    """Dismiss what is offered; measure from the acknowledgement to the next decision, and see that it knows."""
    times, ignored = [], 0
    for request in requests[:_ANSWERED]:
        first = await service.stub.Decide(request)
        if first.act == "silent":
            continue
        eid = request.known.circle[0].persona.pid
        said = GiveFeedbackRequest(
            brand=BRAND, subject=Subject(brand=BRAND, audience="app:shop", eid=eid), outcome="dismissed"
        )
        said.decision_id = first.decision_id
        await service.stub.GiveFeedback(said)
        acknowledged = time.perf_counter()
        ignored += (await service.stub.Decide(request)).item == first.item
        times.append(1000 * (time.perf_counter() - acknowledged))
    p50, p99 = (round(float(each), 3) for each in np.percentile(times, [50, 99]))
    note = f"decisions that did not know of it: {ignored} of {len(times)}"
    return Result("feedback_effective", "ms after its acknowledgement, p99", p99, p50_ms=p50, p99_ms=p99, note=note)


async def _loop(call: Callable[[int], Awaitable[object]], pid: int, seconds: float) -> Timed:
    """Call again and again, one call in flight, after a warm-up that does not count."""
    for number in range(200):
        await call(number)
    times, number = [], 200
    before, started = cpu({"service": pid})["service"], time.perf_counter()
    while (now := time.perf_counter()) < started + seconds:
        await call(number)
        times.append(1000 * (time.perf_counter() - now))
        number += 1
    ended = time.perf_counter()
    return Timed(np.array(times), ended - started, cpu({"service": pid})["service"] - before)


async def _loaded(call: Callable[[int], Awaitable[object]], pid: int, seconds: float) -> Timed:
    """Call again and again with so many calls in flight."""
    times: list[float] = []
    numbers = itertools.count()
    before, started = cpu({"service": pid})["service"], time.perf_counter()

    async def work() -> None:
        while (now := time.perf_counter()) < started + seconds:
            await call(next(numbers))
            times.append(1000 * (time.perf_counter() - now))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return Timed(np.array(times), time.perf_counter() - started, cpu({"service": pid})["service"] - before)


def _scoring(offers: int, seconds: float) -> Timed:
    rng = np.random.default_rng(0)
    factors, taste = rng.standard_normal((offers, _FACTORS), np.float32), rng.standard_normal(_FACTORS, np.float32)
    times, started = [], time.perf_counter()
    while (now := time.perf_counter()) < started + seconds:
        np.argpartition(-(factors @ taste), _BEST)
        times.append(1000 * (time.perf_counter() - now))
    return Timed(np.array(times), time.perf_counter() - started, 0.0)


def _request(rng: random.Random, number: int) -> DecideRequest:
    """Somebody asks what there is, in the shop's web pages."""
    met = [f"item-{int(_LEARNT * rng.random() ** 3)}" for _ in range(_MET)]
    likes = [f"topic-{rng.randrange(TOPICS)}" for _ in range(3)]
    persona = Persona(brand=BRAND, shard=(number & 255) % SHARDS, pid=number.to_bytes(16, "big"))
    circle = [KeyedPersona(persona=persona, decision_key=bytes(32))]
    history = History(items=met, at_ms=range(_MET), likes=likes)
    known = Known(circle=circle, history=history)
    return DecideRequest(brand=BRAND, known=known, acts=["offer"], initiative="persona", channel="web", count=1)


def _database(server: PostgresServer, offers: int) -> str:
    room = f"{_ROOM}{offers}"
    for statement in (make_roles(room, lambda _role: _PASSWORD), *make_database(room).splitlines()):
        server.sql(statement)
    upgrade(server.url(room, role=f"{room}_owner", password=_PASSWORD), Path(recommendation.__path__[0]) / "migrations")
    return server.url(room, role=room, password=_PASSWORD)


@asynccontextmanager
async def _serving(url: str, offers: int, learnt: int) -> AsyncIterator[Service]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.deciding.service", url, str(offers), str(learnt)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # As the local stack starts it.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process was started with pipes")
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with connect(address) as channel:
            yield Service(RecommendationServiceStub(channel), process.pid)
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
