"""All statements of the recommendation database."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg
import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import raw
from services.recommendation import tables
from services.recommendation.domain import Bounds, DeadLetter, Position, PositionTakenError
from services.recommendation.fitting import Weights
from services.recommendation.model import REMEMBERED_BATCHES, Model
from services.recommendation.packing import (
    CODEC,
    pack_item,
    pack_mixes,
    pack_row,
    pack_weights,
    unpack_item,
    unpack_mixes,
    unpack_row,
    unpack_weights,
)
from services.recommendation.ranking import Fitted
from services.recommendation.sums import ItemRow, Sums

# Rows of the square sums that are packed and sent at once: bounds memory, not meaning.
_ROWS_AT_ONCE = 500

_MOVE = """
INSERT INTO positions AS p (stream, created_at, sequence) VALUES ($1, $2, $3)
ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence
WHERE p.sequence = $4 AND p.created_at = excluded.created_at
RETURNING p.sequence
"""
_PUT_MODEL = """
INSERT INTO models (brand, model_version, interactions, sequence, fitted_interactions, chosen_interactions, mixes)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (brand) DO UPDATE SET
    model_version = excluded.model_version, interactions = excluded.interactions, sequence = excluded.sequence,
    fitted_interactions = excluded.fitted_interactions, chosen_interactions = excluded.chosen_interactions,
    mixes = excluded.mixes
"""
_PUT_WEIGHTS = """
INSERT INTO weight_rows (brand, slot, codec, body)
SELECT $1, slot, $2, body FROM unnest($3::int[], $4::bytea[]) AS u (slot, body)
ON CONFLICT (brand, slot) DO UPDATE SET codec = excluded.codec, body = excluded.body
"""
_PUT_ITEMS = """
INSERT INTO items (brand, item, slot, met, codec, body)
SELECT $1, item, slot, met, $2, body
FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bytea[]) AS u (item, slot, met, body)
ON CONFLICT (brand, item) DO UPDATE SET
    slot = excluded.slot, met = excluded.met, codec = excluded.codec, body = excluded.body
"""
_PUT_PAIRS = """
INSERT INTO pair_rows (brand, slot, codec, together, followed)
SELECT $1, slot, $2, together, followed FROM unnest($3::int[], $4::bytea[], $5::bytea[]) AS u (slot, together, followed)
ON CONFLICT (brand, slot) DO UPDATE SET
    codec = excluded.codec, together = excluded.together, followed = excluded.followed
"""
_PUT_BATCHES = """
INSERT INTO learnt_batches (brand, batch_id, sequence)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[]) ON CONFLICT DO NOTHING
"""
_DROP_BATCHES = "DELETE FROM learnt_batches WHERE sequence <= $1"
_PUT_LETTERS = """
INSERT INTO dead_letters (stream, sequence, reason, payload, set_aside_at)
SELECT $1, sequence, reason, payload, $2
FROM unnest($3::bigint[], $4::text[], $5::bytea[]) AS u (sequence, reason, payload)
ON CONFLICT DO NOTHING
"""


async def read_position(connection: AsyncConnection, stream: str) -> Position | None:
    """Return how far the stream is in the saved sums; None when it never was."""
    query = sa.select(tables.positions).where(tables.positions.c.stream == stream)
    row = (await connection.execute(query)).one_or_none()
    return Position(row.stream, row.created_at, row.sequence) if row else None


async def move_position(connection: AsyncConnection, position: Position, saved_sequence: int) -> None:
    """Move the position on from where this process saved it last; raises PositionTakenError when another did."""
    driver = await raw(connection)
    if not await driver.fetch(_MOVE, position.stream, position.created_at, position.sequence, saved_sequence):
        raise PositionTakenError("another process saved this stream's position")


async def list_brands(connection: AsyncConnection) -> list[str]:
    """Return the brands that have a model."""
    return list((await connection.execute(sa.select(tables.models.c.brand))).scalars())


async def load_model(connection: AsyncConnection, brand: str, bounds: Bounds) -> Model:
    """Return the brand's model as it was saved: what it decides, it decides again."""
    query = sa.select(tables.models).where(tables.models.c.brand == brand)
    saved = (await connection.execute(query)).one()
    model = Model(bounds, saved.model_version)
    model.sequence = saved.sequence
    model.sums.interactions = saved.interactions
    model.fitted_interactions, model.chosen_interactions = saved.fitted_interactions, saved.chosen_interactions
    rows = (await connection.execute(sa.select(tables.items).where(tables.items.c.brand == brand))).all()
    model.sums.restore([_item_row(row) for row in rows])
    pairs = await connection.stream(sa.select(tables.pair_rows).where(tables.pair_rows.c.brand == brand))
    async for row in pairs:
        model.sums.together[row.slot] = unpack_row(row.together, model.sums.size)
        model.sums.followed[row.slot] = unpack_row(row.followed, model.sums.size)
    weights = await _load_weights(connection, brand)
    model.fitted = Fitted(weights, saved.model_version, unpack_mixes(saved.mixes))
    return model


