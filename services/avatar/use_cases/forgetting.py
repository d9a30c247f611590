"""Erases what an avatar remembers of a visitor in one world."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import repository
from services.avatar.domain import Acquaintance, Effect, Frame, Persona, Silence, Visit
from services.avatar.encounter import forget as emptied
from services.avatar.use_cases.visits import Surroundings, enter, refuse_closed


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is gone, and the receipt."""

    is_repeat: bool
    was_known: bool
    receipt: str


async def forget(
    connection: AsyncConnection, around: Surroundings, frame: Frame, acquaintance: Acquaintance
) -> Forgotten:
    """Erase the memory, whatever is allowed at present, and what this visit has met."""
    now_ms = around.now_ms()
    kept = await enter(connection, frame.visit, now_ms)
    before = await repository.read_effect(connection, frame)
    if before is not None:
        return Forgotten(is_repeat=True, was_known=before.was_known, receipt=before.receipt)
    refuse_closed(kept)
    was_known = emptied(kept.encounter) != kept.encounter
    if acquaintance.persona is not None:
        was_known |= await repository.delete_memory(connection, frame.visit, acquaintance.persona)
    await repository.save_encounter(connection, frame.visit, emptied(kept.encounter))
    # Frames that come again must still change nothing, but what they were told about is forgotten too.
    effect = Effect(silence=Silence.FORGOTTEN, receipt=around.new_receipt(), was_known=was_known)
    await repository.replace_effects(connection, frame.visit, effect)
    await repository.add_effect(connection, frame, effect)
    await repository.add_receipt(connection, frame.visit, effect, now_ms)
    return Forgotten(is_repeat=False, was_known=was_known, receipt=effect.receipt)


async def erase(connection: AsyncConnection, personas: Sequence[Persona]) -> tuple[int, int]:
    """Delete all that any avatar has of these personas; return the number of memories and of encounters."""
    return await repository.erase(connection, personas)


async def name_encounter(connection: AsyncConnection, visit: Visit, acquaintance: Acquaintance) -> None:
    """Note who the visitor has become, so that erasing them finds this encounter."""
    if acquaintance.persona is not None:
        await repository.name_encounter(connection, visit, acquaintance.persona)
