"""The whole platform in one power cut: what the gateway acknowledged in class 2 is stored, once; the books balance.

Of class 1 nothing is promised but that what is sent again is stored once, beside whatever was left.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sources import PACK
from tests.e2e.books import FATES, folded_events, settled_books
from tests.e2e.power.outage import FileSystem
from tests.e2e.power.recording import Recording
from tests.e2e.running import RunningStack, enterable

_CLIENTS = 3
_BATCH = 20
_BATCHES = 40
#: Source to its key and its class; the app has been set to class 1.
_SHOP, _WORLD = "app:shop", "world:oak-street"
_SOURCES = {_WORLD: ("world_write_key", 2), _SHOP: ("write_key", 1)}


@dataclass
class Client:
    """Sends batches, one after the other; `acknowledged` has the moment and the number of each."""

    endpoints: dict[str, Any]
    source: str
    name: int
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    async def send(self, numbers: range | list[int]) -> None:
        key, durability = _SOURCES[self.source]
        auth = (self.endpoints[key], "")
        async with httpx.AsyncClient(base_url=self.endpoints["gateway"], auth=auth, timeout=60) as client:
            for number in numbers:
                answer = await client.post("/v1/batch", json={"batch": self._events(number)})
                assert answer.json()["durability_class"] == durability, answer.text
                self.acknowledged.append((time.monotonic_ns(), number))

    def until(self, at_ns: int) -> list[int]:
        return [number for told_ns, number in self.acknowledged if told_ns <= at_ns]

    def _events(self, number: int) -> list[dict[str, Any]]:
        """The same for the same number: sent again, its events are duplicates."""
        return [
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": f"user-{self.name}-{index}",
                "messageId": str(uuid.UUID(int=(self.name << 64) + (number << 32) + index)),
                "properties": {"product_id": f"p-{number}", "category": "comedy"},
                "context": {"consent": {"categoryPreferences": {"collect.behaviour": True}}},
            }
            for index in range(_BATCH)
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (enterable(tmp_path) / "data").mkdir(mode=0o711)
    return tmp_path / "data"


@pytest.mark.timeout(1800)
async def test_a_power_cut_takes_no_acknowledged_event_of_class_2(recorder: Path, folder: Path, cuts: int) -> None:
    sources = folder.with_name("sources.yaml")
    sources.write_text(PACK.read_text().replace("sources: {}", 'sources: {"app:shop": {durability: 1}}'))
    asking = {"MASKENBALL_SOURCES_FILE": str(sources)}
    recording = Recording(recorder, folder, folder.with_name("scratch"))
    stack = RunningStack(folder, wrapper=recording.wrapper, environment=asking).start()
    clients = [Client(stack.endpoints, source, name) for name in range(_CLIENTS) for source in _SOURCES]
    try:
        await asyncio.gather(*(client.send(range(_BATCHES)) for client in clients))
    finally:
        cut_ns = time.monotonic_ns()
        stack.kill_launcher()
    told = [at_ns for client in clients for at_ns, _ in client.acknowledged]
    chance = random.Random(cuts)
    lost = dict.fromkeys(_SOURCES, 0)
    for seed in range(max(1, cuts // 8)):
        # The first comes at the last moment and loses all that may be lost, so of class 1 there is something to lose.
        at_ns = chance.choice([cut_ns, *told]) if seed else cut_ns
        file_system = chance.choice([FileSystem.ORDERED, FileSystem.OWN_NAME])
        image = recording.cut(folder.with_name("image"), at_ns=at_ns, file_system=file_system, seed=seed)
        with RunningStack(image, environment=asking) as found:
            for source in _SOURCES:
                lost[source] += await _lost(found, clients, source, at_ns)
    assert lost[_WORLD] == 0
    # Whatever no folder had committed: were it 0, the cuts would prove nothing for class 2 either.
    assert lost[_SHOP] > 0


async def _lost(found: RunningStack, clients: list[Client], source: str, at_ns: int) -> int:
    """How many acknowledged events of one source are not there; whatever is sent again is stored once."""
    acknowledged = {client.name: client.until(at_ns) for client in clients if client.source == source}
    events = _BATCH * sum(len(numbers) for numbers in acknowledged.values())
    await settled_books(found.endpoints, 0)
    before = await settled_books(found.endpoints, 0, source)
    assert before["received"] == sum(before[fate] for fate in FATES)
    assert before["duplicate"] == before["quarantined"] == before["suppressed"] == 0

    again = (Client(found.endpoints, source, name).send(numbers) for name, numbers in acknowledged.items())
    await asyncio.gather(*again)

    after = await settled_books(found.endpoints, before["received"] + events, source)
    assert after["stored"] + after["duplicate"] == before["stored"] + events
    assert await folded_events(found.endpoints) == (await settled_books(found.endpoints, 0))["stored"]
    return after["stored"] - before["stored"]
