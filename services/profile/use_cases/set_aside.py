"""Sets aside, in the fold's transaction, what the doors could not translate."""

from collections.abc import Sequence

from services.profile.domain import SHARDS
from services.profile.fates import DUPLICATE
from services.profile.folding import place_of
from services.profile.repository import ledger
from services.profile.use_cases.parts import Desk, Part, batches_of


async def set_aside(desk: Desk, fresh: Sequence[Part]) -> None:
    """Enter what the doors refused; what was set aside before is a duplicate."""
    refused = [
        (part.owner.partition.number, batch, place, each)
        for part in fresh
        for batch in batches_of([part])
        for place, each in enumerate(batch.rejected, len(batch.interactions))
    ]
    if not refused:
        return
    rows = [(each.mid[0] % SHARDS, each) for _, _, _, each in refused]
    new = await ledger.quarantine(desk.profile, fresh[0].owner.partition.brand, rows, desk.at_ms)
    for number, batch, place, each in refused:
        line = place_of(number, each.source, batch.sealed_at_ms)
        sheet = desk.books.sheet(batch)
        if each.mid in new:
            desk.books.add(line, "quarantined", 1)
            sheet.quarantine(place, each.reason, each.field)
            new.discard(each.mid)
        else:
            desk.books.add(line, "duplicate", 1)
            sheet.codes[place] = DUPLICATE
