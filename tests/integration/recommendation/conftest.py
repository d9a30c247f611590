import asyncio
import contextlib
import secrets
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from contracts.common.v1.subject_pb2 import PurposeDecision
from contracts.profile.v1 import events_pb2, profile_pb2
from contracts.profile.v1.lessons import associated_data
from contracts.profile.v1.profile_pb2 import DESCRIPTOR
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceServicer, add_ProfileServiceServicer_to_server
from contracts.recommendation.v1.recommendation_pb2 import GetModelRequest
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from kit.db import Database
from kit.epochs import EpochKeys
from kit.process import Readiness
from kit.rpc import build_server, connect
from kit.sealing import seal
from kit.servers import ReservedPort
from kit.settings import Settings
from services.recommendation import clients
from services.recommendation.__main__ import main, serve_recommendation
from services.recommendation.remembered import Remembered
from services.recommendation.rpc import Surroundings
from services.recommendation.settings import RecommendationSettings
from tests.integration.recommendation.deciders import Clock, deciding, persona, town


class Personas(ProfileServiceServicer):
    """A profile service that says what a test told it to say."""

    def __init__(self):
        self.answer = profile_pb2.ReadSignalsResponse()
        self.circle = profile_pb2.ReadCircleResponse()
        self.asked = []
        self.removed = []

    async def ReadSignals(self, request, context):  # noqa: N802  # named by the contract
        self.asked.append(request.subject)
        return self.answer

    async def ReadCircle(self, request, context):  # noqa: N802  # named by the contract
        return self.circle

    async def Remove(self, request, context):  # noqa: N802  # named by the contract
        self.removed.append(request.removal.ref)
        return profile_pb2.RemoveResponse()

    def know(self, *circle, purposes=("recommend.offer", "research.model")):
        """Say who a subject is, and what it allows."""
        decisions = [PurposeDecision(purpose=purpose, is_allowed=True) for purpose in purposes]
        self.circle = profile_pb2.ReadCircleResponse(circle=circle, decisions=decisions)

    def allow(self, *items, likes=(), refused=(), removed=()):
        self.answer = profile_pb2.ReadSignalsResponse(likes=likes, removed_items=removed)
        self.answer.decision.purpose = "recommend.offer"
        self.answer.decision.is_allowed = True
        self.answer.decision.reason = "GRANTED"
        for number, item in enumerate(items):
            self.answer.signals.add(item=item, at_ms=number, weight=-1.0 if item in refused else 1.0)

    def deny(self):
        self.answer = profile_pb2.ReadSignalsResponse()
        self.answer.decision.purpose = "recommend.offer"
        self.answer.decision.reason = "WITHDRAWN"


@pytest.fixture
async def personas():
    return Personas()


@pytest.fixture
async def profile_address(personas):
    name = DESCRIPTOR.services_by_name["ProfileService"].full_name
    server = build_server(
        Settings(grpc_address="127.0.0.1:0"), [(add_ProfileServiceServicer_to_server, personas, name)]
    )
    await server.start()
    yield server.address
    await server.stop(0)


@pytest.fixture
def settings(database_url, nats_url, keyring, tmp_path, profile_address):
    port = ReservedPort()
    keyring.ensure("epoch")
    yield RecommendationSettings(
        database_url=database_url("recommendation"),
        nats_url=nats_url,
        keyring_dir=tmp_path / "keyring",
        grpc_address=port.address,
        profile_address=profile_address,
        save_every_s=0.05,
    )
    port.release()


@pytest.fixture
async def running(settings):
    """`async with running() as stub`: the whole process on this loop, until the block is left."""

    @contextlib.asynccontextmanager
    async def run(**changes):
        stop = asyncio.Event()
        task = asyncio.create_task(main(settings.model_copy(update=changes), stop, Readiness()))
        channel = connect(settings.grpc_address)
        try:
            stub = RecommendationServiceStub(channel)
            await stub.GetModel(GetModelRequest(brand="oak"), timeout=30)
            yield stub
        finally:
            await channel.close()
            stop.set()
            await task

    return run


@pytest.fixture
def announce(nats, keyring):
    """Publishes lessons as the folder does and returns the sequence."""
    epochs = EpochKeys(keyring)

    async def publish(*lessons, brand="oak", batch_id=None, key=None):
        batch_id = batch_id or secrets.token_bytes(16)
        key_id, own = epochs.current()
        content = events_pb2.Lessons(lessons=map(_message, lessons)).SerializeToString()
        nonce, ciphertext = seal(key or own, content, associated_data(batch_id, brand))
        folded = events_pb2.InteractionsFolded(
            brand=brand, batch_id=batch_id, epoch_key_id=key_id, nonce=nonce, ciphertext=ciphertext
        )
        published = await nats.jetstream().publish(f"profile.v1.folded.{brand}", folded.SerializeToString())
        return published.seq

    return publish


@pytest.fixture
async def opened(settings):
    database = Database(settings.database_url, pool_size=2)
    yield database
    await database.dispose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def around(opened, profile_address, clock):
    """A town that is learnt and fitted already."""
    async with connect(profile_address) as channel:
        made = deciding(opened, town(), clock, clients.Personas(channel))
        await made.shelves.look()
        yield made


@pytest.fixture
def shelves(around):
    return around.shelves


@pytest.fixture
async def stub(around, personas, clock):
    """The service alone."""
    personas.know(persona(1))
    async with _serving(around, clock) as own:
        yield own


@pytest.fixture
async def other(around, clock):
    """Another process of it."""
    async with _serving(replace(around, remembered=Remembered(100)), clock) as own:
        yield own


@asynccontextmanager
async def _serving(around, clock):
    surroundings = Surroundings(None, around.personas, None, clock.now_ms, None, around)
    server = serve_recommendation(Settings(grpc_address="127.0.0.1:0"), surroundings)
    await server.start()
    async with connect(server.address) as own:
        yield RecommendationServiceStub(own)
    await server.stop(0)


def _message(lesson):
    message = events_pb2.Lesson(before=lesson.before)
    for learnt in lesson.learnt:
        message.learnt.add(item=learnt.item, at_ms=learnt.at_ms, weight=learnt.weight, topics=learnt.topics)
    return message
