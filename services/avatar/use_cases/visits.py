"""What every frame needs: the surroundings, and the visit that it belongs to."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import manners as rules
from services.avatar import repository
from services.avatar.avatars import Avatars
from services.avatar.domain import PERSONALISE, Acquaintance, Grant, Visit, VisitExpiredError, VisitUnknownError
from services.avatar.encounter import Encounter
from services.avatar.repository import Kept
from services.avatar.use_cases.catalogue import Catalogues

#: How long an encounter is kept after it ran out, to tell late frames so.
KEEP_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the use cases need from outside: avatars, a clock in milliseconds, and random ids.

    `new_receipt` gives 32 hexadecimal characters, `new_ref` at most 24 characters.
    """

    avatars: Avatars
    catalogues: Catalogues
    now_ms: Callable[[], int]
    new_receipt: Callable[[], str]
    new_ref: Callable[[], str]


async def enter(connection: AsyncConnection, visit: Visit, now_ms: int, *, locked: bool = True) -> Kept:
    """Return the visited encounter; raises VisitExpiredError, VisitUnknownError. Locked, frames take turns."""
    kept = await repository.read_encounter(connection, visit, locked=locked)
    if visit.expires_at_ms <= now_ms or (kept and kept.expires_at_ms <= now_ms):
        raise VisitExpiredError("the visit is over; open another")
    if kept is None:
        raise VisitUnknownError("nobody opened this visit here")
    return kept


def refuse_closed(kept: Kept) -> None:
    """Raise VisitExpiredError for a closed encounter. Frames that come again are answered even then."""
    if kept.is_closed:
        raise VisitExpiredError("the visit is over; open another")


async def admit(connection: AsyncConnection, around: Surroundings, visit: Visit) -> None:
    """Refuse a visit that is not going on."""
    refuse_closed(await enter(connection, visit, around.now_ms(), locked=False))


def grants_today(encounter: Encounter, acquaintance: Acquaintance, now_ms: int) -> tuple[Grant, ...]:
    """Return the leave to speak unasked that is left and that today's consent covers."""
    allowed = {"greet": acquaintance.allows(PERSONALISE), "suggest": acquaintance.may_suggest}
    return tuple(grant for grant in rules.grants(encounter.manners, now_ms) if allowed[grant.kind])


async def sweep(connection: AsyncConnection, now_ms: int) -> int:
    """Delete encounters that ran out some time ago; return how many."""
    return await repository.sweep(connection, now_ms - KEEP_MS)
