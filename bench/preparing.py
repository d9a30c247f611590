"""Who and what is there before anything is measured: personas with grants, a catalogue, a model that has learnt."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from bench.events import event, user
from contracts.common.v1.subject_pb2 import Subject
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1.profile_pb2 import GrantRequest
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from doors.subjects import EdgeKeys
from kit.keyring import FolderKeyRing
from kit.rpc import connect

APP_PURPOSES = ("collect.behaviour", "personalise.world")
WORLD_PURPOSES = (*APP_PURPOSES, "recommend.offer", "remember.conversation", "research.model")
_AT_ONCE = 16
_GRANT_TIMEOUT_S = 20.0
_ITEMS_A_REQUEST = 500


class Stack(NamedTuple):
    """A running stack, as endpoints.json describes it."""

    endpoints: Mapping[str, Any]

    @property
    def pids(self) -> dict[str, int]:
        """Processes by name."""
        return dict(self.endpoints["pids"])

    @property
    def app_headers(self) -> dict[str, str]:
        """Who an app is."""
        return {"authorization": f"Bearer {self.endpoints['write_key']}", "content-type": "application/json"}

    @property
    def world_headers(self) -> dict[str, str]:
        """Who a world is."""
        return {"authorization": f"Bearer {self.endpoints['world_token']}", "content-type": "application/json"}

    @property
    def world(self) -> str:
        """The audience of the first world."""
        return f"world:{self.endpoints['world']}"


def now_text() -> str:
    """Return the time as SDKs write it."""
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


async def grant(stack: Stack, audience: str, user_ids: Sequence[str], purposes: Sequence[str]) -> None:
    """Record the grants of many users of one audience, some at a time."""
    keys = EdgeKeys(FolderKeyRing(Path(stack.endpoints["data_dir"]) / "keyring")).of(audience)
    waiting = iter(user_ids)
    async with connect(stack.endpoints["grpc"]["profile"]) as channel:
        stub = ProfileServiceStub(channel)

        async def work() -> None:
            for user_id in waiting:
                subject = Subject(brand=stack.endpoints["brand"], audience=audience, eid=keys.user(user_id))
                statement = Statement(stated_at_ms=time.time_ns() // 1_000_000, method="rest")
                request = GrantRequest(subject=subject, purposes=purposes, statement=statement)
                await stub.Grant(request, timeout=_GRANT_TIMEOUT_S)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())


async def stock(stack: Stack, count: int) -> None:
    """Put `count` items into the catalogue, so that an advice names one."""
    items = [
        {"item": f"item-{number}", "title": f"Thing number {number}", "topics": ["comedy"]}
        for number in range(1, count + 1)
    ]
    headers = {"authorization": f"Bearer {stack.endpoints['staff_key']}"}
    async with httpx.AsyncClient(base_url=stack.endpoints["gateway"], headers=headers, timeout=30) as client:
        for start in range(0, count, _ITEMS_A_REQUEST):
            answer = await client.put("/v1/catalogue/items", json={"items": items[start : start + _ITEMS_A_REQUEST]})
            answer.raise_for_status()


async def live(stack: Stack, visitors: Sequence[str], rng: Any, *, events: int) -> int:
    """Let each visitor of the world do something, through the tracking API; return how many events were taken."""
    headers = {"authorization": f"Bearer {stack.endpoints['world_write_key']}"}
    taken = 0
    async with httpx.AsyncClient(base_url=stack.endpoints["gateway"], headers=headers, timeout=30) as client:
        for number, visitor in enumerate(visitors):
            batch = [event(visitor, f"live-{number}", rng, now_text()) for _ in range(events)]
            for place, each in enumerate(batch):
                each["messageId"] = f"bench-live-{number}-{place}-{time.time_ns()}"
            answer = await client.post("/v1/batch", content=msgspec.json.encode({"batch": batch}))
            answer.raise_for_status()
            taken += events
    return taken


async def open_visits(stack: Stack, visitors: Sequence[str]) -> list[str]:
    """Open a visit for each visitor and return the visit tokens."""
    tokens = []
    async with httpx.AsyncClient(
        base_url=stack.endpoints["adapter"], headers=stack.world_headers, timeout=30
    ) as client:
        for number, visitor in enumerate(visitors):
            frame = {"op": "open", "i": f"prepare-{number}-{time.time_ns()}", "v": visitor, "lang": "en"}
            answer = await client.post(
                "/a/v1", json={**frame, "w": stack.endpoints["world"], "a": stack.endpoints["avatar"]}
            )
            answer.raise_for_status()
            tokens.append(str(answer.json()["s"]))
    return tokens


def users(count: int) -> list[str]:
    """Return the ids of the crowd."""
    return [user(number) for number in range(count)]
