"""Reads personas: consent is asked on every read, linked facets are merged for this read alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kit.db import raw
from kit.fence import Familiar, Known
from relationships.state import NOTHING_KNOWN, Relationship
from services.profile import choices, handles, relations, sealed, tails
from services.profile.bearing import Bearing
from services.profile.buying import Bought, bought
from services.profile.choices import Choices
from services.profile.domain import OFFER, REMEMBER, RESEARCH, Bound, Decision, Persona, Subject
from services.profile.repository import facets
from services.profile.repository.crossings import Crossing
from services.profile.traits import Traits, merge
from services.profile.use_cases import cross
from services.profile.use_cases.consents import persona_or_nobody, whole
from services.profile.use_cases.stores import Stores
from services.profile.uses import MEMORY, SIGNALS, VIEW
from services.profile.views import Signal, View, leanings, signals

# A linked facet of which this was never asked follows the facet that is read; any other refusal is its own.
_SILENT = "NEVER_ASKED"
_NONE = Choices()


@dataclass(frozen=True, slots=True)
class ViewRead:
    """A view with its handle, or none; and why."""

    handle: str
    view: View | None
    decisions: list[Decision]


class Keyed(NamedTuple):
    """A persona and the key that seals what is kept of decisions about it."""

    persona: Persona
    decision_key: bytes


@dataclass(frozen=True, slots=True)
class CircleRead:
    """Whom decisions are kept for: the persona, then all that it is linked with."""

    #: About recommend.offer and research.model.
    decisions: list[Decision]
    circle: tuple[Keyed, ...]


@dataclass(frozen=True, slots=True)
class SignalsRead:
    """Ranking signals and liked topics, or none; and why."""

    decision: Decision
    signals: list[Signal]
    likes: tuple[str, ...]
    #: Draws the offers of an audience that others could compare; empty where none is.
    draw_key: bytes = b""
    #: Items, and topics whose items, the person has removed.
    removed_items: tuple[str, ...] = ()
    removed_topics: tuple[str, ...] = ()
    circle: tuple[Keyed, ...] = ()
    #: How the persona wants to be met.
    relationship: Relationship = NOTHING_KNOWN
    #: Foretells whether it will buy again; None of who never bought, or does not want that to rank offers.
    bought: Bought | None = None
    #: Where it stands and how it plays; None of who does not want that used.
    bearing: Bearing | None = None
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class PersonaRead:
    """What was asked for, with what only services may know."""

    persona: Persona | None
    seen: ViewRead
    memory_key: bytes
    signals: SignalsRead
    #: With others linked to it, or a change of its shard while it was read, it hangs on more than hints tell.
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What is read of a persona beside the decisions."""

    view: bool = True
    signals: bool = False


@dataclass(slots=True)
class _Found:
    bound: Bound | None
    others: list[Bound]
    crossings: list[Crossing]
    #: Facets on the other side of links that both sides allow at this moment.
    crossed: list[Bound]
    decisions: list[Decision]
    #: For this read alone: unwrapping it costs as much as opening a facet.
    key: bytes = field(default=b"", repr=False)

    def key_of(self, stores: Stores, each: Bound) -> bytes:
        if each is not self.bound:
            return sealed.data_key(stores.keyring, each)
        self.key = self.key or sealed.data_key(stores.keyring, each)
        return self.key

    def choices(self, stores: Stores) -> Choices:
        """Return what the person does not want, as far as this persona is known to be the same."""
        carrying = [each for each in (self.bound, *self.others, *self.crossed) if each is not None and each.choices]
        if not carrying:
            return _NONE
        return choices.merge(
            [
                choices.decode(sealed.open_choices(self.key_of(stores, each), each.persona, each.choices))
                for each in carrying
            ]
        )

    def circle(self, stores: Stores) -> tuple[Keyed, ...]:
        """Return the persona and all that it is known to be, whatever may be read there: limits hold for the whole."""
        linked = [each for each in (self.bound, *self.others, *self.crossed) if each is not None]
        return tuple(Keyed(each.persona, sealed.decision_key(self.key_of(stores, each))) for each in linked)

    def decision(self, purpose: str) -> Decision:
        unasked = Decision(purpose, is_allowed=False, reason=_SILENT, sequence=0, record_id="")
        return next((each for each in self.decisions if each.purpose == purpose), unasked)


