"""A gateway on real HTTP and a real NATS; the services behind it answer what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from nats.aio.client import Client

from contracts.avatar.v1 import avatar_pb2_grpc
from contracts.interaction.v1 import payload
from contracts.interaction.v1.interaction_pb2 import Envelope
from contracts.profile.v1 import profile_pb2_grpc
from contracts.recommendation.v1 import recommendation_pb2_grpc
from doors.stream import STREAM, JetStream
from doors.texts import Texts
from gateway.__main__ import build, open_door, translators_of
from gateway.clients import open_services
from gateway.domain import POWER_CUT
from gateway.settings import GatewaySettings
from gateway.sources import load_sources
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.http import serve
from kit.keyring import FolderKeyRing
from kit.process import Readiness
from kit.rpc import build_server
from kit.sealing import open_sealed
from relationships.judging import load_judge
from tests.integration.gateway.rpc import FakeAvatar, FakeProfile, FakeRecommendation, FakeServices


@dataclass
class Keys:
    write: str
    app: str
    analyst: str
    world: str
    staff: str


@dataclass
class Gateway:
    """A running gateway and what a test looks at."""

    http: httpx.AsyncClient
    keys: Keys
    services: FakeServices
    nats: Client
    keyring: FolderKeyRing

    async def track(self, *events: dict[str, Any], **envelope: Any) -> httpx.Response:
        body = {"batch": list(events), "writeKey": self.keys.write, **envelope}
        return await self.http.post("/v1/batch", json=body)

    async def envelopes(self) -> list[Envelope]:
        """Everything on the stream, in order."""
        stream = self.nats.jetstream()
        state = (await stream.stream_info(STREAM)).state
        numbers = range(state.first_seq, state.first_seq + state.messages)
        messages = [await stream.get_msg(STREAM, number) for number in numbers]
        return [Envelope.FromString(message.data or b"") for message in messages]

    async def payloads(self) -> list[payload.Payload]:
        """The same, opened."""
        return [self.opened(envelope) for envelope in await self.envelopes()]

    async def interactions(self) -> list[payload.Interaction]:
        return [each for content in await self.payloads() for each in content.interactions]

    async def quarantined(self) -> list[payload.Quarantined]:
        return [each for content in await self.payloads() for each in content.quarantined]

    def opened(self, envelope: Envelope) -> payload.Payload:
        key = EpochKeys(self.keyring).opener(envelope.epoch_key_id)
        place = payload.associated_data(envelope.batch_id, envelope.brand, envelope.partition)
        return payload.decode(open_sealed(key, envelope.nonce, envelope.ciphertext, place))


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
async def services_address(services: FakeServices) -> AsyncIterator[str]:
    server = build_server(
        GatewaySettings(),
        [
            (profile_pb2_grpc.add_ProfileServiceServicer_to_server, FakeProfile(services), "profile"),
            (recommendation_pb2_grpc.add_RecommendationServiceServicer_to_server, FakeRecommendation(services), "rec"),
            (avatar_pb2_grpc.add_AvatarServiceServicer_to_server, FakeAvatar(services), "avatar"),
        ],
    )
    await server.start()
    yield server.address
    await server.stop(0)


@pytest.fixture
def keys(keyring: FolderKeyRing, tmp_path: Path) -> Keys:
    for family in ("edge", "pepper"):
        keyring.ensure(family)
    credentials = Credentials(tmp_path / "credentials.json", keyring.current("pepper").secret)
    return Keys(
        credentials.mint("source", "oak", "app:shop")[0],
        credentials.mint("source", "oak", "app:shop", scopes=["app"])[0],
        credentials.mint("source", "oak", "app:shop", scopes=["aggregates"])[0],
        credentials.mint("world", "oak", "world:oak-street")[0],
        credentials.mint("staff", "oak", "ann")[0],
    )


@pytest.fixture
def start(
    nats: Client, keys: Keys, keyring: FolderKeyRing, services: FakeServices, services_address: str, tmp_path: Path
) -> Callable[..., Any]:
    """`async with start(streams_of_other_classes, setting=…) as gateway`."""

    @asynccontextmanager
    async def started(more: Mapping[int, JetStream] = MappingProxyType({}), **settings: Any) -> AsyncIterator[Gateway]:
        told = GatewaySettings(
            keyring_dir=tmp_path / "keyring",
            credentials_file=tmp_path / "credentials.json",
            profile_address=services_address,
            recommendation_address=services_address,
            avatar_address=services_address,
            **settings,
        )
        stream, readiness = JetStream(nats), Readiness()
        readiness.add("stream", stream.check)
        await stream.prepare(1 << 30)
        streams = {POWER_CUT: stream, **more}
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        async with open_services(told) as opened:
            translators = translators_of(told, load_sources(told.sources_file))
            door = open_door(told, keyring, translators, streams, Texts(load_judge))
            app = build(told, keyring, door, opened, readiness)
            serving = asyncio.create_task(serve(app, "127.0.0.1:0", stop, started=address.set_result))
            async with httpx.AsyncClient(base_url=f"http://{await address}", timeout=20) as http:
                yield Gateway(http, keys, services, nats, keyring)
            stop.set()
            await serving
            for publisher in door.publishers.values():
                await publisher.drain()

    return started


@pytest.fixture
async def gateway(start: Callable[..., Any]) -> AsyncIterator[Gateway]:
    async with start() as running:
        yield running
