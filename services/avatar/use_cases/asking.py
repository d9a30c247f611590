"""Answers questions, and the avatar's own wish to suggest something."""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import manners as rules
from services.avatar import repository
from services.avatar.answering import Moment, explain, refusal, suggest
from services.avatar.domain import Acquaintance, Action, Advice, Asked, Effect, Frame, Silence, Topic
from services.avatar.encounter import Turn
from services.avatar.repository import Kept
from services.avatar.use_cases.memories import learn, recall
from services.avatar.use_cases.visits import Surroundings, enter, refuse_closed
from services.avatar.wording import mentioned, render, today, voice


@dataclass(frozen=True, slots=True)
class Answer:
    """What the avatar may do now."""

    action: Action
    is_repeat: bool


async def prepare(
    connection: AsyncConnection, around: Surroundings, frame: Frame, asked: Asked, acquaintance: Acquaintance | None
) -> frozenset[str] | None:
    """Return the items that must not be suggested; None where no ranking is needed. Refuses nothing."""
    if asked.topic is not Topic.REC or acquaintance is None:
        return None
    kept = await repository.read_encounter(connection, frame.visit, locked=False)
    if kept is None or await repository.read_effect(connection, frame) is not None:
        return None
    if refusal(kept.encounter, asked, acquaintance, around.now_ms()) is not None:
        return None
    memory = await recall(connection, frame.visit, acquaintance)
    remembered = (*memory.dismissed, *memory.tried) if memory else ()
    return frozenset((*kept.encounter.dismissed, *kept.encounter.tried, *remembered))


async def ask(connection: AsyncConnection, around: Surroundings, frame: Frame, asked: Asked, advice: Advice) -> Answer:
    """Answer, once for each frame; a frame that comes again hears what its first answer says under today's consent."""
    now_ms = around.now_ms()
    kept = await enter(connection, frame.visit, now_ms)
    before = await repository.read_effect(connection, frame)
    if before is not None:
        told = today(before, advice.acquaintance, kept.encounter)
        return Answer(await _in_words(connection, around, frame, kept, told), is_repeat=True)
    refuse_closed(kept)
    if asked.topic is Topic.REC:
        turn, effect = suggest(kept.encounter, asked, advice, Moment(now_ms, around.new_ref()))
    else:
        turn, effect = await _explain(connection, around, frame, kept, asked)
    # What could not be looked up was not answered: the same frame may ask again.
    if effect.silence is not Silence.AWAY:
        await repository.save_encounter(connection, frame.visit, turn.encounter)
        await repository.add_effect(connection, frame, effect)
        if turn.learnt:
            await learn(connection, frame.visit, advice.acquaintance, turn.learnt, now_ms)
    after = replace(kept, encounter=turn.encounter)
    return Answer(await _in_words(connection, around, frame, after, effect), is_repeat=False)


async def _explain(
    connection: AsyncConnection, around: Surroundings, frame: Frame, kept: Kept, asked: Asked
) -> tuple[Turn, Effect]:
    subject = frame.visit.subject
    avatar = around.avatars.get(subject.brand, frame.visit.avatar)
    needs_items = asked.topic in {Topic.PRICE, Topic.WHERE}
    catalogue = await around.catalogues.read(connection, subject.brand) if needs_items else None
    return explain(avatar, kept.encounter, asked, catalogue)


async def _in_words(
    connection: AsyncConnection, around: Surroundings, frame: Frame, kept: Kept, effect: Effect
) -> Action:
    brand = frame.visit.subject.brand
    items = await repository.list_items(connection, brand, mentioned(effect))
    speaking = voice(around.avatars.get(brand, frame.visit.avatar), kept.encounter, items)
    quiet_s = rules.quiet_left_s(kept.encounter.manners, around.now_ms(), kept.expires_at_ms)
    return render(effect, speaking, quiet_s)
