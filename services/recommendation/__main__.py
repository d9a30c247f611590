"""The recommendation process: `python -m services.recommendation`."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from nats.aio.client import Client

from contracts.recommendation.v1.recommendation_pb2 import DESCRIPTOR
from contracts.recommendation.v1.recommendation_pb2_grpc import add_RecommendationServiceServicer_to_server
from kit import events, packs, process
from kit.db import Database
from kit.epochs import EpochKeys
from kit.keyring import FolderKeyRing
from kit.process import Readiness
from kit.rpc import RpcServer, build_server, connect
from kit.tenancy import acting_for_every_brand
from services.recommendation import use_cases
from services.recommendation.clients import Personas
from services.recommendation.consumers import DURABLE, STREAM, SUBJECTS, Learner
from services.recommendation.deciding import Manners, Suiting
from services.recommendation.model import Models
from services.recommendation.remembered import Remembered
from services.recommendation.rpc import RecommendationRpc, Surroundings
from services.recommendation.settings import DecidingPack, RankingPack, RecommendationSettings
from services.recommendation.shelves import Shelves
from services.recommendation.timing.pack import read_pack as read_timing
from services.recommendation.treating import Treating, by_brand, every_play, every_treatment, foretelling
from services.recommendation.use_cases.decide import Deciding
from services.recommendation.use_cases.keep import keep_forgetting
from wishes.archetypes import read_pack as read_archetypes

_MESSAGES_AT_ONCE = 16


async def main(settings: RecommendationSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    # One process learns for all: its sums are loaded, and saved together with its position in the stream.
    with acting_for_every_brand():
        await _learn_and_answer(settings, stop, readiness)


async def _learn_and_answer(settings: RecommendationSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    pack = packs.load(settings.ranking_file, RankingPack)
    async with _opened(settings) as (database, client), _personas(settings) as personas:
        readiness.add("database", database.ping)
        await process.wait_for(database.ping, "database")
        stream = client.jetstream()
        info = await events.ensure_stream(stream, STREAM, [SUBJECTS], max_bytes=settings.profile_stream_max_bytes)
        async with database.transaction() as connection:
            created_at = await events.stream_id(stream, str(info.config.name))
            models = await use_cases.load(connection, pack.bounds, STREAM, created_at)
        learner = Learner(models, database, stream, EpochKeys(_keyring(settings)), pack)
        follower = _follower(client, models, learner)
        readiness.add("lessons", follower.check)
        rules = packs.load(settings.deciding_file, DecidingPack)
        shelves = Shelves(models, pack.blend, database, rules.rules)
        await shelves.look()
        deciding = _deciding(settings, shelves, personas, database)
        around = Surroundings(models, personas, pack, _now_ms, partial(_save, learner), deciding)
        server = serve_recommendation(settings, around)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(follower.run())
            tasks.create_task(learner.keep_saving(stop, settings.save_every_s, _now))
            fitting = tasks.create_task(learner.keep_fitting())
            tasks.create_task(shelves.keep_looking(stop))
            tasks.create_task(keep_forgetting(database, _now, stop))
            await server.serve(stop)
            following.cancel()
            fitting.cancel()


def serve_recommendation(settings: RecommendationSettings, around: Surroundings) -> RpcServer:
    """Bind the service to its address; it answers after start()."""
    name = DESCRIPTOR.services_by_name["RecommendationService"].full_name
    servicer = RecommendationRpc(around)
    return build_server(settings, [(add_RecommendationServiceServicer_to_server, servicer, name)])


@asynccontextmanager
async def _opened(settings: RecommendationSettings) -> AsyncIterator[tuple[Database, Client]]:
    database = Database(settings.database_url, pool_size=settings.database_pool, tls=settings.tls)
    client = await events.connect(settings)
    try:
        yield database, client
    finally:
        await client.close()
        await database.dispose()


@asynccontextmanager
async def _personas(settings: RecommendationSettings) -> AsyncIterator[Personas]:
    if not settings.profile_address:
        yield Personas(None)
        return
    async with connect(settings.profile_address, settings.tls) as channel:
        yield Personas(channel)


def _deciding(settings: RecommendationSettings, shelves: Shelves, personas: Personas, database: Database) -> Deciding:
    pack = packs.load(settings.deciding_file, DecidingPack)
    return Deciding(
        shelves=shelves,
        personas=personas,
        database=database,
        remembered=Remembered(settings.states_kept),
        rules=pack.rules,
        manners=packs.load(settings.manners_file, Manners),
        policy_version=f"{pack.id}.{pack.version}",
        treating=treating_of(settings),
        now_ms=_now_ms,
        token=os.urandom,
        lot=random.SystemRandom().random,
    )


def treating_of(settings: RecommendationSettings) -> Treating:
    """Read the packs by which personas are met; raises PackError."""
    return Treating(
        every_treatment(settings.relationship_pack),
        packs.load(settings.suiting_file, Suiting),
        every_play(),
        by_brand(settings.timing_dir, lambda path: foretelling(read_timing(path))),
        by_brand(settings.archetypes_dir, read_archetypes),
    )


def _follower(client: Client, models: Models, learner: Learner) -> events.Follower:
    position = models.position
    subscription = events.Subscription(
        STREAM, DURABLE, (SUBJECTS,), created_id=position.created_at, max_messages=_MESSAGES_AT_ONCE
    )
    return events.Follower(client, subscription, position.sequence, learner.handle)


def _keyring(settings: RecommendationSettings) -> FolderKeyRing:
    if settings.keyring_dir is None:
        raise RuntimeError("load() refuses to start without keyring_dir")
    return FolderKeyRing(settings.keyring_dir)


async def _save(learner: Learner) -> None:
    with acting_for_every_brand():
        await learner.save(_now())


def _now() -> datetime:
    return datetime.now(UTC)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    process.run(main, RecommendationSettings.load())
