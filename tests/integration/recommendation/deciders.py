"""Deciders over a real database and a small made-up town, at a moment that the test says."""

import os
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from contracts.common.v1.subject_pb2 import KeyedPersona, Persona
from kit import packs
from kit.db import Database
from services.recommendation.__main__ import treating_of
from services.recommendation.clients import Personas
from services.recommendation.deciding import Manners, Treatment
from services.recommendation.domain import Keyed, Position
from services.recommendation.domain import Persona as Known
from services.recommendation.fitting import fit
from services.recommendation.model import Models
from services.recommendation.ranking import Fitted
from services.recommendation.remembered import Remembered
from services.recommendation.settings import DecidingPack, RecommendationSettings
from services.recommendation.shelves import Shelves
from services.recommendation.use_cases.decide import Deciding
from tests.unit.recommendation.town import BLEND, BOUNDS, START_MS, taught, walks

_HOUR_MS = 3_600_000
#: Noon, UTC, of a day the town knows.
NOON_MS = START_MS - START_MS % (24 * _HOUR_MS) + 12 * _HOUR_MS


@dataclass
class Clock:
    """The time, and what is drawn."""

    at_ms: int = NOON_MS
    #: Draws the most valuable.
    lot: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(3))

    def now_ms(self) -> int:
        return self.at_ms


def town() -> Models:
    """Return models that have learnt and fitted the town."""
    models = Models(BOUNDS, Position("PROFILE", "", 0))
    model = models.opened("oak")
    model.sums = taught(walks(people=100))
    model.fitted = Fitted(fit(model.sums.together, model.sums.followed, BLEND.regularisation, BLEND.nearness), 1)
    return models


def deciding(database: Database, models: Models, clock: Clock, personas: Personas | None = None) -> Deciding:
    settings = RecommendationSettings(_env_file=None)
    rules = packs.load(Path(settings.deciding_file), DecidingPack).rules
    return Deciding(
        shelves=Shelves(models, BLEND, database, rules),
        personas=personas or Personas(None),
        database=database,
        remembered=Remembered(100),
        rules=rules,
        manners=packs.load(Path(settings.manners_file), Manners),
        policy_version="test",
        treating=treating_of(settings),
        now_ms=clock.now_ms,
        token=os.urandom,
        lot=lambda: clock.lot,
    )


def eager(around: Deciding) -> Deciding:
    """Have nothing but limits keep it from beginning contacts."""
    rules = replace(around.rules, annoyed=0.0, explored=0.0)
    manners = msgspec.structs.replace(around.manners, contact_cost=0.0, annoyance_cost=0.0)
    return replace(around, rules=rules, manners=manners)


def treated(around: Deciding, treatment: Treatment) -> Deciding:
    """Treat everybody so of whom nothing is known."""
    return replace(around, treating=replace(around.treating, treatments={"": treatment}))


def persona(number: int) -> KeyedPersona:
    named = Persona(brand="oak", shard=number % 64, pid=bytes([number]) * 16)
    return KeyedPersona(persona=named, decision_key=bytes([number]) * 32)


def keyed(number: int) -> Keyed:
    return Keyed(Known("oak", number % 64, bytes([number]) * 16), bytes([number]) * 32)
