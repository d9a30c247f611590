"""Decides what an avatar answers: an item, a line of its knowledge, a human, or honestly nothing."""

from dataclasses import dataclass, replace

from services.avatar import manners as rules
from services.avatar.avatars import Avatar, Entry, Words
from services.avatar.domain import (
    CONSENT_SILENCES,
    OFFER,
    PERSONALISE,
    Acquaintance,
    Act,
    Advice,
    Asked,
    Effect,
    Offer,
    Silence,
    Topic,
)
from services.avatar.encounter import Encounter, Step, Turn, offer
from services.avatar.knowledge import Catalogue, hits, words
from services.avatar.remembering import Learnt

#: How long a suggestion stands.
OFFER_MS = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is, and the ref that a new step gets."""

    now_ms: int
    ref: str


def refusal(encounter: Encounter, asked: Asked, acquaintance: Acquaintance | None, now_ms: int) -> Effect | None:
    """Return why no item may be suggested at all, None when one may."""
    if acquaintance is None:
        return Effect(silence=Silence.AWAY)
    for purpose in (OFFER,) if asked.is_visitor_asking else (PERSONALISE, OFFER):
        if not acquaintance.allows(purpose):
            return Effect(silence=acquaintance.refusal(purpose), purpose=purpose)
    if not asked.is_visitor_asking and rules.spend(encounter.manners, now_ms) is None:
        act = Act.NONE if encounter.manners.has_stepped_back else Act.WAIT
        return Effect(act=act, silence=Silence.NO_GRANT)
    return None


def suggest(encounter: Encounter, asked: Asked, advice: Advice, moment: Moment) -> tuple[Turn, Effect]:
    """Choose an item; asked by the avatar of its own, that uses up its leave to suggest."""
    refused = refusal(encounter, asked, advice.acquaintance, moment.now_ms)
    if refused is not None:
        return Turn(encounter), refused
    offers = advice.offers
    if offers is None or offers.are_away:
        return Turn(encounter), Effect(silence=Silence.AWAY)
    manners = rules.talked(encounter.manners)
    if not asked.is_visitor_asking:
        manners = rules.spend(encounter.manners, moment.now_ms) or manners
    after = replace(encounter, manners=manners)
    chosen = next((each for each in offers.ranked if _is_new(each, encounter)), None)
    if chosen is None:
        purpose = OFFER if offers.silence in CONSENT_SILENCES else ""
        return Turn(after), Effect(silence=offers.silence, purpose=purpose)
    effect = Effect(
        act=Act.SHOW,
        line="suggest",
        item=chosen.item,
        ref=moment.ref,
        reasons=chosen.reasons,
        expires_at_ms=moment.now_ms + OFFER_MS,
    )
    return Turn(offer(after, Step(moment.ref, chosen.item, decision=chosen.decision))), effect


def explain(avatar: Avatar, encounter: Encounter, asked: Asked, catalogue: Catalogue | None) -> tuple[Turn, Effect]:
    """Answer from the avatar's knowledge and the catalogue, or hand over."""
    talked = replace(encounter, manners=rules.talked(encounter.manners))
    if asked.topic in {Topic.PRICE, Topic.WHERE}:
        effect, learnt = _about_item(encounter, asked, catalogue)
    else:
        effect, learnt = _from_knowledge(avatar, asked)
    return _counted(avatar, Turn(talked, learnt), effect)


def _is_new(offered: Offer, encounter: Encounter) -> bool:
    # An offer whose ranking names no reason is not made: every suggestion says why.
    return bool(offered.reasons) and offered.item not in {*encounter.dismissed, *encounter.tried}


def _about_item(encounter: Encounter, asked: Asked, catalogue: Catalogue | None) -> tuple[Effect, Learnt]:
    named = catalogue.find(asked.question) if catalogue else None
    item = named.item if named else encounter.shown
    if not item:
        return Effect(silence=Silence.UNKNOWN_ITEM), Learnt()
    learnt = Learnt(asked=item)
    kept = catalogue.get(item) if catalogue else None
    if asked.topic is Topic.PRICE:
        return (_said("price", item) if kept and kept.price else Effect(silence=Silence.NO_PRICE)), learnt
    return (_said("place", item) if kept and kept.place else Effect(silence=Silence.NO_PLACE)), learnt


def _from_knowledge(avatar: Avatar, asked: Asked) -> tuple[Effect, Learnt]:
    question = words(asked.question)
    if _hits(question, avatar.hand_over.keywords):
        return Effect(act=Act.HANDOFF, line="handover"), Learnt()
    entry = _best(avatar, question)
    if entry is not None:
        return Effect(act=Act.SAY, line="faq", entry=entry.topic), Learnt(asked=entry.topic)
    if asked.topic is Topic.HELP:
        return Effect(act=Act.SAY, line="help"), Learnt()
    return Effect(silence=Silence.UNKNOWN_QUESTION), Learnt()


def _best(avatar: Avatar, question: list[str]) -> Entry | None:
    best = max(avatar.faq, key=lambda entry: _hits(question, entry.keywords), default=None)
    return best if best and _hits(question, best.keywords) else None


def _hits(question: list[str], keywords: Words) -> int:
    # In every language: people mix them, and ask in another one than their world is set to.
    return max((hits(question, some) for some in keywords.values()), default=0)


def _said(line: str, item: str) -> Effect:
    return Effect(act=Act.SAY, line=line, item=item)


def _counted(avatar: Avatar, turn: Turn, effect: Effect) -> tuple[Turn, Effect]:
    if effect.silence is None:
        return replace(turn, encounter=replace(turn.encounter, unanswered=0)), effect
    unanswered = turn.encounter.unanswered + 1
    if unanswered < avatar.hand_over.after_unanswered:
        return replace(turn, encounter=replace(turn.encounter, unanswered=unanswered)), effect
    handed_over = replace(turn, encounter=replace(turn.encounter, unanswered=0))
    return handed_over, Effect(act=Act.HANDOFF, line="handover")
