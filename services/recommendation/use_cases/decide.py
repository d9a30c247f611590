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
    placed,
    silenced,
)
from services.recommendation.domain import Circle, Decision, Keyed, Signals, Situation, Subject
from services.recommendation.record import Made, record
from services.recommendation.remembered import Remembered
from services.recommendation.repository import decisions
from services.recommendation.repository.decisions import HeldState, Logged, Turned
from services.recommendation.sealed import CODEC, open_habits, open_state, seal_habits, seal_record, seal_state
from services.recommendation.shelves import Shelves
from services.recommendation.treating import NOBODY, Like, Treating

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decisions are made of."""

    shelves: Shelves
    personas: Personas
    database: Database
    remembered: Remembered
    rules: Rules
    manners: Manners
    policy_version: str
    treating: Treating
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
    #: Channels in which the brand could begin as well.
    also_in: tuple[str, ...] = ()
    #: The people that the persona is like, who the caller vouches for.
    like: Like = NOBODY


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
    #: Where to do it; empty for silence.
    channel: str = ""


async def decide_for(around: Deciding, subject: Subject, asked: Asked) -> Answer:
    """Decide about a persona, which is read under recommend.offer now."""
    signals = await around.personas.read_signals(subject)
    if not signals.decision.is_allowed:
        return Answer(None, around.treating.treatments[asked.relationship], decision=signals.decision)
    if signals.relationship and signals.relationship in around.treating.treatments:
        # What the persona wants outranks what the caller believes.
        asked = replace(asked, relationship=signals.relationship)
    return replace(await decide_about(around, signals, asked), decision=signals.decision)


async def decide_about(around: Deciding, signals: Signals, asked: Asked) -> Answer:
    """Decide about somebody who was read under recommend.offer for this very question."""
    circle = signals.circle
    if not circle:
        raise UnavailableError("the profile service does not say yet whom limits hold for", retry_after_s=1)
    if asked.needs_offers and not around.shelves.ranked(circle[0].persona.brand).shelf.has_terms:
        return Answer(None, around.treating.treatments[asked.relationship], silence="NO_OFFERS")
    # What the brand begins is decided by what stands now: to begin it takes a transaction anyway.
    seen = around.remembered.of(circle) if asked.moment.initiative is Initiative.PERSONA else {}
    made = _attempt(around, signals, asked, seen or await decisions.read_states(around.database, circle))
    if made.decided.act is not Act.SILENT and asked.moment.initiative is Initiative.BRAND:
        return made.answer(await _hold(around, circle, made))
    if news := await _note(around, made, {each: seen[each.persona.pid].version for each in circle if seen}):
        made = _attempt(around, signals, asked, news)
        await _note(around, made, {})
    return made.answer(made.decided)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of a circle: limits and habits of all together, and the habits of whom it is about."""

    circle: Circle
    kept: Mapping[bytes, HeldState]
    state: State
    habits: Habits
    own: Habits


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A decision, and by what it was made."""

    known: _Known
    question: Question
    decided: Decided
    decision_id: bytes
    how: Made
    #: Where it turned up, which need not be where something is begun.
    turned_up: Moment

    def logged(self, decided: Decided, question: Question) -> Logged:
        own = self.known.circle[0]
        told = record(question, decided, self.how)
        return Logged(own.persona, self.decision_id, seal_record(own, self.decision_id, told))

    def answer(self, decided: Decided) -> Answer:
        channel = "" if decided.act is Act.SILENT else self.question.moment.channel
        return Answer(
            decided, self.question.treatment, self.decision_id, model_version=self.how.model_version, channel=channel
        )


def _attempt(around: Deciding, signals: Signals, asked: Asked, kept: Mapping[bytes, HeldState]) -> _Attempt:
    known, brand = _known(signals.circle, kept), signals.circle[0].persona.brand
    question, ranked = _question(around, signals, asked, known), around.shelves.ranked(brand)
    lot = around.lot()
    decided = decide(ranked, question, _grounds(around, brand), lot)
    how = Made(asked.relationship, lot, ranked.fitted.version, around.policy_version)
    return _Attempt(known, question, decided, around.token(ID_BYTES), how, asked.moment)


async def _note(around: Deciding, made: _Attempt, seen: Mapping[Keyed, int]) -> dict[bytes, HeldState]:
    """Add a decision to the log, unless what was seen is not what stands: then return that."""
    known, moment = made.known, made.question.moment
    own = known.circle[0]
    before = known.kept[own.persona.pid]
    habits = seal_habits(own, _met(around, known.own, made.turned_up))
    logged, turned = made.logged(made.decided, made.question), Turned(before.habits, habits, CODEC)
    noted = await decisions.note_decision(around.database, logged, turned, time_of(moment.at_ms), seen)
    if noted.version:
        after = replace(before, habits=habits, version=noted.version)
        around.remembered.keep(known.circle, {**known.kept, own.persona.pid: after})
    else:
        around.remembered.forget([own.persona])
    return noted.news


async def _hold(around: Deciding, circle: Circle, made: _Attempt) -> Decided:
    """Count the contact, or be silent when others have begun one since the states were read."""
    own, question, decided = circle[0], made.question, made.decided
    around.remembered.forget(each.persona for each in circle)
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
            turned_up = replace(made.turned_up, at_ms=moment.at_ms)
            habits = seal_habits(own, _met(around, open_habits(own, before.habits), turned_up))
            kept = replace(before, body=seal_state(own, state), habits=habits)
            await decisions.put_state(driver, own.persona, CODEC, kept)
        await decisions.add_decision(driver, made.logged(decided, standing), CODEC, time_of(moment.at_ms))
    return decided


def _known(circle: Circle, kept: Mapping[bytes, HeldState]) -> _Known:
    held = [(each, kept[each.persona.pid]) for each in circle]
    habits = [open_habits(each, one.habits) for each, one in held]
    return _Known(circle, kept, merge(open_state(each, one.body) for each, one in held), joined(habits), habits[0])


def _met(around: Deciding, habits: Habits, moment: Moment) -> Habits:
    meet(around.manners, habits, occasion(moment, ""))
    return habits


def _grounds(around: Deciding, brand: str) -> Grounds:
    """Return what a brand decides on at this moment."""
    shelves = around.shelves
    return Grounds(
        around.rules,
        around.manners,
        shelves.experience(brand),
        shelves.customs(brand),
        shelves.promise(brand),
        shelves.policy(brand),
    )


def _question(around: Deciding, signals: Signals, asked: Asked, known: _Known) -> Question:
    state, customs = known.state, around.shelves.customs(known.circle[0].persona.brand)
    moment = placed(around.manners, customs, known.habits, asked.moment, asked.also_in)
    suits = around.treating.suits(signals, asked.like, moment)
    situation = Situation(
        signals.history,
        moment.at_ms,
        around.rules.shortlist,
        signals.likes,
        asked.exclude | signals.removed | _answered(state, moment.at_ms),
        signals.draw_key,
        removed_topics=signals.removed_topics,
        suited=suits.topics,
    )
    treatment = suits.treated(around.treating.treatments[asked.relationship])
    return Question(situation, signals.removed, state, treatment, moment, known.habits, suits)


def _answered(state: State, at_ms: int) -> frozenset[str]:
    """Return what the persona has said no to, or yes: for so long it is not decided for again."""
    return frozenset(
        each.item
        for each in state.heard
        if each.item and each.outcome != Outcome.IGNORED and each.at_ms > at_ms - WINDOW_MS
    )


def time_of(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