async def save_model(connection: AsyncConnection, brand: str, model: Model) -> None:
    """Save what changed in the model. Packing runs in a thread: nobody may learn into the model meanwhile."""
    driver = await raw(connection)
    await driver.execute(
        _PUT_MODEL,
        brand,
        model.fitted.version,
        model.sums.interactions,
        model.sequence,
        model.fitted_interactions,
        model.chosen_interactions,
        pack_mixes(model.fitted.mixes),
    )
    items = [model.sums.row(item) for item in sorted(model.sums.changed_items)]
    if items:
        bodies = [pack_item(row.weeks, row.topics) for row in items]
        names, slots, met = [row.item for row in items], [row.slot for row in items], [row.met for row in items]
        await driver.execute(_PUT_ITEMS, brand, CODEC, names, slots, met, bodies)
    slots_changed = sorted(model.sums.changed_slots)
    for start in range(0, len(slots_changed), _ROWS_AT_ONCE):
        some = slots_changed[start : start + _ROWS_AT_ONCE]
        together, followed = await asyncio.to_thread(_pack_pairs, model.sums, some)
        await driver.execute(_PUT_PAIRS, brand, CODEC, some, together, followed)
    if model.is_fit_unsaved:
        await _save_weights(driver, brand, model.fitted.weights)


async def list_batches(connection: AsyncConnection) -> list[tuple[str, bytes]]:
    """Return the batches learnt last, oldest first."""
    batches = tables.learnt_batches
    query = sa.select(batches.c.brand, batches.c.batch_id).order_by(batches.c.sequence)
    return [(row.brand, row.batch_id) for row in await connection.execute(query)]


async def put_batches(connection: AsyncConnection, learnt: Sequence[tuple[str, bytes, int]]) -> None:
    """Remember batches by (brand, batch id, sequence) and forget those too old to come again."""
    if not learnt:
        return
    driver = await raw(connection)
    await driver.execute(_PUT_BATCHES, *(list(column) for column in zip(*learnt, strict=True)))
    await driver.execute(_DROP_BATCHES, learnt[-1][2] - REMEMBERED_BATCHES)


async def put_dead_letters(
    connection: AsyncConnection, stream: str, letters: Iterable[DeadLetter], set_aside_at: datetime
) -> None:
    """Set messages aside."""
    columns = [(letter.sequence, letter.reason, letter.payload) for letter in letters]
    if not columns:
        return
    driver = await raw(connection)
    await driver.execute(_PUT_LETTERS, stream, set_aside_at, *(list(column) for column in zip(*columns, strict=True)))


async def _load_weights(connection: AsyncConnection, brand: str) -> Weights:
    # A fit is written as a whole, and items are never fewer than in the one before: rows are all of one fit.
    rows = tables.weight_rows
    size = await connection.scalar(sa.select(sa.func.count()).where(rows.c.brand == brand))
    weights = np.zeros((size or 0, size or 0), np.float32)
    async for row in await connection.stream(sa.select(rows.c.slot, rows.c.body).where(rows.c.brand == brand)):
        weights[row.slot] = unpack_weights(row.body)
    return weights


async def _save_weights(driver: asyncpg.Connection, brand: str, weights: Weights) -> None:
    for start in range(0, len(weights), _ROWS_AT_ONCE):
        some = range(start, min(start + _ROWS_AT_ONCE, len(weights)))
        bodies = [pack_weights(weights[slot]) for slot in some]
        await driver.execute(_PUT_WEIGHTS, brand, CODEC, list(some), bodies)


def _item_row(row: sa.Row[tuple[object, ...]]) -> ItemRow:
    body = unpack_item(row.body)
    return ItemRow(row.item, row.slot, row.met, body.weeks, body.topics)


def _pack_pairs(sums: Sums, slots: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
    return [pack_row(sums.together[slot]) for slot in slots], [pack_row(sums.followed[slot]) for slot in slots]