async def read_view(stores: Stores, subject: Subject, purposes: Sequence[str]) -> ViewRead:
    """Return the view under the first purpose, and the decisions about all."""
    found = await _find(stores, subject, purposes)
    seen = await _seen(stores, subject, found)
    if found.bound is not None and seen.view is not None:
        stores.uses.read(found.bound.persona, subject.audience, seen.decisions[0], VIEW, stores.now_ms())
    return seen


class Question(NamedTuple):
    """What was read of whom, under which purposes; the first is that of the view."""

    subject: Subject
    purposes: tuple[str, ...]
    parts: Parts


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, whom it is about, and what was allowed then."""

    persona: Persona
    decisions: Sequence[Decision]
    answer: PersonaRead


#: What is read again from memory: hints name personas by their pids.
FamiliarPersonas = Familiar[Question, Answered]


async def read_persona(
    stores: Stores, familiar: FamiliarPersonas, subject: Subject, purposes: Sequence[str], parts: Parts
) -> PersonaRead:
    """Read what was asked for, from memory where that says the same."""
    question, hints = Question(subject, tuple(purposes), parts), familiar.hints
    known = familiar.get(question, stores.now_ms())
    if known is not None and stores.decisions.held(known.persona, subject.audience, purposes) == known.decisions:
        _note(stores, subject, known.answer)
        return known.answer
    began = stores.decisions.moment
    found = await _find(stores, subject, purposes)
    answer = await _persona(stores, subject, found, parts)
    # What the person chose was read before consent was asked: had it changed in between, the fence would have said so.
    if answer.persona is not None and not stores.decisions.stood_still(answer.persona, began):
        answer = replace(answer, is_alone=False)
    if answer.persona is not None and answer.is_alone:
        answered = Answered(answer.persona, found.decisions, answer)
        familiar.keep(question, Known((answer.persona.pid,), answered, stores.now_ms()), hints)
    _note(stores, subject, answer)
    return answer


def _note(stores: Stores, subject: Subject, answer: PersonaRead) -> None:
    if answer.persona is None:
        return
    told, now_ms = answer.seen.decisions, stores.now_ms()
    if answer.seen.view is not None:
        stores.uses.read(answer.persona, subject.audience, told[0], VIEW, now_ms)
    if answer.signals.is_read:
        stores.uses.read(answer.persona, subject.audience, answer.signals.decision, SIGNALS, now_ms)
    if answer.memory_key:
        remembering = next(each for each in told if each.purpose == REMEMBER)
        stores.uses.read(answer.persona, subject.audience, remembering, MEMORY, now_ms)


async def _persona(stores: Stores, subject: Subject, found: _Found, parts: Parts) -> PersonaRead:
    bound = found.bound
    told = found.choices(stores).decided(found.decisions)
    seen = await _seen(stores, subject, found) if parts.view else ViewRead("", None, told)
    unread = SignalsRead(found.decision(OFFER), [], ())
    signals = await _signals(stores, subject, found) if parts.signals else unread
    if bound is None:
        return PersonaRead(None, seen, b"", signals)
    may_remember = found.decision(REMEMBER).is_allowed
    memory_key = sealed.memory_key(found.key_of(stores, bound)) if may_remember else b""
    return PersonaRead(bound.persona, seen, memory_key, signals, is_alone=not found.others and not found.crossings)


async def read_signals(stores: Stores, subject: Subject) -> SignalsRead:
    found = await _find(stores, subject, [OFFER])
    read = await _signals(stores, subject, found)
    if found.bound is not None and read.is_read:
        stores.uses.read(found.bound.persona, subject.audience, read.decision, SIGNALS, stores.now_ms())
    return read


async def read_circle(stores: Stores, subject: Subject) -> CircleRead:
    found = await _find(stores, subject, [OFFER, RESEARCH])
    return CircleRead(found.choices(stores).decided(found.decisions), found.circle(stores))


async def count_facets(stores: Stores, brand: str) -> int:
    async with stores.profile.reading() as reading:
        return await facets.count(await raw(reading), brand)


async def _find(stores: Stores, subject: Subject, purposes: Sequence[str]) -> _Found:
    found = await whole(stores, subject)
    crossed = await cross.readable(stores, found.crossings) if found.crossings else []
    decisions = await stores.decisions.check(persona_or_nobody(subject, found.bound), subject.audience, purposes)
    return _Found(found.bound, found.others, found.crossings, crossed, decisions)


async def _seen(stores: Stores, subject: Subject, found: _Found) -> ViewRead:
    bound, decision, chosen = found.bound, found.decisions[0], found.choices(stores)
    told = chosen.decided(found.decisions)
    if bound is None or not decision.is_allowed:
        return ViewRead("", None, told)
    traits = await _merged(stores, subject, found, decision, VIEW)
    handle = handles.render(stores.keyring, subject.audience, bound.persona.pid, bound.generation)
    boundary = stores.crowds.of(subject.brand, subject.audience)
    seen = relations.seen(stores.packs.of(subject.brand), traits, chosen, stores.now_ms())
    return ViewRead(handle, boundary.publish(seen), told)


async def _signals(stores: Stores, subject: Subject, found: _Found) -> SignalsRead:
    chosen = found.choices(stores)
    [decision] = chosen.decided([found.decision(OFFER)])
    if found.bound is None or not decision.is_allowed:
        return SignalsRead(decision, [], ())
    traits = await _merged(stores, subject, found, decision, SIGNALS)
    pack, now_ms = stores.packs.of(subject.brand), stores.now_ms()
    wanted = relations.relationship_of(pack, traits, chosen, now_ms)
    purchases = None if "ranking" in chosen.objections else bought(traits)
    bearing = stores.bearings.of(subject.brand, traits, chosen, now_ms)
    beside = chosen.removed_items, chosen.removed_topics, found.circle(stores), wanted, purchases, bearing
    met = chosen.ranked(signals(traits))
    boundary = stores.crowds.of(subject.brand, subject.audience)
    if not boundary.is_compared:
        likes, _ = leanings(traits, now_ms)
        return SignalsRead(decision, met, chosen.liked(likes), b"", *beside, is_read=True)
    told = boundary.publish(relations.seen(pack, traits, chosen, now_ms))
    persona, generation = found.bound.persona, found.bound.generation
    draw_key = handles.draw_key(stores.keyring, subject.audience, persona.pid, generation)
    return SignalsRead(decision, met, chosen.liked(told.likes), draw_key, *beside, is_read=True)


async def _merged(stores: Stores, subject: Subject, found: _Found, decision: Decision, what: str) -> Traits:
    linked = await _readable(stores, subject, [*found.others, *found.crossed], decision.purpose)
    for each in linked:
        # Their person, too, is told who read them; of the facet itself that is noted with the answer.
        stores.uses.read(each.persona, subject.audience, decision, what, stores.now_ms())
    readable = [each for each in (found.bound, *linked) if each is not None]
    loaded = await stores.look_ups.facets.ask(subject.brand, [each.persona for each in readable])
    whole = Traits()
    for each in readable:
        lying = loaded.get(each.persona.pid)
        if lying is not None:
            facet = tails.whole(found.key_of(stores, each), each.persona, lying, stores.weights)
            whole = facet if each is found.bound else merge(whole, facet)
    return whole


async def _readable(stores: Stores, subject: Subject, others: list[Bound], purpose: str) -> list[Bound]:
    if not others:
        return []
    answers = await asyncio.gather(
        *(stores.decisions.check(other.persona, subject.audience, [purpose]) for other in others)
    )
    return [
        other
        for other, (decision,) in zip(others, answers, strict=True)
        if decision.is_allowed or decision.reason == _SILENT
    ]
