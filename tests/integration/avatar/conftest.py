import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from avatar_adapter import hints
from avatar_adapter.__main__ import following
from avatar_adapter.again import Again
from avatar_adapter.copies import Copies
from avatar_adapter.domain import Visit, World
from avatar_adapter.reception import Reception
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub, add_AvatarServiceServicer_to_server
from contracts.common.v1.subject_pb2 import Subject
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub, add_ProfileServiceServicer_to_server
from contracts.recommendation.v1.recommendation_pb2_grpc import add_RecommendationServiceServicer_to_server
from kit.db import Database
from kit.fence import Familiar, FencedCache, boottime_ns
from kit.http import free_port
from kit.rpc import build_server, connect
from kit.settings import Settings
from kit.testing import eventually
from services.avatar.__main__ import now_ms, serve_avatar
from services.avatar.avatars import load_avatars
from services.avatar.clients import Profiles, Rankings
from services.avatar.rpc import AvatarRpc
from services.avatar.settings import AvatarSettings
from services.avatar.use_cases import Catalogues, Surroundings
from services.consent.__main__ import serving as serving_consent
from services.consent.settings import ConsentSettings
from services.profile import handles
from services.profile.__main__ import build, open_aggregates, open_eraser, open_stores, open_streams, stop_all
from services.profile.settings import ProfileSettings
from tests.integration.avatar.others import Profile, Recommendation

START_MS = 1_750_000_000_000
HALF_HOUR_MS = 30 * 60_000


class Clock:
    def __init__(self):
        self.ms = START_MS

    def __call__(self):
        return self.ms

    def pass_s(self, seconds):
        self.ms += seconds * 1000


@dataclass
class Street:
    """The avatar service on a real server and a real database, and what stands around it."""

    stub: AvatarServiceStub
    profile: Profile
    recommendation: Recommendation
    database: Database
    clock: Clock
    profiles: Profiles

    async def reported(self, count):
        """What was given to people, once so much of it is reported."""
        reporting = asyncio.create_task(self.profiles.report(0.0))
        await eventually(lambda: len(self.profile.benefits) >= count)
        reporting.cancel()
        return self.profile.benefits

    def visitor(self, world="oak-street"):
        return Subject(brand="oak", audience=f"world:{world}", eid=secrets.token_bytes(16))

    def visit(self, visitor, *, avatar="ada", visit_id=None):
        expires_at_ms = self.clock.ms + HALF_HOUR_MS
        visit_id = visit_id or secrets.token_bytes(16)
        return Visiting(self, pb.Visit(visit_id=visit_id, subject=visitor, avatar=avatar, expires_at_ms=expires_at_ms))


@dataclass
class Visiting:
    """One visit, spoken through the contract."""

    street: Street
    visit: pb.Visit

    async def open(self, language="en"):
        return await self.street.stub.Open(pb.OpenRequest(visit=self.visit, language=language))

    async def observe(self, event, ref="", frame_id=""):
        request = pb.ObserveRequest(visit=self.visit, frame_id=frame_id, event=event, ref=ref)
        return await self.street.stub.Observe(request)

    async def ask(self, kind="rec", question="", frame_id="", *, unasked=False):
        request = pb.AskRequest(
            visit=self.visit, frame_id=frame_id, kind=kind, question=question, is_visitor_asking=not unasked
        )
        return await self.street.stub.Ask(request)

    async def act(self, ref, outcome, frame_id=""):
        request = pb.ActRequest(visit=self.visit, frame_id=frame_id, ref=ref, outcome=outcome)
        return await self.street.stub.Act(request)

    async def consent(self, give=(), take=()):
        statement = Statement(stated_at_ms=self.street.clock.ms, method="frame")
        request = pb.ChangeConsentRequest(visit=self.visit, give=give, take=take, statement=statement)
        return await self.street.stub.ChangeConsent(request)

    async def forget(self, frame_id=""):
        return await self.street.stub.Forget(pb.ForgetRequest(visit=self.visit, frame_id=frame_id))

    async def close(self):
        return await self.street.stub.Close(pb.CloseRequest(visit=self.visit))


class Serving:
    """Servers and channels of one test."""

    def __init__(self, closing):
        self.closing = closing

    async def serve(self, add, servicer, name):
        server = build_server(Settings(), [(add, servicer, name)])
        return await self.start(server)

    async def start(self, server):
        await server.start()
        self.closing.push_async_callback(server.stop, 0)
        return await self.closing.enter_async_context(connect(server.address))


@pytest.fixture
async def serving():
    async with AsyncExitStack() as closing:
        yield Serving(closing)


