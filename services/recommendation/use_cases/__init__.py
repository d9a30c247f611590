"""What this room does: learn, save, fit, recommend."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.aside import Work
from services.recommendation import repository
from services.recommendation.apart import rank_apart
from services.recommendation.choosing import choose_and_fit
from services.recommendation.clients import Personas
from services.recommendation.domain import (
    Abstention,
    Blend,
    Bounds,
    Choosing,
    DeadLetter,
    Decision,
    Lesson,
    Position,
    Ranking,
    Signals,
    Situation,
    Subject,
)
from services.recommendation.model import Model, Models
from services.recommendation.ranking import Fitted, rank


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons of one message, opened."""

    sequence: int
    brand: str
    batch_id: bytes
    lessons: Sequence[Lesson]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller wants, besides for whom."""

    at_ms: int
    count: int
    exclude: frozenset[str]


async def load(connection: AsyncConnection, bounds: Bounds, stream: str, created_at: str) -> Models:
    """Return the models as they were saved, with the stream they were learnt from: that one, when there are none."""
    position = await repository.read_position(connection, stream)
    models = Models(bounds, position or Position(stream, created_at, 0))
    for brand in await repository.list_brands(connection):
        models.brands[brand] = await repository.load_model(connection, brand, bounds)
    for brand, batch_id in await repository.list_batches(connection):
        models.remember_batch(brand, batch_id)
    return models


async def save(connection: AsyncConnection, models: Models, now: datetime) -> None:
    """Save sums, batches, dead letters and position; they are durable when the transaction is. Needs `writing`."""
    await repository.move_position(connection, models.position, models.saved_sequence)
    for brand, model in models.brands.items():
        await repository.save_model(connection, brand, model)
    await repository.put_batches(connection, models.unsaved_batches)
    await repository.put_dead_letters(connection, models.position.stream, models.unsaved_letters, now)


def learn(models: Models, batch: Batch) -> bool:
    """Add a batch to the brand's sums; a batch or a position seen before adds nothing. Needs `writing`."""
    if batch.sequence <= models.position.sequence:
        return False
    models.moved(batch.sequence)
    if models.knows_batch(batch.brand, batch.batch_id):
        return False
    models.remember_batch(batch.brand, batch.batch_id)
    models.unsaved_batches.append((batch.brand, batch.batch_id, batch.sequence))
    model = models.opened(batch.brand)
    model.sequence = batch.sequence
    for lesson in batch.lessons:
        model.sums.learn(lesson)
        model.sample.take(lesson)
    return True


def unlearn(models: Models, brand: str, batch_id: bytes, lessons: Sequence[Lesson]) -> bool:
    """Take lessons back from the brand's sums; False when that was done before. Needs `writing`."""
    if models.knows_batch(brand, batch_id):
        return False
    models.remember_batch(brand, batch_id)
    models.unsaved_batches.append((brand, batch_id, models.position.sequence))
    models.is_unsaved = True
    model = models.opened(brand)
    for lesson in lessons:
        model.sums.unlearn(lesson)
        model.sample.forget(lesson)
    return True


def set_aside(models: Models, letter: DeadLetter) -> None:
    """Pass a message that cannot be learnt. Needs `writing`."""
    if letter.sequence > models.position.sequence:
        models.moved(letter.sequence)
        models.unsaved_letters.append(letter)


async def fit(models: Models, brand: str, blend: Blend, choosing: Choosing) -> tuple[int, float]:
    """Fit the brand's weights to everything learnt so far; return the new version and the seconds it took.

    A brand that has outgrown its mixes gets new ones, too, which costs as much again. All of it is worked out aside,
    over a copy, while requests are answered with what was fitted before. Raises UnfinishedError if that was killed.
    """
    async with models.fitting:
        started = time.perf_counter()
        async with models.writing:
            model = models.of(brand)
            _forget(model, model.sums.make_room())
            lessons = model.sample.lessons() if model.has_outgrown(choosing) else []
            interactions = model.sums.interactions
            # A large brand takes a second of copying; answers only read meanwhile.
            work = await asyncio.to_thread(Work, choose_and_fit, model.sums, lessons, blend, choosing.least)
        mixes, weights = await work.done()
        async with models.writing:
            model.fitted = Fitted(weights, model.fitted.version + 1, mixes or model.fitted.mixes)
            model.fitted_interactions = interactions
            model.chosen_interactions = interactions if mixes else model.chosen_interactions
            model.is_fit_unsaved = models.is_unsaved = True
        return model.fitted.version, time.perf_counter() - started


async def recommend_to(
    models: Models, personas: Personas, blend: Blend, subject: Subject, wanted: Wanted
) -> tuple[Ranking, Decision]:
    """Rank for a persona, which is read under recommend.offer now and forgotten with the answer."""
    signals: Signals = await personas.read_signals(subject)
    model = models.of(subject.brand)
    if not signals.decision.is_allowed:
        return Ranking((), Abstention.DENIED, model.fitted.version), signals.decision
    situation = Situation(
        signals.history,
        wanted.at_ms,
        wanted.count,
        signals.likes,
        wanted.exclude | signals.removed,
        signals.draw_key,
        removed_topics=signals.removed_topics,
    )
    return recommend_for(model, blend, situation), signals.decision


def recommend_for(model: Model, blend: Blend, situation: Situation) -> Ranking:
    """Rank for a situation the caller describes; nothing of it is kept."""
    if situation.draw_key:
        return rank_apart(model.sums, model.fitted, situation, blend)
    return rank(model.sums, model.fitted, situation, blend)


def _forget(model: Model, slots: list[int]) -> None:
    # These slots belong to other items now; until the new fit is there the old weights would speak of the wrong ones.
    fitted_slots = [slot for slot in slots if slot < len(model.fitted.weights)]
    model.fitted.weights[fitted_slots, :] = 0.0
    model.fitted.weights[:, fitted_slots] = 0.0
    model.is_fit_unsaved = model.is_fit_unsaved or bool(fitted_slots)
