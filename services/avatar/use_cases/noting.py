"""Notes what a world reports: what the visitor did, and what became of an offered step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import manners as rules
from services.avatar import repository
from services.avatar.domain import Acquaintance, Effect, Frame, Grant
from services.avatar.encounter import Encounter, Turn
from services.avatar.repository import Kept
from services.avatar.use_cases.memories import learn
from services.avatar.use_cases.visits import Surroundings, enter, grants_today, refuse_closed


@dataclass(frozen=True, slots=True)
class Noted:
    """What stands after a report."""

    is_repeat: bool
    grants: tuple[Grant, ...]
    quiet_s: int
    item: str
    encounter: Encounter


async def note(
    connection: AsyncConnection,
    around: Surroundings,
    frame: Frame,
    turn: Callable[[Encounter, int], Turn],
    acquaintance: Acquaintance,
) -> Noted:
    """Change the encounter by `turn` (which takes it and the time), once for each frame; raises what `turn` raises."""
    now_ms = around.now_ms()
    kept = await enter(connection, frame.visit, now_ms)
    before = await repository.read_effect(connection, frame)
    if before is not None:
        return Noted(True, *_standing(kept, acquaintance, now_ms), before.item, kept.encounter)
    refuse_closed(kept)
    turned = turn(kept.encounter, now_ms)
    encounter = turned.encounter
    if acquaintance.may_suggest:
        encounter = replace(encounter, manners=rules.give_leave(encounter.manners, now_ms))
    if encounter != kept.encounter:
        await repository.save_encounter(connection, frame.visit, encounter)
    if turned.learnt:
        await learn(connection, frame.visit, acquaintance, turned.learnt, now_ms)
    await repository.add_effect(connection, frame, Effect(item=turned.item))
    return Noted(False, *_standing(replace(kept, encounter=encounter), acquaintance, now_ms), turned.item, encounter)


def _standing(kept: Kept, acquaintance: Acquaintance, now_ms: int) -> tuple[tuple[Grant, ...], int]:
    """Return the leave that is left and the seconds to stay quiet."""
    manners = kept.encounter.manners
    quiet_s = rules.quiet_left_s(manners, now_ms, kept.expires_at_ms)
    return grants_today(kept.encounter, acquaintance, now_ms), quiet_s
