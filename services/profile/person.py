"""What a person is shown of their persona, and takes away: shapes of the document, and what follows from traits.

docs/rights.md describes the shapes; fields are only ever added.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from relationships.pack import RelationshipPack
from services.profile.choices import Choices
from services.profile.choices import Inference as Objectable
from services.profile.domain import ConsentRecord, Kind
from services.profile.offered import Shown
from services.profile.relations import relationship_of
from services.profile.repository.uses import Line
from services.profile.shown import Playing, Standing
from services.profile.traits import Recent, Traits
from services.profile.uses import DAY_MS, GAVE
from services.profile.views import View, view
from services.profile.wanting import NEITHER, wants

_MOST_REASONS = 5


class KindKnown(msgspec.Struct, frozen=True):
    """How often one kind of interaction happened, and when first and last, milliseconds since 1970 UTC."""

    kind: str
    count: int
    first_at_ms: int
    last_at_ms: int


class Met(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the newest interactions."""

    at_ms: int
    kind: str
    item: str = ""
    topics: tuple[str, ...] = ()


class Inference(msgspec.Struct, frozen=True):
    """Something that was not said but follows; or that was said, and then stands whatever follows."""

    #: "like", "dislike", "wish", "channel", "day_part".
    trait: str
    value: str
    #: "inferred" or "stated".
    source: str
    #: Pack and version of the weights it follows from.
    model: str
    at_ms: int
    #: The newest interactions it rests on, at most 5.
    because: tuple[Met, ...]
    #: True where the person objects: it is neither told nor used.
    is_objected: bool


class Wished(msgspec.Struct, frozen=True):
    """A wish: an item or a topic, how strongly it is wished now and by what evidence.

    A strength is in units of one entry on a wish list and halves in 180 days.
    """

    ref: str
    strength: float
    newest_at_ms: int
    #: Strength by kind of interaction.
    evidence: dict[str, float]
    is_objected: bool


class Said(msgspec.Struct, frozen=True):
    """A correction: what the person says of a topic or an item."""

    ref: str
    #: "likes", "dislikes" or "neither".
    says: str
    at_ms: int


class Reading(msgspec.Struct, frozen=True):
    """Who read what, for what, under which record, how often on one day."""

    audience: str
    purpose: str
    what: str
    record_id: str
    day: str
    count: int
    first_at_ms: int
    last_at_ms: int


class Benefit(msgspec.Struct, frozen=True):
    """What one purpose used, and what it gave: how often each."""

    purpose: str
    used: dict[str, int]
    gave: dict[str, int]


class Removed(msgspec.Struct, frozen=True):
    """What is not offered any more."""

    what: str
    ref: str
    at_ms: int
    #: Items and topics that went with the offer, for it rested on them.
    grounds: tuple[str, ...] = ()


class Related(msgspec.Struct, frozen=True):
    """How the person wants to be met: what they declared, or what follows from what they said and did."""

    #: Type and family of the pack; "unknown" while nothing may be acted upon.
    type: str
    family: str
    #: "inferred" or "declared".
    source: str
    #: How likely it is, 0 to 1.
    confidence: float
    #: Pack and version.
    model: str
    #: Texts that it rests on; none was kept.
    texts: int
    is_objected: bool
    #: What may be declared, by language.
    types: dict[str, dict[str, str]]


class Remembered(msgspec.Struct, frozen=True):
    """What one avatar remembers: when it last met the persona; what was asked, tried and dismissed, newest first."""

    avatar: str
    last_met_at_ms: int
    asked: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()


class DecidedPage(NamedTuple):
    """What was decided, a JSON document each, newest first; where the next page begins; habits, as JSON."""

    documents: tuple[bytes, ...] = ()
    next: bytes = b""
    habits: bytes = b"[]"


class DecidedAt(msgspec.Struct, frozen=True):
    """The moment of a decision."""

    at_ms: int
    channel: str
    initiative: str


class Decided(msgspec.Struct, frozen=True):
    """One decision in short: what was done, or why nothing, and what became of it. The archive has all of it."""

    act: str
    silence: str
    item: str
    outcome: str
    moment: DecidedAt


class Known(msgspec.Struct, frozen=True):
    """What was collected, summed up. `recent` is the newest first, at most 128; the export has all."""

    kinds: tuple[KindKnown, ...] = ()
    channels: tuple[str, ...] = ()
    groups: int = 0
    recent: tuple[Met, ...] = ()


class Link(msgspec.Struct, frozen=True):
    """Where the persona is known to be the same: another audience shows its own part there."""

    audience: str
    facets: int


_MOST_DECIDED = 20
_decided = msgspec.json.Decoder(Decided)


