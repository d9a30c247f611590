"""Answers questions, and the avatar's own wish to suggest something."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from services.avatar import manners as rules
from services.avatar import repository, statements
from services.avatar.answering import Moment, explain, refusal, suggest
from services.avatar.domain import Acquaintance, Action, Advice, Asked, Effect, Frame, Item, Silence, Topic
from services.avatar.encounter import Turn
from services.avatar.repository import Kept
from services.avatar.statements import Standing
from services.avatar.use_cases.memories import learn, opened
from services.avatar.use_cases.visits import Surroundings, enter, refuse_closed
from services.avatar.wording import mentioned, render, today, voice


@dataclass(frozen=True, slots=True)
class Answer:
    """What the avatar may do now."""

    action: Action
    is_repeat: bool


def excluded(
    around: Surroundings, frame: Frame, asked: Asked, acquaintance: Acquaintance, standing: Standing
) -> frozenset[str] | None:
    """Return the items that must not be suggested; None where no ranking is needed. Refuses nothing."""
    encounter = standing.kept.encounter
    if standing.is_repeat or refusal(encounter, asked, acquaintance, around.now_ms()) is not None:
        return None
    memory = opened(standing.memory, acquaintance, frame.visit)
    remembered = (*memory.dismissed, *memory.tried) if memory else ()
    return acquaintance.removed.union(encounter.dismissed, encounter.tried, remembered)


async def suggest_at_once(
    database: Database, around: Surroundings, question: tuple[Frame, Asked], advice: Advice, standing: Standing
) -> Answer | None:
    """Answer a wish for a suggestion with one statement; None, with nothing changed, where only `ask` can."""
    frame, asked = question
    now_ms, kept = around.now_ms(), standing.kept
    is_over = kept.is_closed or min(kept.expires_at_ms, frame.visit.expires_at_ms) <= now_ms
    if standing.is_repeat or is_over:
        return None
    turn, effect = suggest(kept.encounter, asked, advice, Moment(now_ms, around.new_ref()))
    is_kept = effect.silence is not Silence.AWAY
    if is_kept and not await statements.turn(database, frame, standing, turn.encounter, effect):
        return None
    brand = frame.visit.subject.brand
    items = await around.catalogues.named(database, brand, standing.revision, mentioned(effect))
    after = replace(kept, encounter=turn.encounter)
    return Answer(_render(around, frame, after, effect, items), is_repeat=False)


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
    return _render(around, frame, kept, effect, items)


def _render(around: Surroundings, frame: Frame, kept: Kept, effect: Effect, items: Mapping[str, Item]) -> Action:
    avatar = around.avatars.get(frame.visit.subject.brand, frame.visit.avatar)
    quiet_s = rules.quiet_left_s(kept.encounter.manners, around.now_ms(), kept.expires_at_ms)
    return render(effect, voice(avatar, kept.encounter, items), quiet_s)
