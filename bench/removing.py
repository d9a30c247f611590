"""A removal, over the gateway or from inside a world: when it is answered, and what linked worlds show from then on."""

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import numpy as np

from bench import folding, preparing
from bench.ingest import Plan
from bench.preparing import Stack
from bench.report import Result

_VISITORS = 150
_ITEMS = 200
_EVENTS_EACH = 10
_Answer = Mapping[str, object]


@dataclass(slots=True)
class _Visitor:
    """Somebody who is the same in two worlds: a visit in each, and the key that opens their rights at the gateway."""

    visits: tuple[str, str]
    key: str


@dataclass(slots=True)
class _Times:
    """Milliseconds, and what was seen."""

    asked: list[float] = field(default_factory=list)
    answered: dict[str, list[float]] = field(default_factory=lambda: {"gateway": [], "world": []})
    gone: list[float] = field(default_factory=list)
    shown_before: int = 0
    shown_after: int = 0


class _Worlds:
    """Two worlds of the stack, and the gateway."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http
        told = stack.endpoints
        self._names = (told["world"], told["second_world"])
        self._tokens = (told["world_token"], told["second_world_token"])

    async def meet(self, visitor: str) -> _Visitor:
        """Open a visit in both worlds, and link them."""
        opened = [
            await self._frame(place, op="open", v=visitor, w=name, a=self._stack.endpoints["avatar"])
            for place, name in enumerate(self._names)
        ]
        here, there = (str(each["s"]) for each in opened)
        for place, visit in enumerate((here, there)):
            await self._frame(place, op="con", s=visit, give=preparing.WORLD_PURPOSES)
        code = (await self._frame(0, op="link", s=here))["code"]
        await self._frame(1, op="link", s=there, code=code)
        return _Visitor((here, there), str((await self._frame(0, op="see", s=here))["key"]))

    async def ask(self, place: int, visitor: _Visitor) -> _Answer:
        """Return what the avatar of one world suggests."""
        return await self._frame(place, op="ask", s=visitor.visits[place], k="rec")

    async def remove(self, way: str, visitor: _Visitor, item: object) -> None:
        """Remove an offer: in the second world, or over the gateway with the key of the first."""
        if way == "world":
            await self._frame(1, op="rm", s=visitor.visits[1], what="offer", ref=item)
            return
        headers = {"authorization": f"Bearer {visitor.key}"}
        url, body = f"{self._stack.endpoints['gateway']}/v1/me/remove", {"what": "offer", "ref": item}
        (await self._http.post(url, json=body, headers=headers)).raise_for_status()

    async def _frame(self, place: int, **frame: object) -> _Answer:
        headers = {"authorization": f"Bearer {self._tokens[place]}"}
        body = {"i": uuid4().hex, **frame}
        answer = await self._http.post(f"{self._stack.endpoints['adapter']}/a/v1", json=body, headers=headers)
        answer.raise_for_status()
        told: _Answer = answer.json()
        if "err" in told:
            raise RuntimeError(f"{frame['op']} was refused: {told['err']}")
        return told


async def measure(stack: Stack, _plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Remove what is suggested, by turns over the gateway and in a world; then ask in every world at once."""
    say("visitors of two worlds")
    names = [f"benchremoving{number:06d}" for number in range(_VISITORS)]
    await preparing.stock(stack, _ITEMS)
    await preparing.grant(stack, stack.world, names, preparing.WORLD_PURPOSES)
    before = (await folding.books(stack)).received
    taken = await preparing.live(stack, names, random.Random(1), events=_EVENTS_EACH)
    await folding.drained(stack, before + taken)
    times = _Times()
    async with httpx.AsyncClient(timeout=20) as http:
        worlds = _Worlds(stack, http)
        met = [await worlds.meet(name) for name in names]
        say("removing")
        for way, visitor in zip(itertools.cycle(("gateway", "world")), met, strict=False):
            await _removed(worlds, way, visitor, times)
    return _results(times)


async def _removed(worlds: _Worlds, way: str, visitor: _Visitor, times: _Times) -> None:
    begun = time.perf_counter()
    item = (await worlds.ask(0, visitor)).get("item")
    times.asked.append(_since(begun))
    if item is None:
        return
    times.shown_before += 1 + ((await worlds.ask(1, visitor)).get("item") == item)
    begun = time.perf_counter()
    await worlds.remove(way, visitor, item)
    times.answered[way].append(_since(begun))
    for place in range(2):
        times.shown_after += (await worlds.ask(place, visitor)).get("item") == item
    times.gone.append(_since(begun))


def _results(times: _Times) -> list[Result]:
    shown = f"shown {times.shown_before} times before, in two worlds"
    asked = float(np.median(times.asked))
    return [
        _line("ask", times.asked),
        *(_line(f"removal_{way}", each).against("ask p50 ms", asked) for way, each in times.answered.items()),
        _line("removed_and_asked_in_both", times.gone).against("bound, ms", 1_000),
        Result("shown_after_acknowledgement", "answers", times.shown_after, note=shown),
    ]


def _line(name: str, each: Sequence[float]) -> Result:
    half, most = np.percentile(each, (50, 99))
    return Result(name, "ms, p99", round(float(most), 2), round(float(half), 2), round(float(most), 2))


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000
