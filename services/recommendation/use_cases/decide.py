"""Decides, keeps what was decided and why, and holds the contact that a brand begins before it is begun.

The order of limits: a contact is in the database, with the states of all that the persona is linked with locked, before
anybody hears of it. Whoever dies in between has spent it. So no number of deciders exceeds a limit together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kit.db import Database, raw
from kit.errors import UnavailableError
from services.recommendation.clients import Personas
from services.recommendation.deciding import (
    WINDOW_MS,
    Act,
    Decided,
    Grounds,
    Habits,
    Initiative,
    Manners,
    Moment,
    Outcome,
    Question,
    Rules,
    State,
    Treatment,
    contacted,
    decide,
    joined,
    limit,
    meet,
    merge,
    occasion,
    silenced,
)
from services.recommendation.domain import Circle, Decision, Signals, Situation, Subject
from services.recommendation.record import Made, record
from services.recommendation.repository import decisions
from services.recommendation.repository.decisions import HeldState, Logged, Turned
from services.recommendation.sealed import CODEC, open_habits, open_state, seal_habits, seal_record, seal_state
from services.recommendation.shelves import Shelves

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decisions are made of."""

    shelves: Shelves
    personas: Personas
    database: Database
    rules: Rules
    manners: Manners
    policy_version: str
    #: By type of a relationship pack; "" for unknown.
    treatments: Mapping[str, Treatment]
    now_ms: Callable[[], int]
    #: Random bytes, and a random number in [0, 1).
    token: Callable[[int], bytes]
    lot: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller can do, where, and how the persona is to be met."""

    moment: Moment
    relationship: str = ""
    exclude: frozenset[str] = frozenset()
    #: Nothing is decided where the brand has put no offers.
    needs_offers: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is done; without an id nothing was decided."""

    decided: Decided | None
    treatment: Treatment
    decision_id: bytes = b""
    decision: Decision | None = None
    model_version: int = 0
    #: Why nothing was decided.
    silence: str = "DENIED"


async def decide_for(around: Deciding, subject: Subject, asked: Asked) -> Answer:
    """Decide about a persona, which is read under recommend.offer now."""
    signals = await around.personas.read_signals(subject)
    if not signals.decision.is_allowed:
        return Answer(None, around.treatments[asked.relationship], decision=signals.decision)
    if signals.relationship and signals.relationship in around.treatments:
        # What the persona wants outranks what the caller believes.
        asked = replace(asked, relationship=signals.relationship)
    return replace(await decide_about(around, signals, asked), decision=signals.decision)


async def decide_about(around: Deciding, signals: Signals, asked: Asked) -> Answer:
    """Decide about somebody who was read under recommend.offer for this very question."""
    circle = signals.circle
    if not circle:
        raise UnavailableError("the profile service does not say yet whom limits hold for", retry_after_s=1)
    brand = circle[0].persona.brand
    if asked.needs_offers and not around.shelves.ranked(brand).shelf.has_terms:
        return Answer(None, around.treatments[asked.relationship], silence="NO_OFFERS")
    known = await _read(around, circle)
    question, ranked = _question(around, signals, asked, known), around.shelves.ranked(brand)
    lot, decision_id = around.lot(), around.token(ID_BYTES)
    decided = decide(ranked, question, _grounds(around, brand), lot)
    version = ranked.fitted.version

    def logged(found: Decided, at: Question) -> Logged:
        told = record(at, found, Made(asked.relationship, lot, version, around.policy_version))
        return Logged(circle[0].persona, decision_id, seal_record(circle[0], decision_id, told))

    if decided.act is not Act.SILENT and asked.moment.initiative is Initiative.BRAND:
        decided = await _hold(around, circle, question, decided, logged)
    else:
        turned = Turned(known.sealed, seal_habits(circle[0], _met(around, known.own, asked.moment)))
        at = time_of(asked.moment.at_ms)
        await decisions.note_decision(around.database, logged(decided, question), turned, CODEC, at)
    return Answer(decided, question.treatment, decision_id, model_version=version)


async def _hold(
    around: Deciding,
    circle: Circle,
    question: Question,
    decided: Decided,
    logged: Callable[[Decided, Question], Logged],
) -> Decided:
    """Count the contact, or be silent when others have begun one since the states were read."""
    own = circle[0]
    async with around.database.transaction() as connection:
        driver = await raw(connection)
        held = await decisions.hold_states(driver, circle, CODEC, time_of(question.moment.at_ms))
        states = {each.persona.pid: open_state(each, held[each.persona.pid].body) for each in circle}
        # Others may have kept this waiting: what counts is when the contact can be begun.
        moment = replace(question.moment, at_ms=around.now_ms())
        standing = replace(question, state=merge(states.values()), moment=moment)
        if (found := limit(standing.state, question.treatment, moment)) is not None:
            decided = silenced(found.silence, standing)
        else:
            state = contacted(states[own.persona.pid], moment.at_ms)
            before = held[own.persona.pid]
            habits = seal_habits(own, _met(around, open_habits(own, before.habits), moment))
            kept = replace(before, body=seal_state(own, state), habits=habits)
            await decisions.put_state(driver, own.persona, CODEC, kept)
        await decisions.add_decision(driver, logged(decided, standing), CODEC, time_of(moment.at_ms))
    return decided


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of a circle: limits and habits of all together, and the habits of whom it is about."""

    state: State
    habits: Habits
    own: Habits
    sealed: bytes


async def _read(around: Deciding, circle: Circle) -> _Known:
    kept = await decisions.read_states(around.database, circle)
    held = [kept.get(each.persona.pid, HeldState()) for each in circle]
    habits = [open_habits(each, one.habits) for each, one in zip(circle, held, strict=True)]
    state = merge(open_state(each, one.body) for each, one in zip(circle, held, strict=True))
    return _Known(state, joined(habits), habits[0], held[0].habits)


def _met(around: Deciding, habits: Habits, moment: Moment) -> Habits:
    meet(around.manners, habits, occasion(moment, ""))
    return habits


def _grounds(around: Deciding, brand: str) -> Grounds:
    """Return what a brand decides on at this moment."""
    shelves = around.shelves
    return Grounds(
        around.rules,
        around.manners,
        shelves.taught(brand),
        shelves.customs(brand),
        shelves.promise(brand),
        shelves.policy(brand),
    )


def _question(around: Deciding, signals: Signals, asked: Asked, known: _Known) -> Question:
    state = known.state
    situation = Situation(
        signals.history,
        asked.moment.at_ms,
        around.rules.shortlist,
        signals.likes,
        asked.exclude | signals.removed | _answered(state, asked.moment.at_ms),
        signals.draw_key,
        removed_topics=signals.removed_topics,
    )
    return Question(
        situation, signals.removed, state, around.treatments[asked.relationship], asked.moment, known.habits
    )


def _answered(state: State, at_ms: int) -> frozenset[str]:
    """Return what the persona has said no to, or yes: for so long it is not decided for again."""
    return frozenset(
        each.item
        for each in state.heard
        if each.item and each.outcome != Outcome.IGNORED and each.at_ms > at_ms - WINDOW_MS
    )


def time_of(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
