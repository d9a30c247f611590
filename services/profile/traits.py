"""What is learnt of one persona: a commutative monoid, bounded, the same bytes in any order and any split.

Sums, counts, minima and maxima add up; lists are sets of which the newest are kept. A message id is folded once: the
folder sees to that, and `merged` of lists sees to it again. What is not associative is derived while reading.
"""

from collections.abc import Iterable
from typing import TypeVar
from zlib import crc32

import msgspec

from players.pack import BEHAVIOURS
from relationships.state import MOST_EVIDENCE
from services.profile.decay import DAY_MS, Moment, Strength, moment
from services.profile.domain import Interaction, Kind
from services.profile.weights import KindWeight, Weights

MAX_TOPICS = 128
MAX_CHANNELS = 16
MAX_GROUPS = 32
MAX_WISHES = 128
MAX_LAST = 128
MAX_STATED = 128
MAX_HEARD = MOST_EVIDENCE
MAX_BOUGHT_ON = 64
#: In worlds, in which the rest of what is counted there was done.
HOURS = "hours"
_PLAY = frozenset((HOURS, *BEHAVIOURS))
#: What ends a wish for its item: it came true, or was taken back.
ENDS = frozenset((Kind.BOUGHT, Kind.REMOVED, Kind.DISMISSED))
# Looking a member of an enumeration up costs as much as the comparison.
_IDENTIFIED, _BOUGHT = int(Kind.IDENTIFIED), int(Kind.BOUGHT)
_HOUR_MS = 3_600_000
#: Values and weights are kept as whole thousandths.
THOUSAND = 1000


class Tally(msgspec.Struct, array_like=True, gc=False):
    """How often one kind happened, when first and last, and the sum of its values in thousandths."""

    count: int
    first_at: int
    last_at: int
    total: int


class Activity(msgspec.Struct, array_like=True):
    """Use of one channel: how much, and at which hours of the day (UTC)."""

    strength: Strength = msgspec.field(default_factory=Strength)
    hours: dict[int, int] = {}


