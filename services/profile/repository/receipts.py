"""The fates of batches, for as long as batches are remembered."""

from collections.abc import Sequence

from kit.db import Database
from services.profile.fates import Fate, Kept

#: Partition and batch id.
Named = tuple[int, bytes]


async def fates_of(source: Database, brand: str, batches: Sequence[Named]) -> dict[Named, Kept]:
    """Return the fates of those batches that are folded and remembered."""
    rows = await source.fetch(
        """
        SELECT b.partition, b.batch_id, b.fates, b.reasons
        FROM unnest($2::smallint[], $3::bytea[]) AS q(partition, batch_id)
        JOIN batches b ON b.brand = $1 AND b.partition = q.partition AND b.batch_id = q.batch_id
        """,
        brand,
        [number for number, _ in batches],
        [batch_id for _, batch_id in batches],
    )
    return {(number, batch_id): Kept(fates, reasons) for number, batch_id, fates, reasons in rows}


async def mended_of(source: Database, brand: str, batch_ids: Sequence[bytes]) -> dict[tuple[bytes, int], Fate]:
    """Return by batch and place what became of events that were set aside and replayed."""
    rows = await source.fetch(
        """
        SELECT batch_id, place, fate FROM quarantine
        WHERE brand = $1 AND batch_id = ANY($2::bytea[]) AND mended_at_ms > 0
        """,
        brand,
        batch_ids,
    )
    return {(batch_id, place): Fate(fate, "mended") for batch_id, place, fate in rows}
