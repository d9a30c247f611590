"""A door on a real port, before real NATS and a core over real gRPC."""

import asyncio
import os
import time
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from avatar_adapter import hints
from avatar_adapter.app import Guard, build_app
from avatar_adapter.clients import Catalogue
from avatar_adapter.copies import Copies
from avatar_adapter.limiting import RateLimiter
from avatar_adapter.persons import Persons
from avatar_adapter.reception import Reception
from avatar_adapter.use_cases import Door
from avatar_adapter.visits import EDGE_FAMILY, Visits
from avatar_adapter.vocabulary import Vocabulary
from contracts.avatar.v1.avatar_pb2 import DESCRIPTOR
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub, add_AvatarServiceServicer_to_server
from contracts.interaction.v1 import payload
from contracts.interaction.v1.interaction_pb2 import Envelope
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub, add_ProfileServiceServicer_to_server
from doors.proofs import Proofs
from doors.publish import Publisher, Sealer, parcels
from doors.stream import JetStream
from kit import events
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.fence import Familiar, FencedCache, boottime_ns
from kit.http import serve
from kit.rpc import build_server, connect
from kit.sealing import open_sealed
from kit.settings import Settings

from .core import Core, Profiles

NAME = DESCRIPTOR.services_by_name["AvatarService"].full_name
RPS = 50


class Clock:
    ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@dataclass
class Stand:
    """What a test has in hand."""

    client: httpx.AsyncClient
    core: Core
    credentials: Credentials
    token: str
    clock: Clock
    server: object
    epochs: EpochKeys
    stream: JetStream
    nats: object
    fence: FencedCache
    copies: Copies
    profiles: Profiles
    keyring: object

    async def post(self, frame, **headers):
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return await self.client.post("/a/v1", json=frame, headers=sent)

    async def open(self, **changes):
        frame = {"op": "open", "i": "b-1", "w": "oak-street", "a": "ada", "v": "UVHWxzs8pntXOKijBbqe6x"} | changes
        answer = await self.post(frame)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def published(self):
        """Return (raw messages, interactions) of the stream."""
        jetstream = self.nats.jetstream()
        count = (await jetstream.stream_info("INTERACTIONS")).state.messages
        raw = [(await jetstream.get_msg("INTERACTIONS", seq)).data for seq in range(1, count + 1)]
        opened = []
        for each in map(Envelope.FromString, raw):
            key = self.epochs.opener(each.epoch_key_id)
            aad = payload.associated_data(each.batch_id, each.brand, each.partition)
            opened += payload.decode(open_sealed(key, each.nonce, each.ciphertext, aad)).interactions
        return raw, opened


@pytest.fixture
def stream_url(nats_url):
    return nats_url


@pytest.fixture
async def stand(tmp_path, keyring, stream_url):
    keyring.create(EDGE_FAMILY)
    credentials = Credentials(tmp_path / "credentials.json", b"pepper")
    token, _ = credentials.mint("world", "oak", "world:oak-street")
    core, clock = Core(), Clock()
    profiles = Profiles()
    server = build_server(
        Settings(),
        [
            (add_AvatarServiceServicer_to_server, core, NAME),
            (add_ProfileServiceServicer_to_server, profiles, "contracts.profile.v1.ProfileService"),
        ],
    )
    await server.start()
    nats = await events.connect(Settings(nats_url=stream_url))
    stream = JetStream(nats)
    await stream.prepare(1 << 26)
    epochs = EpochKeys(keyring)
    vocabulary = Vocabulary()
    publisher = Publisher(stream, Sealer(epochs, vocabulary.version), max_waiting=1 << 20)
    channel = connect(server.address)
    avatars = AvatarServiceStub(channel)

    async def publish(world, interaction):
        await publisher.publish(world.brand, parcels((interaction,), 4))

    visits = Visits(keyring, default_avatar="ada", clock=clock, random_bytes=os.urandom)
    fence = FencedCache(boottime_ns, margin_ns=0, capacity=100)
    copies = Copies(fence, Familiar(100, partial(hints.connection, nats)), lambda who: who.eid)
    await hints.listen(nats, copies.hint)
    reception = Reception(avatars, copies, partial(hints.tell, nats), os.urandom)
    persons = Persons(ProfileServiceStub(channel), Proofs(keyring, clock))
    catalogue = Catalogue(avatars, time.monotonic)
    door = Door(avatars, reception, catalogue, visits, vocabulary, publish, clock, persons)
    app = build_app(door, Guard(credentials, RateLimiter(RPS, lambda: 0.0), RPS))
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1:0", stop, started=address.set_result))
    async with httpx.AsyncClient(base_url=f"http://{await address}", timeout=20) as client:
        yield Stand(
            client, core, credentials, token, clock, server, epochs, stream, nats, fence, copies, profiles, keyring
        )
    stop.set()
    await serving
    await channel.close()
    await server.stop(0)
    await nats.close()