@pytest.fixture
async def street(serving, database):
    clock, profile, recommendation, kept = Clock(), Profile(), Recommendation(), database("avatar")
    around = Surroundings(
        load_avatars(), Catalogues(), clock, lambda: secrets.token_hex(16), lambda: secrets.token_hex(8)
    )
    channel, rankings = await asyncio.gather(
        serving.serve(add_ProfileServiceServicer_to_server, profile, "contracts.profile.v1.ProfileService"),
        serving.serve(
            add_RecommendationServiceServicer_to_server,
            recommendation,
            "contracts.recommendation.v1.RecommendationService",
        ),
    )
    profiles = Profiles(channel)
    servicer = AvatarRpc(kept, around, profiles, Rankings(rankings, lambda: clock.ms / 1000))
    channel = await serving.serve(add_AvatarServiceServicer_to_server, servicer, "contracts.avatar.v1.AvatarService")
    return Street(AvatarServiceStub(channel), profile, recommendation, kept, clock, profiles)


@pytest.fixture
async def shop(street):
    """A street with a catalogue."""
    titles = {"lamp": "Brass Lamp", "chair": "Oak Chair", "table": "Long Table", "sofa": "Old Sofa"}
    items = [
        pb.Item(item=item, title=title, topics=["living"], price="20 €", place="window")
        for item, title in titles.items()
    ]
    await street.stub.PutItems(pb.PutItemsRequest(brand="oak", items=items))
    return street


@pytest.fixture
def ada(shop):
    """A visit of somebody who allows everything."""
    visitor = shop.visitor()
    shop.profile.give(visitor, "personalise.world", "remember.conversation", "recommend.offer", "collect.behaviour")
    return shop.visit(visitor)


@pytest.fixture
async def real_street(serving, database, database_url, nats_url, tmp_path):
    """The avatar service before the real profile and consent services."""
    truth = ConsentSettings(keyring_dir=tmp_path / "keyring")
    server = await serving.closing.enter_async_context(serving_consent(truth, database("consent")))
    address = f"127.0.0.1:{free_port()}"
    settings = ProfileSettings(
        database_url=database_url("profile"),
        vault_url=database_url("vault"),
        nats_url=nats_url,
        keyring_dir=tmp_path / "keyring",
        consent_address=server.address,
        avatar_address=address,
        shared_by_least=1,
    )
    stores = await open_stores(settings, serving.closing)
    stores.keyring.ensure(handles.FAMILY)
    streams = await open_streams(settings, serving.closing)
    eraser = open_eraser(stores, streams)
    aggregates = open_aggregates(settings, stores, serving.closing)
    profiles = await serving.start(await build(settings, stores, streams, eraser, aggregates))
    ranking = Recommendation()
    name = "contracts.recommendation.v1.RecommendationService"
    rankings = await serving.serve(add_RecommendationServiceServicer_to_server, ranking, name)
    kept = database("avatar")
    known = Profiles(profiles)
    serving.closing.push_async_callback(stop_all, asyncio.create_task(known.report(0.05)))
    avatars = await serving.start(serve_avatar(AvatarSettings(grpc_address=address), kept, known, rankings))
    street = Street(AvatarServiceStub(avatars), ProfileServiceStub(profiles), ranking, kept, None, known)
    street.clock = type("Now", (), {"ms": property(lambda _: now_ms())})()
    street.consent_address, street.streams = server.address, streams
    return street


class Asked:
    """The avatar service, and how often it was asked to open a visit."""

    def __init__(self, stub):
        self.OpenMany, self._open, self.count = stub.OpenMany, stub.Open, 0

    async def Open(self, request):  # noqa: N802 - as the contract has it
        self.count += 1
        return await self._open(request)


class Door:
    """What a door does with openings, under the fence of the real consent service."""

    def __init__(self, street, fence):
        client, self.fence, self.asked = street.streams.client(), fence, Asked(street.stub)
        self.copies = Copies(fence, Familiar(100, lambda: hints.connection(client)), lambda who: who.eid)
        self.opened = 0
        self.reception = Reception(self.asked, self.copies, lambda name: hints.tell(client, name), secrets.token_bytes)

    async def open(self, visitor):
        self.opened += 1
        world = World(visitor.brand, visitor.audience.removeprefix("world:"))
        ends = now_ms() // 1000 + 1800
        visit = Visit(secrets.token_bytes(16), visitor.eid, "ada", ends, 4096, 500)
        said = await self.reception.open(world, visit, "en", now_ms())
        return said.told if isinstance(said, Again) else said

    async def is_warm(self, visitor):
        before = self.asked.count
        await self.open(visitor)
        return self.asked.count == before


@pytest.fixture
async def door(real_street):
    fence = FencedCache(boottime_ns, margin_ns=50_000_000, capacity=100)
    door = Door(real_street, fence)
    await hints.listen(real_street.streams.client(), door.copies.hint)
    async with following(real_street.consent_address, fence):
        await eventually(lambda: fence.is_leased)
        yield door
        await door.reception.drain()
