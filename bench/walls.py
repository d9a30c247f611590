"""Whether the time of an answer tells that there is a persona behind an id about whom nothing is told."""

import random
import time
from collections.abc import Callable, Mapping, Sequence

import httpx
import numpy as np

from bench import preparing
from bench.ingest import Plan
from bench.preparing import Stack
from bench.report import Result
from bench.telling import Times, Told, told_apart

_EACH = 150
_ROUNDS = 12
#: The first rounds warm what is warm in earnest.
_WARM = 2
#: What is added to the times of some who are absent: what is not found of it would not be found in earnest.
_PLANTED_MS = (0.2, 0.5, 1.0)
_PURPOSES: Mapping[str, Sequence[str]] = {
    "allowed": preparing.APP_PURPOSES,
    "denied": ("collect.behaviour",),
    "absent": (),
    "others": (),
}


async def measure(stack: Stack, _plan: Plan, say: Callable[[str], None]) -> list[Result]:
    """Ask for personas who allow it, who do not, and who are not there, one after another and in turns."""
    say("personas behind walls")
    ids = {group: [f"bench-{group}-{number}" for number in range(_EACH)] for group in _PURPOSES}
    for group, purposes in _PURPOSES.items():
        if purposes:
            await preparing.grant(stack, "app:shop", ids[group], purposes)
    say("asking for them")
    times = await _times(stack, ids)
    rng = np.random.default_rng(1)
    return [
        _result("denied_from_absent", told_apart(times["denied"], times["absent"], rng)),
        _result("allowed_from_absent", told_apart(times["allowed"], times["absent"], rng)),
        _result("control_alike", told_apart(times["others"], times["absent"], rng)),
        *(
            _result(f"control_planted_{added}_ms", told_apart(times["others"] + added, times["absent"], rng))
            for added in _PLANTED_MS
        ),
    ]


async def _times(stack: Stack, ids: Mapping[str, Sequence[str]]) -> dict[str, Times]:
    places = [(group, place) for group, each in ids.items() for place in range(len(each))]
    times = {group: np.zeros((_EACH, _WARM + _ROUNDS)) for group in ids}
    order = random.Random(1)
    async with httpx.AsyncClient(base_url=stack.endpoints["gateway"], headers=stack.app_headers) as client:
        for turn in range(_WARM + _ROUNDS):
            order.shuffle(places)
            for group, place in places:
                body = {"userId": ids[group][place]}
                begun = time.perf_counter()
                answer = await client.post("/v1/persona", json=body)
                times[group][place, turn] = (time.perf_counter() - begun) * 1_000
                answer.raise_for_status()
    return {group: each[:, _WARM:] for group, each in times.items()}


def _result(name: str, told: Told) -> Result:
    said = "told apart" if told.is_apart else "not told apart"
    note = f"95 %: {told.least:.3f} to {told.most:.3f}, {said}; {_EACH} personas each, medians of {_ROUNDS} answers"
    return Result(name, "chance to take longer; 0.5 tells nothing", round(told.chance, 3), note=note)
