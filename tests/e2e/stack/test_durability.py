"""A source in durability class 1 through the whole platform: stated, stored once, and kept when a server is killed."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.sources import PACK
from kit.testing import eventually
from tests.e2e.books import FATES, folded_events, settled_books
from tests.e2e.running import RunningStack

pytestmark = pytest.mark.timeout(300)

_BATCH = 20
_BATCHES = 60
_GRANTED = {"consent": {"categoryPreferences": {"collect.behaviour": True, "personalise.world": True}}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The app is in class 1, the world's own server in class 2."""
    folder = tmp_path_factory.mktemp("class-1")
    sources = folder / "sources.yaml"
    sources.write_text(PACK.read_text().replace("sources: {}", 'sources: {"app:shop": {durability: 1}}'))
    with RunningStack(folder / "data", environment={"MASKENBALL_SOURCES_FILE": str(sources)}) as running:
        yield running


def client(stack: RunningStack, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=stack.endpoints["gateway"], auth=(stack.endpoints[key], ""), timeout=60)


def viewed(name: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": name,
        "messageId": uuid.uuid4().hex,
        "properties": {"product_id": "p-1", "category": "comedy"},
        "context": _GRANTED,
    }


async def acknowledged(shop: httpx.AsyncClient, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """Send until it is acknowledged, as SDKs do."""
    while True:
        answer = await shop.post("/v1/batch", json={"batch": batch})
        if answer.is_success:
            told: dict[str, Any] = answer.json()
            return told
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        await asyncio.sleep(int(answer.headers["retry-after"]) / 4)


class TestClassOne:
    def test_the_second_server_is_named(self, stack: RunningStack) -> None:
        assert {"nats", "nats_class_1"} <= set(stack.endpoints["pids"])
        assert stack.endpoints["nats_class_1"]["url"] != stack.endpoints["nats"]["url"]
        assert stack.endpoints["durability_class"] == 2

    def test_it_is_not_started_where_nobody_asks(self, shared_stack: RunningStack) -> None:
        assert "nats_class_1" not in shared_stack.endpoints
        assert not (shared_stack.folder / "nats-class-1").exists()

    async def test_each_source_is_told_its_class_and_reads_its_own_writes(self, stack: RunningStack) -> None:
        for key, durability in (("write_key", 1), ("world_write_key", 2)):
            async with client(stack, key) as source:
                told = await acknowledged(source, [viewed(f"reader-{durability}")])
            assert told["durability_class"] == durability
            assert {place["durability_class"] for place in told["positions"]} == {durability}
            if key == "write_key":
                question = {"userId": "reader-1", "min_positions": told["positions"]}
                async with client(stack, key) as shop:
                    answer = (await shop.post("/v1/persona", json=question)).json()
                assert (answer["behind"], answer["view"]["kinds"]) == ([], {"seen": 1})

    async def test_killing_the_second_server_loses_nothing(self, stack: RunningStack) -> None:
        before = await settled_books(stack.endpoints, 0)
        batches = [[viewed(f"user-{index}") for index in range(_BATCH)] for _ in range(_BATCHES)]
        async with client(stack, "write_key") as shop:
            for number, batch in enumerate(batches):
                if number == _BATCHES // 2:
                    pid = stack.kill("nats_class_1")
                assert (await acknowledged(shop, batch))["durability_class"] == 1
        await eventually(lambda: stack.read_endpoints()["pids"]["nats_class_1"] != pid, timeout_s=60)
        sent = _BATCH * _BATCHES
        after = await settled_books(stack.endpoints, before["received"] + sent)
        assert after["stored"] - before["stored"] == sent
        assert after["received"] == sum(after[fate] for fate in FATES)
        assert await folded_events(stack.endpoints) == after["stored"]
