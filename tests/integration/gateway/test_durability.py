"""What an acknowledgement is worth is set for each source, done, and said."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from contracts.interaction.v1.interaction_pb2 import Envelope
from contracts.profile.v1 import profile_pb2 as contract
from doors.stream import STREAM, JetStream
from gateway import sources
from gateway.domain import PROCESS_DEATH
from kit.credentials import Credentials
from kit.servers import NatsServer
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_tracking import viewed


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    """Sources of which app:shop asks for class 1."""
    file = tmp_path / "sources.yaml"
    file.write_text(sources.PACK.read_text().replace("sources: {}", 'sources: {"app:shop": {durability: 1}}'))
    return file


@pytest.fixture
async def class_1(nats_class_1_server: NatsServer) -> AsyncIterator[Client]:
    client = await nats.connect(nats_class_1_server.url, allow_reconnect=False)
    yield client
    await client.close()


@pytest.fixture
async def relaxed(start: Callable[..., Any], asking: Path, class_1: Client) -> AsyncIterator[Gateway]:
    stream = JetStream(class_1)
    await stream.prepare(1 << 30)
    async with start({PROCESS_DEATH: stream}, sources_file=asking) as running:
        yield running


class TestDurability:
    async def test_a_source_of_class_1_is_acknowledged_by_the_server_of_class_1(
        self, relaxed: Gateway, class_1: Client
    ) -> None:
        told = (await relaxed.track(viewed())).json()
        assert told["durability_class"] == 1
        assert [place["durability_class"] for place in told["positions"]] == [1]
        assert (await class_1.jetstream().get_msg(STREAM, told["positions"][0]["sequence"])).data
        assert await relaxed.envelopes() == []

    async def test_its_receipt_names_the_batch_that_the_server_of_class_1_holds(
        self, relaxed: Gateway, class_1: Client
    ) -> None:
        told = (await relaxed.track(viewed())).json()
        held = await class_1.jetstream().get_msg(STREAM, told["positions"][0]["sequence"])
        stored = contract.RunFates(fates=[contract.EventFate(fate="stored")])
        relaxed.services.answers["ReadFates"] = contract.ReadFatesResponse(runs=[stored])
        answer = await relaxed.http.get(f"/v1/receipts/{told['receipt']}", auth=(relaxed.keys.app, ""))
        assert [each["fate"] for each in answer.json()["events"]] == ["stored"]
        (asked,) = relaxed.services.asked
        assert [run.batch_id for run in asked.runs] == [Envelope.FromString(held.data or b"").batch_id]

    async def test_one_that_is_away_stops_no_source_of_the_other(
        self, relaxed: Gateway, class_1: Client, tmp_path: Path
    ) -> None:
        await class_1.close()
        credentials = Credentials(tmp_path / "credentials.json", relaxed.keyring.current("pepper").secret)
        forum, _ = credentials.mint("source", "oak", "app:forum")
        taken = await relaxed.http.post("/v1/batch", json={"batch": [viewed()], "writeKey": forum})
        assert (taken.status_code, taken.json()["durability_class"]) == (200, 2)
        refused = await relaxed.track(viewed())
        assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
        assert int(refused.headers["retry-after"]) >= 1

    async def test_a_class_without_a_server_is_raised_and_never_lowered(
        self, start: Callable[..., Any], asking: Path
    ) -> None:
        async with start(sources_file=asking) as gateway:
            told = (await gateway.track(viewed())).json()
        assert (told["durability_class"], [each["durability_class"] for each in told["positions"]]) == (2, [2])

    async def test_a_position_of_no_class_is_refused(self, gateway: Gateway) -> None:
        asked = {"userId": "u1", "min_positions": [{"partition": 0, "sequence": 1, "durability_class": 3}]}
        answer = await gateway.http.post("/v1/persona", json=asked, auth=(gateway.keys.app, ""))
        assert answer.status_code == 400
        assert answer.json()["field"] == "body.min_positions.0.durability_class"
