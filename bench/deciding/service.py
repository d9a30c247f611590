"""The recommendation service over a made-up brand: `python -m bench.deciding.service URL OFFERS LEARNT`.

Prints its address and serves until standard input ends. Only what it knows of the brand is made up: how many offers
there are, and what a fit over that many would have left behind.
"""

import asyncio
import os
import random
import sys
import time

import numpy as np
import uvloop

from kit import packs
from kit.db import Database
from kit.settings import Settings
from kit.tenancy import acting_for_every_brand
from services.recommendation.__main__ import serve_recommendation, treating_of
from services.recommendation.clients import CircleRead, Personas
from services.recommendation.deciding import Manners, Terms
from services.recommendation.domain import Blend, Bounds, Keyed, Learnt, Lesson, Persona, Position, Subject
from services.recommendation.model import Models
from services.recommendation.ranking import Fitted
from services.recommendation.remembered import Remembered
from services.recommendation.rpc import Surroundings
from services.recommendation.settings import DecidingPack, RankingPack, RecommendationSettings
from services.recommendation.shelves import Shelves
from services.recommendation.sums import WEEK_MS, Sums
from services.recommendation.use_cases.decide import Deciding
from services.recommendation.use_cases.keep import put_offers

BRAND = "oak"
SHARDS = 64
TOPICS = 32
_PERSONAS = 4_000
_MET = 20
_PUT_AT_ONCE = 1_000


async def main(url: str, offers: int, learnt: int) -> None:
    """Serve until standard input ends."""
    settings = RecommendationSettings()
    ranking = packs.load(settings.ranking_file, RankingPack)
    database = Database(url)
    models = _models(learnt)
    deciding = _deciding(settings, models, ranking.blend, database)
    with acting_for_every_brand():
        terms = [_terms(number) for number in range(offers)]
        for start in range(0, offers, _PUT_AT_ONCE):
            await put_offers(database, BRAND, terms[start : start + _PUT_AT_ONCE])
        await deciding.shelves.look()
        around = Surroundings(models, deciding.personas, ranking, deciding.now_ms, _nothing_to_save, deciding)
        server = serve_recommendation(Settings(grpc_address="127.0.0.1:0"), around)
        await server.start()
        sys.stdout.write(server.address + "\n")
        sys.stdout.flush()
        await _input_ends()
        await server.stop(0)
    await database.dispose()


class Everybody(Personas):
    """Whoever is named is known, alone, and allows what there is to allow."""

    def __init__(self) -> None:
        super().__init__(None)

    async def read_circle(self, subject: Subject) -> CircleRead:
        """Return a persona of the subject's own id."""
        persona = Persona(subject.brand, subject.eid[-1] % SHARDS, subject.eid)
        return CircleRead((Keyed(persona, bytes(32)),), may_learn=True)


def _models(learnt: int) -> Models:
    rng = np.random.default_rng(1)
    models = Models(Bounds(learnt, 1, TOPICS), Position("", "", 0))
    model, weeks = models.opened(BRAND), time.time_ns() // 1_000_000 // WEEK_MS
    model.sums = Sums(Bounds(learnt, 1, TOPICS))
    # Everything is met twice at least, and some by many.
    order = np.concatenate([rng.permutation(learnt), rng.permutation(learnt)])
    met = np.concatenate([order, (learnt * rng.random(_PERSONAS * _MET) ** 3).astype(int)])
    for start in range(0, len(met), _MET):
        items = [f"item-{number}" for number in met[start : start + _MET]]
        model.sums.learn(Lesson((), tuple(Learnt(item, weeks * WEEK_MS) for item in items)))
    weights = rng.standard_normal((learnt, learnt), dtype=np.float32)
    weights *= 0.02
    model.fitted = Fitted(weights, 1)
    return models


def _deciding(settings: RecommendationSettings, models: Models, blend: Blend, database: Database) -> Deciding:
    pack = packs.load(settings.deciding_file, DecidingPack)
    return Deciding(
        shelves=Shelves(models, blend, database, pack.rules),
        personas=Everybody(),
        database=database,
        remembered=Remembered(settings.states_kept),
        rules=pack.rules,
        manners=packs.load(settings.manners_file, Manners),
        policy_version=pack.version,
        treating=treating_of(settings),
        now_ms=lambda: time.time_ns() // 1_000_000,
        token=os.urandom,
        lot=random.SystemRandom().random,
    )


def _terms(number: int) -> Terms:
    """Of every hundred one is sold out, five are for adults, ten are for the shop alone."""
    return Terms(
        f"item-{number}",
        is_sold_out=number % 100 == 0,
        least_age=18 if number % 20 == 1 else 0,
        channels=("shop",) if number % 10 == 2 else (),  # noqa: PLR2004 - any one of ten
        topics=(f"topic-{number % TOPICS}",),
    )


async def _nothing_to_save() -> None:
    pass


async def _input_ends() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: ended.set() if not sys.stdin.read(1) else None)
    await ended.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