class Person(msgspec.Struct, frozen=True):
    """All that is shown."""

    audience: str
    handle: str
    at_ms: int
    known: Known = Known()
    inferred: tuple[Inference, ...] = ()
    stated: tuple[Said, ...] = ()
    consents: tuple[ConsentRecord, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    readers: tuple[Reading, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    removed: tuple[Removed, ...] = ()
    objected: tuple[str, ...] = ()
    linked: tuple[Link, ...] = ()
    wishes: tuple[Wished, ...] = ()
    relationship: Related | None = None
    journey: Standing | None = None
    #: What was decided in 30 days, the newest 20.
    decided: tuple[Decided, ...] = ()
    play: Playing | None = None
    #: What was offered in 90 days, the newest 20.
    offers: tuple[Shown, ...] = ()


def decided(page: DecidedPage) -> tuple[Decided, ...]:
    """Return the newest decisions in short."""
    return tuple(map(_decided.decode, page.documents[:_MOST_DECIDED]))


def known(traits: Traits) -> Known:
    """Return what was collected."""
    kinds = (
        KindKnown(_name(kind), tally.count, tally.first_at, tally.last_at)
        for kind, tally in sorted(traits.kinds.items())
    )
    recent = tuple(_met(each) for each in reversed(traits.last))
    return Known(tuple(kinds), tuple(sorted(traits.channels)), len(traits.groups), recent)


def inferred(traits: Traits, chosen: Choices, model: str, at_ms: int) -> tuple[Inference, ...]:
    """Return what follows from traits, and why, whether or not it is objected to."""
    shown, stated = view(traits, at_ms), {each.ref for each in traits.stated}
    newest = [*reversed(traits.last)]
    found = []
    for trait, value in _traits_of(shown):
        because = tuple(_met(each) for each in newest if _speaks_for(each, trait, value))[:_MOST_REASONS]
        source = "stated" if trait in {"like", "dislike"} and value in stated else "inferred"
        found.append(Inference(trait, value, source, model, at_ms, because, chosen.objects_to(_OBJECTED[trait], value)))
    return tuple(found)


_OBJECTED: dict[str, Objectable] = {
    "like": "likes",
    "dislike": "dislikes",
    "wish": "wishes",
    "channel": "habits",
    "day_part": "habits",
}


def stated(traits: Traits) -> tuple[Said, ...]:
    """Return what the person corrected, newest first."""
    return tuple(Said(each.ref, _says(each.value), each.at) for each in reversed(traits.stated))


def wished(traits: Traits, chosen: Choices, at_ms: int) -> tuple[Wished, ...]:
    """Return all wishes that stand, the strongest first; avatars are told three at most."""
    return tuple(
        Wished(
            want.ref,
            round(want.strength, 3),
            want.newest_at,
            {kind: round(strength, 3) for kind, strength in want.evidence},
            chosen.objects_to("wishes", want.ref),
        )
        for want in wants(traits, at_ms)
    )


def related(pack: RelationshipPack, traits: Traits, chosen: Choices, at_ms: int) -> Related:
    """Return how the person is met, and what else they may choose."""
    found = relationship_of(pack, traits, chosen, at_ms)
    return Related(
        type=found.type,
        family=found.family,
        source="declared" if found.declared else "inferred",
        confidence=round(found.confidence, 2),
        model=f"{pack.id}/{pack.version}",
        texts=len(traits.heard),
        is_objected="relationship" in chosen.objections,
        types={name: {"de": each.label.de, "en": each.label.en} for name, each in pack.types.items()},
    )


def readers(lines: Iterable[Line]) -> tuple[Reading, ...]:
    """Return who read what."""
    return tuple(
        Reading(
            line.audience, line.purpose, line.what, line.record_id, _day(line.day),
            line.times, line.first_at_ms, line.last_at_ms,
        )
        for line in lines
        if line.what not in GAVE
    )  # fmt: skip


def benefits(lines: Iterable[Line]) -> tuple[Benefit, ...]:
    """Return what each purpose used and gave, over all that is told of."""
    used: defaultdict[str, dict[str, int]] = defaultdict(dict)
    gave: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line in lines:
        side = (gave if line.what in GAVE else used)[line.purpose]
        side[line.what] = side.get(line.what, 0) + line.times
    return tuple(Benefit(purpose, used[purpose], gave[purpose]) for purpose in sorted({*used, *gave}))


def removed(choices: Choices) -> tuple[Removed, ...]:
    """Return what is not offered any more."""
    return tuple(Removed(each.what, each.ref, each.at_ms, each.grounds) for each in choices.removals)


def _traits_of(shown: View) -> Iterable[tuple[str, str]]:
    yield from (("like", topic) for topic in shown.likes)
    yield from (("dislike", topic) for topic in shown.dislikes)
    yield from (("wish", wish.ref) for wish in shown.wishes)
    yield from (("channel", channel) for channel in shown.channels)
    if shown.day_part:
        yield "day_part", shown.day_part


def _speaks_for(recent: Recent, trait: str, value: str) -> bool:
    match trait:
        case "like":
            return value in recent.topics and recent.weight > 0
        case "dislike":
            return value in recent.topics and recent.weight < 0
        case "wish":
            return value == recent.item or value in recent.topics
        case _:
            return False


def _met(recent: Recent) -> Met:
    return Met(recent.at, _name(recent.kind), recent.item, recent.topics)


def _name(kind: int) -> str:
    return Kind(kind).name.lower()


def _says(value: int) -> str:
    if value == NEITHER:
        return "neither"
    return "likes" if value > NEITHER else "dislikes"


def _day(day: int) -> str:
    return dt.datetime.fromtimestamp(day * DAY_MS / 1000, dt.UTC).date().isoformat()
