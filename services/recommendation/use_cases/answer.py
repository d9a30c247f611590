"""Takes what became of decisions, in force before it is acknowledged, and tells why they were made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from kit.db import raw
from services.recommendation.deciding import (
    VISIBLE_MS,
    WINDOW_MS,
    Act,
    Answers,
    Customs,
    Habits,
    Outcome,
    bin_of,
    heard,
    taught_by,
    told,
)
from services.recommendation.domain import Circle, DecisionUnknownError, Keyed, NothingToAnswerError, Subject
from services.recommendation.judging import GAINS, gain_of
from services.recommendation.record import occasion_of
from services.recommendation.repository import decisions
from services.recommendation.repository.decisions import HeldState, Logged
from services.recommendation.sealed import (
    CODEC,
    decode_customs,
    decode_taught,
    encode_customs,
    encode_taught,
    open_habits,
    open_record,
    open_state,
    seal_habits,
    seal_state,
)
from services.recommendation.use_cases.decide import Deciding, time_of


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a decision, as it was said."""

    decision_id: bytes
    outcome: Outcome
    visible_ms: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether as much was said before, and what stands now."""

    is_repeat: bool
    outcome: Outcome


async def give_feedback(around: Deciding, subject: Subject, said: Said) -> Taken:
    """Take what became of a decision: limits tighten without any consent, models learn with research.model."""
    read = await around.personas.read_circle(subject)
    own, logged, record = await _find(around, read.circle, said.decision_id)
    if record["act"] == Act.SILENT:
        raise NothingToAnswerError("it was decided to be silent", field="decision_id")
    if said.outcome is Outcome.REMOVED and record["item"]:
        # Everywhere, and first: whatever happens to the rest of this, it is removed.
        await around.personas.remove(subject, record["item"])
    if said.outcome is Outcome.IGNORED and said.visible_ms < VISIBLE_MS:
        return Taken(is_repeat=False, outcome=Outcome(logged.outcome))
    return await _take(around, own, said, record, may_learn=read.may_learn)


async def explain(around: Deciding, subject: Subject, decision_id: bytes) -> dict[str, Any]:
    """Return the record of a decision and what became of it."""
    read = await around.personas.read_circle(subject)
    _, logged, record = await _find(around, read.circle, decision_id)
    return {**record, "outcome": Outcome(logged.outcome).name.lower()}


async def _find(around: Deciding, circle: Circle, decision_id: bytes) -> tuple[Keyed, Logged, dict[str, Any]]:
    brand = circle[0].persona.brand if circle else ""
    since = time_of(around.now_ms() - WINDOW_MS)
    logged = await decisions.find_decision(around.database, brand, decision_id, since) if circle else None
    own = next((each for each in circle if logged and each.persona == logged.persona), None)
    if logged is None or own is None:
        raise DecisionUnknownError("no such decision about this persona", field="decision_id")
    return own, logged, open_record(own, decision_id, logged.body)


async def _take(around: Deciding, own: Keyed, said: Said, record: dict[str, Any], *, may_learn: bool) -> Taken:
    brand, now_ms = own.persona.brand, around.now_ms()
    around.remembered.forget([own.persona])
    async with around.database.transaction() as connection:
        driver = await raw(connection)
        logged = await decisions.lock_decision(driver, brand, said.decision_id, time_of(now_ms - WINDOW_MS))
        if logged is None:
            raise DecisionUnknownError("no such decision about this persona", field="decision_id")
        before = Outcome(logged.outcome)
        if said.outcome <= before:
            return Taken(is_repeat=True, outcome=before)
        await decisions.end_decision(driver, brand, said.decision_id, said.outcome)
        held = (await decisions.hold_states(driver, (own,), CODEC, time_of(now_ms)))[own.persona.pid]
        state = heard(open_state(own, held.body), now_ms, said.outcome, record["item"])
        habits = open_habits(own, held.habits)
        customs = _learn(around, own, habits, record, said.outcome)
        held = replace(held, body=seal_state(own, state), habits=seal_habits(own, habits))
        if may_learn:
            held = await _teach(driver, own, held, _added(record, before, said.outcome))
            held = await _teach_customs(driver, own, held, customs)
        await decisions.put_state(driver, own.persona, CODEC, held)
    return Taken(is_repeat=False, outcome=said.outcome)


def _learn(around: Deciding, own: Keyed, habits: Habits, record: dict[str, Any], outcome: Outcome) -> Customs:
    """Have the persona's habits know of an answer; return what it says of everybody."""
    seen = occasion_of(record)
    if seen is None:
        return Customs()
    return told(around.manners, around.shelves.customs(own.persona.brand), habits, seen, outcome)


async def _teach_customs(driver: asyncpg.Connection, own: Keyed, held: HeldState, more: Customs) -> HeldState:
    added = more.counted()
    if not added:
        return held
    await decisions.teach_customs(driver, own.persona.brand, added)
    whole = Customs.uncounted(decode_customs(held.customs)).merged(more)
    return replace(held, customs=encode_customs(whole.counted()))


async def _teach(driver: asyncpg.Connection, own: Keyed, held: HeldState, added: Mapping[int, Answers]) -> HeldState:
    await decisions.teach(driver, own.persona.brand, added)
    taught = decode_taught(held.taught)
    for number, more in added.items():
        taught[number] = Answers(*map(sum, zip(taught.get(number, Answers()), more, strict=True)))
    return replace(held, taught=encode_taught(taught))


def _added(record: dict[str, Any], before: Outcome, after: Outcome) -> dict[int, Answers]:
    """Return what is learnt when an outcome rises: by bucket, cell and promise, and of the other policy."""
    more = _difference(taught_by(before), taught_by(after))
    if "cell" not in record:
        return {record["bucket"]: more}
    numbers = (record["bucket"], record["cell"], bin_of(record["promised"]))
    return {**dict.fromkeys(numbers, more), GAINS: _difference(gain_of(record, before), gain_of(record, after))}


def _difference(before: Answers, after: Answers) -> Answers:
    return Answers(*(later - earlier for earlier, later in zip(before, after, strict=True)))
