"""The way in: acknowledged, folded, seen."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple
from uuid import uuid4

from bench import events, folding, pipeline, references
from bench.asking import Asker
from bench.driving import Outcome, Shape, Target, Watcher, drive
from bench.preparing import Stack, now_text
from bench.report import Result

_BATCH = "/v1/batch"
_TRACK = "/v1/track"
#: Bodies that a run goes round in; each send has message ids of its own.
_BODIES = {1: 4_000, 15: 800, 100: 160}
_CONNECTIONS = {1: 64, 15: 16, 100: 8}
#: Events that may be under way between acknowledgement and fold while the sustained rate is measured.
_UNDER_WAY = 20_000
_CREDIT_EVERY_S = 0.1
_PROBES_PER_S = 15
_PROBE_S = 30.0
#: Twice what a door works on at a time, and how long: in loads.
_OVERLOADED = 256
_OVERLOADS = 6


class Plan(NamedTuple):
    """How much is measured."""

    seconds: float
    crowd: int


@dataclass
class Seen:
    """How long each probe took to be seen after it was acknowledged, and how many the platform gave up on."""

    waits: list[float]
    missed: int


async def measure(stack: Stack, plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Measure everything on the way in, and check the books against what was acknowledged."""
    ledger = (await folding.books(stack)).received
    results, taken = await _acknowledged(stack, plan, say)
    ledger += taken
    say("drain")
    results.append(await _drain(stack, ledger, plan))
    say("end to end")
    sustained, taken = await _end_to_end(stack, plan)
    ledger += taken
    copied = next(each for each in results if each.name == "drain").reference_value or 0.0
    results.append(sustained.against("raw COPY", copied))
    await folding.drained(stack, ledger)
    say("freshness")
    freshness, taken = await _freshness(stack, plan, sustained.value / 2)
    results.append(freshness)
    ledger += taken
    say("door pipeline")
    results.append(pipeline.measure(stack, list(bodies(100, plan.crowd))[:20], min(plan.seconds, 5.0)))
    books, _ = await folding.drained(stack, ledger)
    if not books.balance or books.received != ledger:
        raise RuntimeError(f"the books do not balance: {books}, acknowledged {ledger}")
    say("overload")
    overload, taken = await _overload(stack, plan)
    # A request that was told to wait may be on disk in part, so that the books hold more than was acknowledged.
    await folding.drained(stack, ledger + taken)
    return [*results, overload]


async def _acknowledged(stack: Stack, plan: Plan, say: Callable[[str], None]) -> tuple[list[Result], int]:
    results, taken = [], 0
    say("empty endpoint")
    empty = await _empty(plan)
    with folding.held(stack):
        for size, name in ((1, "single_acknowledged"), (15, "batch_15_acknowledged"), (100, "batch_100_acknowledged")):
            say(name)
            before = await references.filled(stack)
            outcome = await _load(stack, plan, size, Shape(_CONNECTIONS[size], plan.seconds, size))
            after = await references.filled(stack)
            taken += outcome.acknowledged
            unit = "requests/s" if size == 1 else "events/s"
            result = outcome.result(name, unit)
            if size == 1:
                results.append(result.against("empty endpoint", empty.units_per_s))
                continue
            messages = after.messages - before.messages
            published = await references.raw_publish(
                stack,
                (after.bytes - before.bytes) // messages,
                outcome.acknowledged / messages,
                min(plan.seconds, 5.0),
            )
            results.append(result.against("raw JetStream publish", published))
    return [_noted(each, "folder held") for each in results], taken


async def _empty(plan: Plan) -> Outcome:
    async with references.empty_endpoint() as (target, pid):
        return await drive(target, bodies(1, plan.crowd), Shape(_CONNECTIONS[1], plan.seconds), {"empty": pid})


async def _drain(stack: Stack, ledger: int, plan: Plan) -> Result:
    filled = await references.filled(stack)
    waiting = ledger - (await folding.books(stack)).received
    _, rate = await folding.drained(stack, ledger)
    row_bytes = filled.bytes // max(waiting, 1)
    copied = await references.raw_copy(stack, row_bytes, min(plan.seconds, 5.0))
    result = Result("drain", "events/s", round(rate, 1), note=f"{waiting:,} events in {filled.messages:,} messages")
    return result.against("raw COPY", copied)


async def _end_to_end(stack: Stack, plan: Plan) -> tuple[Result, int]:
    began = await folding.books(stack)
    seen: list[tuple[float, int]] = []

    async def keep_granting(grant: Callable[[int], None]) -> None:
        while True:
            folded = (await folding.books(stack)).received - began.received
            seen.append((time.monotonic(), folded))
            grant(folded + _UNDER_WAY)
            await asyncio.sleep(_CREDIT_EVERY_S)

    shape = Shape(_CONNECTIONS[100], 2 * plan.seconds, 100, credit=_UNDER_WAY)
    outcome = await _load(stack, plan, 100, shape, keep_granting)
    steady = [each for each in seen if each[0] > seen[0][0] + 2.0] or seen
    (first_at, first), (last_at, last) = steady[0], steady[-1]
    result = outcome.result("end_to_end", "events/s")
    result.value = round((last - first) / (last_at - first_at), 1)
    return _noted(result, f"at most {_UNDER_WAY:,} events between acknowledgement and fold"), outcome.acknowledged


