"""What became of the events that a receipt names."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from kit.db import raw
from services.profile.domain.errors import ReceiptExpiredError
from services.profile.fates import PENDING, QUARANTINED, Fate, Kept
from services.profile.repository import positions, receipts
from services.profile.use_cases.parts import day_of
from services.profile.use_cases.stores import Stores


@dataclass(frozen=True, slots=True)
class Run:
    """Events that follow each other in one batch."""

    partition: int
    batch_id: bytes
    first: int
    count: int

    @property
    def batch(self) -> receipts.Named:
        """The batch they are in."""
        return self.partition, self.batch_id


@dataclass(frozen=True, slots=True)
class Receipts:
    """Reads fates for as many full days as message ids are kept beside the present one."""

    stores: Stores
    days_kept: int

    async def read(self, brand: str, accepted_at_ms: int, runs: Sequence[Run]) -> list[list[Fate]]:
        """Return the fates of each run; raises ReceiptExpiredError."""
        kept = await receipts.fates_of(self.stores.profile, brand, list({run.batch for run in runs}))
        # Of a batch folded by a version that kept no fates nothing is known either.
        if any(not each.codes for each in kept.values()) or (
            len(kept) < len({run.batch for run in runs}) and await self._is_past(accepted_at_ms)
        ):
            raise ReceiptExpiredError("what became of these events is forgotten", limit=f"{self.days_kept} days")
        told = [_fates(run, kept.get(run.batch)) for run in runs]
        if any(each.fate == QUARANTINED for fates in told for each in fates):
            mended = await receipts.mended_of(self.stores.profile, brand, [run.batch_id for run in runs])
            told = [
                [mended.get((run.batch_id, place), fate) for place, fate in enumerate(fates, run.first)]
                for run, fates in zip(runs, told, strict=True)
            ]
        return told

    async def _is_past(self, accepted_at_ms: int) -> bool:
        # By the rule that days go by: before, whatever is not there is not folded yet.
        async with self.stores.profile.reading() as reading:
            horizon_ms = await positions.least_horizon(await raw(reading))
        return horizon_ms is not None and day_of(accepted_at_ms) < day_of(horizon_ms) - dt.timedelta(self.days_kept)


def _fates(run: Run, kept: Kept | None) -> list[Fate]:
    return [PENDING] * run.count if kept is None else kept.of(run.first, run.count)
