"""The way out: an avatar opens an encounter and asks, 200 times a second.

Visitors come again and again, after each has come once; those who come for the first time are measured beside them.
"""

import json
import random
from collections.abc import Callable, Sequence
from uuid import uuid4

from bench import folding, preparing, references
from bench.driving import Outcome, Shape, Target, drive
from bench.events import MARK
from bench.ingest import Plan
from bench.preparing import Stack
from bench.report import Result

RATE = 200.0
_CONNECTIONS = 32
_VISITORS = 400
#: Who come for the first time while the platform is at work: as many as come in the seconds measured and the first one.
_STRANGERS_S = 5
_VISITS = 200
_ITEMS = 1_500
_EVENTS_EACH = 20
_PATH = "/a/v1"


async def measure(stack: Stack, plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Measure open and ask beside an empty endpoint under the same paced load."""
    say("visitors")
    visitors = [f"benchvisitor{number:010d}" for number in range(_VISITORS)]
    await preparing.grant(stack, stack.world, visitors, preparing.WORLD_PURPOSES)
    await preparing.stock(stack, _ITEMS)
    strangers = [f"benchstranger{number:08d}" for number in range(int(RATE) * (_STRANGERS_S + 1))]
    await preparing.grant(stack, stack.world, strangers, preparing.WORLD_PURPOSES)
    before = (await folding.books(stack)).received
    taken = await preparing.live(stack, [*visitors, *strangers], random.Random(1), events=_EVENTS_EACH)
    await folding.drained(stack, before + taken)
    # Every visitor comes once before it counts.
    shape = Shape(_CONNECTIONS, 2 * plan.seconds, rate=RATE, warm_up_s=_VISITORS / RATE + 1)
    say("empty endpoint")
    # As fast as they are answered: whoever was met a moment ago, beside nobody.
    flat_out = Shape(_CONNECTIONS, plan.seconds)
    async with references.empty_endpoint() as (target, pid):
        empty = await drive(target, _opens(stack, visitors), shape, {"empty": pid})
        most = await drive(target, _opens(stack, visitors), flat_out, {"empty": pid})
    adapter = Target(stack.endpoints["adapter"], _PATH, stack.world_headers)
    say("open")
    opened = await drive(adapter, _opens(stack, visitors), shape, stack.pids)
    say("open, as fast as it goes")
    warm = await drive(adapter, _opens(stack, visitors), flat_out, stack.pids)
    say("open, for the first time")
    first = await drive(adapter, _opens(stack, strangers), Shape(_CONNECTIONS, _STRANGERS_S, rate=RATE), stack.pids)
    say("ask")
    visits = await preparing.open_visits(stack, visitors[:_VISITS])
    asked = await drive(adapter, _asks(visits), shape, stack.pids)
    return [
        _paced("empty_endpoint", empty),
        _beside(_paced("open", opened), empty),
        warm.result("open_flat_out", "requests/s").against("empty endpoint", most.units_per_s),
        _beside(_paced("open_first_time", first), empty),
        _beside(_paced("ask", asked), empty),
    ]


def _paced(name: str, outcome: Outcome) -> Result:
    return outcome.result(name, "requests/s, paced")


def _beside(result: Result, empty: Outcome) -> Result:
    """Put the p99 beside that of doing nothing: at a fixed pace rates say nothing."""
    result.reference, result.reference_value = "empty endpoint p99 ms", round(empty.p99_ms, 2)
    result.ratio = round((result.p99_ms or 0.0) / empty.p99_ms, 2) if empty.p99_ms else None
    return result


def _opens(stack: Stack, visitors: Sequence[str]) -> list[bytes]:
    run = uuid4().hex[:8]
    world = {"w": stack.endpoints["world"], "a": stack.endpoints["avatar"], "lang": "en"}
    return [_json({"op": "open", "i": f"{run}-{MARK}", "v": visitor, **world}) for visitor in visitors]


def _asks(visits: Sequence[str]) -> list[bytes]:
    run = uuid4().hex[:8]
    return [_json({"op": "ask", "i": f"{run}-{MARK}", "s": visit, "k": "rec"}) for visit in visits]


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
