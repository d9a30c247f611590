"""Opens and closes encounters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from services.avatar import manners as rules
from services.avatar import repository, statements
from services.avatar.avatars import Avatar
from services.avatar.domain import (
    PERSONALISE,
    Acquaintance,
    Act,
    Action,
    Effect,
    Grant,
    Persona,
    Silence,
    Visit,
    VisitExpiredError,
    VisitUnknownError,
)
from services.avatar.encounter import Arrival, Encounter, begin
from services.avatar.remembering import NOTHING, Memory
from services.avatar.statements import Begun
from services.avatar.use_cases.memories import learn, opened
from services.avatar.use_cases.visits import Surroundings, grants_today
from services.avatar.wording import greetings, render, voice


@dataclass(frozen=True, slots=True)
class Opened:
    """An open encounter."""

    is_repeat: bool
    memory: Memory | None
    grants: tuple[Grant, ...]
    next: Action
    ai_line: str
    arrival: Arrival
    greetings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """An encounter that a door has opened by itself."""

    visit: Visit
    arrival: Arrival
    ref: str
    opened_at_ms: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """An encounter, whether it was open already, what one like it begins with, and what is remembered."""

    encounter: Encounter
    is_repeat: bool
    arrival: Arrival
    memory: Memory | None


async def open_encounter(
    database: Database, around: Surroundings, visit: Visit, language: str, acquaintance: Acquaintance
) -> Opened:
    """Open the encounter, or return the one that is open; raises UnknownAvatarError, VisitExpiredError."""
    now_ms = around.now_ms()
    avatar = around.avatars.get(visit.subject.brand, visit.avatar)
    if visit.expires_at_ms <= now_ms:
        raise VisitExpiredError("the visit is over; open another")
    pid = acquaintance.persona.pid if acquaintance.persona is not None else b""
    arrival = Arrival(pid, avatar.language(language), 0, acquaintance.allows(PERSONALISE))
    first = Opening(visit, arrival, around.new_ref(), now_ms)
    stands = await _open(database, around, first, acquaintance)
    encounter, memory = stands.encounter, stands.memory
    grants = grants_today(encounter, acquaintance, now_ms)
    effect = _first(encounter, acquaintance, grants)
    speaking = voice(avatar, encounter, {})
    action = render(effect, speaking, rules.quiet_left_s(encounter.manners, now_ms, visit.expires_at_ms))
    told = Opened(stands.is_repeat, memory, grants, action, _ai_line(avatar, encounter), stands.arrival)
    if effect.act is not Act.SAY:
        return told
    lines = greetings(speaking, is_known=memory is not None)
    return replace(told, next=replace(action, say=lines[visit.id[0] % len(lines)]), greetings=lines)


async def note_openings(database: Database, around: Surroundings, openings: Sequence[Opening]) -> list[Opening]:
    """Note encounters that are open already; return those that had not been noted before."""
    begun = {each.visit.id: _begun(around, each) for each in openings}
    noted = await statements.add_encounters(database, list(begun.values()))
    repeated = [each for visit_id, each in begun.items() if visit_id not in noted]
    for each in repeated:
        persona = Persona(each.visit.subject.brand, each.visit.subject.shard, each.pid)
        async with database.transaction() as connection:
            await _open_again(connection, each.visit, each.encounter, each.opened_at_ms, persona)
    return [each for each in {each.visit.id: each for each in openings}.values() if each.visit.id in noted]


def _begun(around: Surroundings, opening: Opening) -> Begun:
    avatar = around.avatars.get(opening.visit.subject.brand, opening.visit.avatar)
    encounter = begin(opening.arrival, avatar.approach, opening.ref, opening.opened_at_ms)
    return Begun(opening.visit, encounter, opening.opened_at_ms, opening.arrival.pid)


async def _open(database: Database, around: Surroundings, first: Opening, acquaintance: Acquaintance) -> _Standing:
    persona = acquaintance.persona if acquaintance.may_remember else None
    begun = _begun(around, first)
    is_added, sealed = await statements.add_unremembered(database, begun, persona)
    memory = opened(sealed, acquaintance, first.visit)
    arrival = replace(first.arrival, reserve=memory.reserve if memory else 0)
    if sealed is not None:
        begun = _begun(around, replace(first, arrival=arrival))
        is_added = await statements.add_encounter(database, begun)
    if is_added:
        return _Standing(begun.encounter, False, arrival, memory)
    async with database.transaction() as connection:
        encounter, is_repeat = await _open_again(
            connection, first.visit, begun.encounter, first.opened_at_ms, acquaintance.persona
        )
    return _Standing(encounter, is_repeat, arrival, memory)


async def _open_again(
    connection: AsyncConnection, visit: Visit, first: Encounter, now_ms: int, persona: Persona | None
) -> tuple[Encounter, bool]:
    kept = await repository.read_encounter(connection, visit, locked=True)
    if kept is None:
        raise VisitUnknownError("this visit is with another avatar, or elsewhere")
    if kept.expires_at_ms <= now_ms:
        # A world that counts its frames from the start again names a new visit like one that is long over.
        await repository.begin_again(connection, visit, first, now_ms, persona)
        return first, False
    if not kept.is_closed:
        await repository.extend_encounter(connection, visit)
    return kept.encounter, True


def _first(encounter: Encounter, acquaintance: Acquaintance, grants: tuple[Grant, ...]) -> Effect:
    if not acquaintance.allows(PERSONALISE):
        return Effect(silence=acquaintance.refusal(PERSONALISE), purpose=PERSONALISE)
    greet = next((grant for grant in grants if grant.kind == "greet"), None)
    if greet is None:
        return Effect(act=Act.WAIT, silence=Silence.RESERVED)
    return Effect(act=Act.SAY, ref=encounter.greeting, expires_at_ms=greet.expires_at_ms)


def _ai_line(avatar: Avatar, encounter: Encounter) -> str:
    return avatar.ai_line[avatar.language(encounter.language)]


async def close(connection: AsyncConnection, around: Surroundings, visit: Visit, acquaintance: Acquaintance) -> bool:
    """Close the encounter; return whether it was over before. Raises VisitUnknownError."""
    now_ms = around.now_ms()
    kept = await repository.read_encounter(connection, visit, locked=True)
    if kept is None:
        raise VisitUnknownError("nobody opened this visit here")
    if kept.is_closed or kept.expires_at_ms <= now_ms:
        return True
    silent = replace(kept.encounter, manners=rules.step_back(kept.encounter.manners))
    await repository.save_encounter(connection, visit, silent)
    await repository.close_encounter(connection, visit, now_ms)
    await learn(connection, visit, acquaintance, NOTHING, now_ms)
    return False