class Membership(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """A group, known by its keyed hash, and when it was last joined."""

    at: int
    group: bytes


class Wished(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """One piece of evidence of a wish for an item or a topic, weight in thousandths; 0 where the wish ended.

    What ends wishes is kept among them, and is newer than what it ends: so it is never dropped before that.
    """

    at: int
    mid: bytes
    ref: str
    kind: int
    weight: int
    #: Of the item. Empty in facets of before this was kept, until they are replayed.
    topics: tuple[str, ...] = ()


class Recent(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """One interaction, as far as it is kept; weight in thousandths, no item is empty."""

    at: int
    mid: bytes
    kind: int
    item: str
    weight: int
    topics: tuple[str, ...]


class Stated(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """What the person last said of a topic or an item: from 0, disliked, to 1000, liked."""

    at: int
    mid: bytes
    ref: str
    value: int


class Heard(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """What one text said of the relationship, see relationships/evidence.py; the text was never here."""

    at: int
    mid: bytes
    stances: tuple[int, ...]


class Traits(msgspec.Struct, array_like=True):
    """All that is folded of one facet."""

    likes: dict[str, Strength] = {}
    dislikes: dict[str, Strength] = {}
    channels: dict[str, Activity] = {}
    kinds: dict[int, Tally] = {}
    groups: list[Membership] = []
    wishes: list[Wished] = []
    last: list[Recent] = []
    stated: list[Stated] = []
    heard: list[Heard] = []
    #: By what worlds count.
    played: dict[str, Strength] = {}
    #: Days since 1970 UTC, each once.
    bought_on: list[int] = []


_Kept = TypeVar("_Kept", Membership, Wished, Recent, Stated, Heard, int)
_Value = TypeVar("_Value", Strength, Activity)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Traits)


def fold(interaction: Interaction, weights: Weights) -> Traits:
    """Return what one interaction says."""
    traits = Traits()
    absorb(traits, (interaction,), weights)
    return traits


def absorb(traits: Traits, interactions: Iterable[Interaction], weights: Weights) -> None:
    """Fold interactions that `traits` has not seen into it; the same as merging each one's fold."""
    for interaction in interactions:
        _absorb_one(traits, interaction, weights[interaction.kind])
    _trim(traits)


def merge(a: Traits, b: Traits) -> Traits:
    """Return the traits of both; neither is changed."""
    merged = decode(encode(a))
    _absorb_strengths(merged.likes, b.likes)
    _absorb_strengths(merged.dislikes, b.dislikes)
    for channel, activity in b.channels.items():
        own = merged.channels.setdefault(channel, Activity())
        own.strength.absorb(activity.strength)
        for hour, count in activity.hours.items():
            own.hours[hour] = own.hours.get(hour, 0) + count
    for kind, tally in b.kinds.items():
        merged.kinds[kind] = (
            _tallied(merged.kinds[kind], tally) if kind in merged.kinds else msgspec.structs.replace(tally)
        )
    merged.groups += b.groups
    merged.wishes = list({*merged.wishes, *b.wishes})
    merged.last = list({*merged.last, *b.last})
    merged.stated += b.stated
    merged.heard = list({*merged.heard, *b.heard})
    _absorb_strengths(merged.played, b.played)
    merged.bought_on += b.bought_on
    _trim(merged)
    return merged


def encode(traits: Traits) -> bytes:
    """Return the one form of these traits in bytes."""
    channels = {
        name: Activity(use.strength, dict(sorted(use.hours.items()))) for name, use in sorted(traits.channels.items())
    }
    canonical = Traits(
        dict(sorted(traits.likes.items())),
        dict(sorted(traits.dislikes.items())),
        channels,
        dict(sorted(traits.kinds.items())),
        traits.groups,
        traits.wishes,
        traits.last,
        traits.stated,
        traits.heard,
        dict(sorted(traits.played.items())),
        traits.bought_on,
    )
    return _encoder.encode(canonical)


def decode(body: bytes) -> Traits:
    """Return the traits that `encode` wrote."""
    return _decoder.decode(body)


def _absorb_one(traits: Traits, interaction: Interaction, says: KindWeight) -> None:
    at, kind = interaction.at_ms, interaction.kind
    _count(traits, kind, at, interaction.value)
    if kind >= _IDENTIFIED:
        _absorb_statement(traits, interaction)
        return
    when = moment(at)
    activity = traits.channels.get(interaction.channel)
    if activity is None:
        activity = traits.channels[interaction.channel] = Activity()
    activity.strength.add(when, 1.0)
    hour = at // _HOUR_MS % 24
    activity.hours[hour] = activity.hours.get(hour, 0) + 1
    if kind == _BOUGHT:
        traits.bought_on.append(at // DAY_MS)
    weight = says.of(interaction.value)
    item, topics = interaction.item or "", interaction.topics
    if weight:
        _lean(traits.likes if weight > 0 else traits.dislikes, topics, when, abs(weight))
    thousandths = round(weight * THOUSAND)
    traits.last.append(Recent(at, interaction.mid, kind, item, thousandths, topics))
    if interaction.stances:
        traits.heard.append(Heard(at, interaction.mid, interaction.stances))
    if says.wish:
        strength = round(says.wish * THOUSAND)
        refs = (item,) if item else dict.fromkeys(topics)
        traits.wishes += [Wished(at, interaction.mid, ref, kind, strength, topics if item else ()) for ref in refs]
    elif item and kind in ENDS:
        traits.wishes.append(Wished(at, interaction.mid, item, kind, 0))


def _absorb_statement(traits: Traits, interaction: Interaction) -> None:
    """Fold what is no behaviour towards the brand: it has no channel, hour or item."""
    at, kind, value = interaction.at_ms, interaction.kind, interaction.value
    if kind == Kind.JOINED and interaction.other is not None:
        traits.groups.append(Membership(at, interaction.other))
    elif kind == Kind.CORRECTED and interaction.topics and value is not None:
        traits.stated.append(Stated(at, interaction.mid, interaction.topics[0], round(value * THOUSAND)))
    elif kind == Kind.PLAYED and value is not None:
        _lean(traits.played, tuple(_PLAY.intersection(interaction.topics)), moment(at), max(0.0, value))


def _count(traits: Traits, kind: int, at: int, value: float | None) -> None:
    total = 0 if value is None else round(value * THOUSAND)
    tally = traits.kinds.get(kind)
    if tally is None:
        traits.kinds[kind] = Tally(1, at, at, total)
        return
    tally.count += 1
    tally.total += total
    # Nearly always neither: two calls less for every event.
    if at > tally.last_at:
        tally.last_at = at
    elif at < tally.first_at:
        tally.first_at = at


def _lean(topics_of: dict[str, Strength], topics: tuple[str, ...], when: Moment, weight: float) -> None:
    for topic in topics:
        strength = topics_of.get(topic)
        if strength is None:
            strength = topics_of[topic] = Strength()
        strength.add(when, weight)


def _absorb_strengths(own: dict[str, Strength], other: dict[str, Strength]) -> None:
    for topic, strength in other.items():
        own.setdefault(topic, Strength()).absorb(strength)


def _tallied(a: Tally, b: Tally) -> Tally:
    return Tally(a.count + b.count, min(a.first_at, b.first_at), max(a.last_at, b.last_at), a.total + b.total)


def _trim(traits: Traits) -> None:
    traits.likes = _bounded(traits.likes, MAX_TOPICS)
    traits.dislikes = _bounded(traits.dislikes, MAX_TOPICS)
    traits.channels = _bounded(traits.channels, MAX_CHANNELS)
    traits.groups = _latest_groups(traits.groups)
    traits.wishes = _newest(traits.wishes, MAX_WISHES)
    traits.last = _newest(traits.last, MAX_LAST)
    traits.stated = _latest_stated(traits.stated)
    traits.heard = _newest(traits.heard, MAX_HEARD)
    traits.bought_on = _newest(list(set(traits.bought_on)), MAX_BOUGHT_ON)


def _bounded(by_name: dict[str, _Value], limit: int) -> dict[str, _Value]:
    # Which names stay may not depend on what was seen when, or merging would not be associative: a fixed, even order.
    if len(by_name) <= limit:
        return by_name
    kept = sorted(by_name, key=lambda name: (crc32(name.encode()), name))[:limit]
    return {name: by_name[name] for name in kept}


def _latest_groups(groups: list[Membership]) -> list[Membership]:
    if not groups:
        return groups
    latest: dict[bytes, Membership] = {}
    for membership in sorted(groups):
        latest[membership.group] = membership
    return _newest(list(latest.values()), MAX_GROUPS)


def _latest_stated(stated: list[Stated]) -> list[Stated]:
    if not stated:
        return stated
    latest = {each.ref: each for each in sorted(stated)}
    return _newest(list(latest.values()), MAX_STATED)


def _newest(kept: list[_Kept], limit: int) -> list[_Kept]:
    kept.sort()
    return kept[-limit:] if len(kept) > limit else kept
