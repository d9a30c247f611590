"""Sets aside what doors could not translate, and lets in what was mended since; all of it in the fold's transaction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from services.profile import sealed
from services.profile.domain import COLLECT, Batch, Bound, Interaction, Rejected, Replayed
from services.profile.fates import DUPLICATE, Fate, Kept
from services.profile.folding import HOUR_MS, Address, place_of
from services.profile.mending import encode_left
from services.profile.repository import quarantine, vault
from services.profile.repository.quarantine import Held, Refused, Sealed
from services.profile.use_cases.parts import Desk, Part, batches_of
from services.profile.use_cases.stores import Stores


class _Met(NamedTuple):
    """A refused event where a fold meets it."""

    number: int
    batch: Batch
    place: int
    event: Rejected


async def set_aside(stores: Stores, desk: Desk, fresh: Sequence[Part]) -> None:
    """Enter what the doors refused; what was set aside before is a duplicate."""
    met = list(_refused(fresh))
    if not met:
        return
    brand = fresh[0].owner.partition.brand
    collecting = await _collecting(stores, desk, brand, [each.event for each in met])
    rows = [_row(stores, each, collecting) for each in met]
    new = await quarantine.enter(desk.profile, brand, rows, desk.at_ms)
    for number, batch, place, event in met:
        line = place_of(number, event.source, batch.sealed_at_ms)
        sheet = desk.books.sheet(batch)
        if event.mid in new:
            desk.books.add(line, "quarantined", 1)
            sheet.quarantine(place, event.reason, event.field)
            new.discard(event.mid)
        else:
            desk.books.add(line, "duplicate", 1)
            sheet.codes[place] = DUPLICATE


async def let_in(desk: Desk, fresh: Sequence[Part]) -> list[Part]:
    """Return the parts with their mended events behind them, those that are still set aside, each once.

    They leave the quarantine here and get their fate like any other event, on the line of the books where they were
    received: whatever becomes of them, the line balances. A replay that comes a second time finds nothing.
    """
    mids = [each.mid for batch in batches_of(fresh) for each in batch.mended]
    if not mids:
        return list(fresh)
    held = await quarantine.hold(desk.profile, fresh[0].owner.partition.brand, mids)
    return [Part(part.owner, [*part.opened, *_replayed(desk, part, held)]) for part in fresh]


async def close(desk: Desk, fresh: Sequence[Part]) -> None:
    """Enter what became of the mended events that were let in."""
    fates = {
        event.mid: fate.fate
        for batch in batches_of(fresh)
        if isinstance(batch, Replayed)
        for event, fate in zip(batch.interactions, _fates(desk, batch), strict=True)
    }
    if fates:
        await quarantine.let_in(desk.profile, fresh[0].owner.partition.brand, fates, desk.at_ms)


def _refused(fresh: Sequence[Part]) -> Iterator[_Met]:
    for part in fresh:
        for batch in batches_of([part]):
            for place, event in enumerate(batch.rejected, len(batch.interactions)):
                yield _Met(part.owner.partition.number, batch, place, event)


def _row(stores: Stores, met: _Met, collecting: Mapping[Address, Bound]) -> Refused:
    event, hour_ms = met.event, met.batch.sealed_at_ms // HOUR_MS * HOUR_MS
    remains = event.remains
    bound = collecting.get((event.source, remains.eid)) if remains is not None else None
    if remains is None or bound is None:
        return Refused(event, hour_ms, met.batch.batch_id, met.place, None)
    key = sealed.data_key(stores.keyring, bound)
    body = sealed.seal_remains(key, bound.persona, event.mid, encode_left(remains))
    kept = Sealed(bound.persona, bound.key_id, sealed.CODEC, body)
    return Refused(event, hour_ms, met.batch.batch_id, met.place, kept)


async def _collecting(stores: Stores, desk: Desk, brand: str, refused: Sequence[Rejected]) -> dict[Address, Bound]:
    """Return those who allow collecting: of others nothing is kept, and it is only counted that there was something."""
    asked = list(dict.fromkeys((each.source, each.remains.eid) for each in refused if each.remains is not None))
    if not asked:
        return {}
    by_source: defaultdict[str, dict[Address, Bound]] = defaultdict(dict)
    for address, bound in (await vault.resolve(desk.vault, brand, asked)).items():
        by_source[address[0]][address] = bound
    collecting: dict[Address, Bound] = {}
    for source, found in by_source.items():
        personas = [bound.persona for bound in found.values()]
        masks = await stores.decisions.check_many(source, (COLLECT,), personas)
        collecting |= {address: found[address] for address, mask in zip(found, masks, strict=True) if mask}
    return collecting


def _replayed(desk: Desk, part: Part, held: dict[bytes, Held]) -> Iterator[Replayed]:
    for batch in batches_of([part]):
        by_hour: defaultdict[int, list[Interaction]] = defaultdict(list)
        for event in batch.mended:
            kept = held.get(event.mid)
            if kept is not None and kept.source == event.source:
                del held[event.mid]
                by_hour[kept.hour_ms].append(event)
        for hour_ms, events in sorted(by_hour.items()):
            for event in events:
                desk.books.add(place_of(part.owner.partition.number, event.source, hour_ms), "quarantined", -1)
            # Named so that its fates are kept apart from those of the message it came with.
            yield Replayed(batch.sequence, batch.batch_id + b"|%d" % hour_ms, hour_ms, (), events, ())


def _fates(desk: Desk, batch: Replayed) -> list[Fate]:
    sheet = desk.books.sheet(batch)
    return Kept(sheet.packed(), sheet.reasons()).of(0, len(batch.interactions))
