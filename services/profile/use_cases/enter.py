"""Writes what a fold has made of its parts; all of it is in the fold's transaction, the positions come last."""

from collections.abc import Sequence

from kit.events.outbox import enqueue
from services.profile import messages
from services.profile.domain import Poison, Replayed
from services.profile.domain.errors import FencedError, TooManyDeadLettersError
from services.profile.repository import books, facets, ledger, positions
from services.profile.tables.profile import OUTBOX
from services.profile.use_cases import segment, set_aside
from services.profile.use_cases.grow import Grown
from services.profile.use_cases.parts import Desk, Folding, HaltedError, Part, batches_of, check

_HOUR_MS = 3_600_000


async def enter(folding: Folding, desk: Desk, parts: Sequence[Part], fresh: Sequence[Part], grown: Grown) -> None:
    """Write `grown`, which came of `fresh`: what of `parts` was not folded before. Raises HaltedError."""
    for part in fresh:
        await _bury(folding, desk, part)
    await set_aside.set_aside(folding.stores, desk, fresh)
    await set_aside.close(desk, fresh)
    if grown.blocks:
        await _keep(folding, desk, fresh, grown)
    brand = parts[0].owner.partition.brand
    reached = [_reached(desk, part, unread) for part, unread in zip(parts, fresh, strict=True)]
    moved = await books.close(desk.profile, brand, desk.books.lines(), reached, desk.day)
    still = [part for part in parts if part.owner.partition not in moved]
    if still:
        await _raise_why(folding, still)


async def _keep(folding: Folding, desk: Desk, fresh: Sequence[Part], grown: Grown) -> None:
    brand, epochs, token = fresh[0].owner.partition.brand, folding.epochs, folding.stores.token
    await facets.keep(desk.profile, brand, grown.facets, next(batches_of(fresh)).batch_id, grown.blocks)
    await segment.settle(folding.stores, desk.transaction, brand, grown.decided)
    for announced in messages.announce(brand, grown.lessons, epochs, token):
        await enqueue(desk.transaction, OUTBOX, messages.folded_subject(brand), announced, {})


async def _raise_why(folding: Folding, still: Sequence[Part]) -> None:
    found = await positions.look(folding.stores.profile, [part.owner.partition for part in still], ())
    for part in still:
        position, _ = found.get(part.owner.partition, (None, set()))
        check(position, part.owner)
    raise HaltedError(still[0].owner.partition, FencedError("the position moved while it was folded"))


async def _bury(folding: Folding, desk: Desk, part: Part) -> None:
    poison = [message for message in part.opened if isinstance(message, Poison)]
    if not poison:
        return
    partition, limit = part.owner.partition, folding.most_dead_letters
    await ledger.bury(desk.profile, partition, part.owner.stream_created, poison, desk.at_ms)
    buried = await ledger.buried_since(desk.profile, partition, desk.at_ms - _HOUR_MS)
    if buried > limit:
        reasons = ", ".join(sorted({each.reason for each in poison}))
        message = f"more than {limit} messages within an hour: {reasons}"
        raise HaltedError(partition, TooManyDeadLettersError(message, limit=str(limit)))


def _reached(desk: Desk, part: Part, fresh: Part) -> books.Reached:
    named = [message for message in fresh.opened if message.batch_id and not isinstance(message, Replayed)]
    sheets = [(message.batch_id, desk.books.sheet(message)) for message in named]
    return books.Reached(
        part.owner.partition,
        part.owner.epoch,
        part.owner.stream_created,
        part.opened[-1].sequence,
        max(message.sealed_at_ms for message in part.opened),
        [books.Folded(batch_id, sheet.packed(), sheet.reasons()) for batch_id, sheet in sheets],
    )
