"""Puts what is to be done into the avatar's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.avatar.avatars import Avatar, Language, Text
from services.avatar.domain import OFFER, Acquaintance, Act, Action, Effect, Item, Reason, Silence
from services.avatar.encounter import Encounter

#: Reasons that name an item; the others name a topic or nothing.
_ABOUT_ITEMS = frozenset(("because_of_item", "followed_item"))


@dataclass(frozen=True, slots=True)
class Voice:
    """An avatar speaking to one visitor: in which language, of which items."""

    avatar: Avatar
    language: Language
    items: Mapping[str, Item]

    def say(self, text: Text, **filled: str) -> str:
        line = text[self.language]
        for name, value in filled.items():
            # Not str.format: a title may hold braces.
            line = line.replace(f"{{{name}}}", value)
        return line

    def item(self, item: str) -> Item:
        return self.items.get(item) or Item(item, item)


def voice(avatar: Avatar, encounter: Encounter, items: Mapping[str, Item]) -> Voice:
    return Voice(avatar, avatar.language(encounter.language), items)


def mentioned(effect: Effect) -> set[str]:
    """Return the items whose titles the words need."""
    items = {reason.ref for reason in effect.reasons if reason.kind in _ABOUT_ITEMS}
    return {item for item in (effect.item, *items) if item}


def today(effect: Effect, acquaintance: Acquaintance | None, encounter: Encounter) -> Effect:
    """Return the effect as far as today's consent, and what the visitor has said since, let it be told."""
    if effect.act is not Act.SHOW:
        return effect
    if acquaintance is None:
        return Effect(silence=Silence.AWAY)
    if not acquaintance.allows(OFFER):
        return Effect(silence=acquaintance.refusal(OFFER), purpose=OFFER)
    if effect.item in acquaintance.removed or effect.item in encounter.dismissed:
        return Effect(silence=Silence.DISMISSED)
    return effect


def render(effect: Effect, voice: Voice, quiet_s: int) -> Action:
    return Action(
        act=effect.act,
        ref=effect.ref,
        say=_line(effect, voice),
        why=_why(effect, voice),
        item=effect.item if effect.act is Act.SHOW else "",
        quiet_s=quiet_s,
        expires_at_ms=effect.expires_at_ms,
        reasons=effect.reasons,
    )


def greetings(voice: Voice, *, is_known: bool) -> tuple[str, ...]:
    """Return the lines to greet with; the visit says which of them."""
    lines = voice.avatar.lines.greeting_again if is_known else voice.avatar.lines.greeting
    return tuple(map(voice.say, lines))


def _line(effect: Effect, voice: Voice) -> str:
    lines = voice.avatar.lines
    item = voice.item(effect.item)
    entry = voice.avatar.entry(effect.entry)
    texts = {
        "suggest": lines.suggest,
        "price": lines.price if item.price else None,
        "place": lines.place if item.place else None,
        "help": lines.help,
        "handover": voice.avatar.hand_over.say,
        "faq": entry.answer if entry else None,
    }
    text = texts.get(effect.line)
    return voice.say(text, price=item.price, place=item.place, title=item.title) if text else ""


def _why(effect: Effect, voice: Voice) -> tuple[str, ...]:
    if effect.silence is None:
        return tuple(_because(reason, voice) for reason in effect.reasons)
    text = voice.avatar.silences[effect.silence]
    purpose = voice.avatar.purposes.get(effect.purpose)
    return (voice.say(text, purpose=voice.say(purpose) if purpose else effect.purpose),)


def _because(reason: Reason, voice: Voice) -> str:
    text = voice.avatar.reasons[reason.kind]
    return voice.say(text, title=voice.item(reason.ref).title, topic=reason.ref)