async def _freshness(stack: Stack, plan: Plan, rate: float) -> tuple[Result, int]:
    seen = Seen([], 0)

    async def probe(_: Callable[[int], None]) -> None:
        asker = Asker(stack.endpoints["gateway"], stack.app_headers)
        # The end of the load ends the probing; probes that are under way are waited for, so that the ledger is whole.
        async with asyncio.TaskGroup() as probes:
            with suppress(asyncio.CancelledError):
                for number in count():
                    probes.create_task(_probe(asker, number, seen))
                    await asyncio.sleep(1 / _PROBES_PER_S)
        await asker.close()

    shape = Shape(_CONNECTIONS[100], 2 * plan.seconds, 100, rate=rate / 100)
    outcome = await _load(stack, plan, 100, shape, probe)
    ordered = sorted(seen.waits)
    result = Result(
        "freshness",
        "ms until seen, p99",
        round(ordered[int(0.99 * len(ordered))] * 1e3, 1),
        p50_ms=round(ordered[len(ordered) // 2] * 1e3, 1),
        p99_ms=round(ordered[int(0.99 * len(ordered))] * 1e3, 1),
        note=f"{len(ordered)} probes under {outcome.units_per_s:,.0f} events/s; {seen.missed} not seen in time",
    )
    return result, outcome.acknowledged + len(ordered)


async def _probe(asker: Asker, number: int, seen: Seen) -> None:
    user_id = events.user(number % 100)
    message = {"messageId": f"probe-{uuid4().hex}", "userId": user_id, "event": "Product Viewed"}
    async with asyncio.timeout(_PROBE_S):
        sent = await asker.post(_TRACK, {**message, "properties": {"product_id": "item-1"}})
        if not sent.is_success:
            raise RuntimeError(f"a probe was answered with {sent.status}")
        acknowledged = time.perf_counter()
        answer = await asker.post("/v1/persona", {"user_id": user_id, "min_positions": sent.content["positions"]})
    seen.waits.append(time.perf_counter() - acknowledged)
    # Late, and still counted: with the time after which the platform gave up.
    seen.missed += not answer.is_success


async def _overload(stack: Stack, plan: Plan) -> tuple[Result, int]:
    """Ask for twice of what is taken, whatever is answered; then see whether as much is taken as before."""
    plain = Shape(_CONNECTIONS[100], plan.seconds, 100)
    before = await _load(stack, plan, 100, plain)
    shape = Shape(_OVERLOADED, _OVERLOADS * plan.seconds, 100, rate=2 * before.units_per_s / 100)
    outcome = await _load(stack, plan, 100, shape)
    after = await _load(stack, plan, 100, plain)
    taken = sum(each.acknowledged for each in (before, outcome, after))
    rate = outcome.acknowledged / (shape.warm_up_s + shape.seconds)
    told = outcome.statuses.get("429", 0)
    result = Result(
        "overload_rss_growth",
        "MiB of the gateway",
        round(outcome.rss_mib["gateway"] - before.rss_mib["gateway"], 1),
        p99_ms=round(outcome.p99_ms, 1),
        note=(
            f"{2 * before.units_per_s:,.0f} events/s for {shape.seconds:.0f} s: {rate:,.0f}/s taken, {told} requests"
            f" told to wait, {outcome.unsent} never sent; before {before.units_per_s:,.0f}/s, then"
            f" {after.units_per_s:,.0f}/s"
        ),
    )
    return result, taken


async def _load(stack: Stack, plan: Plan, size: int, shape: Shape, watch: Watcher | None = None) -> Outcome:
    target = Target(stack.endpoints["gateway"], _TRACK if size == 1 else _BATCH, stack.app_headers)
    return await drive(target, bodies(size, plan.crowd), shape, stack.pids, watch)


def bodies(size: int, crowd_size: int) -> list[bytes]:
    """Return bodies with `size` events each, 1, 15 or 100, to go round in; each send has message ids of its own."""
    crowd, run = events.Crowd(crowd_size, seed=size), uuid4().hex[:8]
    if size == 1:
        return list(events.singles(crowd, run, now_text(), count=_BODIES[1]))
    return list(events.batches(crowd, run, now_text(), size=size, count=_BODIES[size]))


def _noted(result: Result, note: str) -> Result:
    result.note = f"{note}; {result.note}" if result.note else note
    return result
