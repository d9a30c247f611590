"""The pure part of a fold: which events count, whose they are, and what they add up to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple

import msgspec

from services.profile.domain import Batch, BooksLine, Bound, Interaction, Kind, Poison, shard_of
from services.profile.fates import DUPLICATE, SUPPRESSED, Sheet
from services.profile.traits import Traits
from services.profile.views import Signal
from services.profile.weights import Weights

HOUR_MS = 3_600_000
# Looking a member of an enumeration up costs as much as the comparison.
_CORRECTED, _IDENTIFIED = int(Kind.CORRECTED), int(Kind.IDENTIFIED)
_eid_of = attrgetter("eid")
Address = tuple[str, bytes]
Account = tuple[str, int]
#: A line of the books: partition, source, hour.
Place = tuple[int, str, int]
#: What tells an event from all others: the shard it is kept in, and its message id.
Identity = tuple[int, bytes]
#: By purpose: when it was last spoken of, and whether it was allowed then.
Stated = dict[str, tuple[int, bool]]


class Books:
    """What becomes of the events of one fold: per partition, source and hour, and of each event of a batch."""

    def __init__(self) -> None:
        self._lines: defaultdict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._sheets: dict[bytes, Sheet] = {}

    def add(self, place: Place, fate: str, count: int) -> None:
        if count:
            self._lines[place][fate] += count

    def sheet(self, message: Batch | Poison) -> Sheet:
        """Return what becomes of each event of a message that has a batch id."""
        sheet = self._sheets.get(message.batch_id)
        if sheet is None:
            # What poison says of its size nobody vouches for; all of it has one fate.
            events = len(message.interactions) + len(message.rejected) if isinstance(message, Batch) else 1
            sheet = self._sheets[message.batch_id] = Sheet(events)
        return sheet

    def lines(self) -> list[tuple[int, BooksLine]]:
        """Return the lines with their partitions."""
        return [
            (number, BooksLine(source, hour_ms, **counts))
            for (number, source, hour_ms), counts in sorted(self._lines.items())
        ]


@dataclass(slots=True)
class Share:
    """What one persona gets of a fold."""

    bound: Bound
    interactions: list[Interaction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What shared models may learn of one persona: the items before, and the new interactions with items."""

    before: tuple[str, ...]
    learnt: tuple[Signal, ...]


class Known(NamedTuple):
    """Those of a fold who are bound, those of them who allow collecting, and those whose words may count."""

    bound: Mapping[Address, Bound]
    collecting: Mapping[Address, Bound]
    heard: AbstractSet[Address] = frozenset()


class Admitted(NamedTuple):
    """An interaction that somebody allowed to be collected, and its place in the books."""

    place: Place
    bound: Bound
    interaction: Interaction
    #: The fates of its batch, and which of them is its own.
    codes: bytearray
    event: int


def unseen(messages: Iterable[Batch | Poison], sequence: int, seen: set[bytes]) -> list[Batch | Poison]:
    """Return the messages behind `sequence` whose batch was not folded yet, each batch once."""
    known = set(seen)
    fresh = []
    for message in messages:
        if message.sequence > sequence and message.batch_id not in known:
            fresh.append(message)
            if message.batch_id:
                known.add(message.batch_id)
    return fresh


def account_of(source: str, sealed_at_ms: int) -> Account:
    return source, sealed_at_ms // HOUR_MS * HOUR_MS


def first_events(batches: Iterable[Batch]) -> dict[Address, Interaction]:
    """Return everybody who did something, with an event of theirs."""
    found: dict[Address, Interaction] = {}
    for batch in batches:
        for each in batch.interactions:
            found.setdefault((each.source, each.eid), each)
    return found


def shards_of(batches: Iterable[Batch]) -> set[int]:
    """Return the shards of all ids that are told of, also with what was set aside and with what is mended."""
    eids: set[bytes] = set()
    for batch in batches:
        eids.update(map(_eid_of, batch.interactions))
        eids.update(map(_eid_of, batch.mended))
        eids.update(each.remains.eid for each in batch.rejected if each.remains is not None)
    return set(map(shard_of, eids))


def statements(batches: Iterable[Batch]) -> dict[Address, Stated]:
    """Return what the events themselves say about consent: the last word per purpose; at the same time, no."""
    stated: dict[Address, Stated] = {}
    for batch in batches:
        for each in batch.interactions:
            if each.granted or each.withdrawn:
                own = stated.setdefault((each.source, each.eid), {})
                for purpose in each.granted:
                    _hear(own, purpose, each.at_ms, allowed=True)
                for purpose in each.withdrawn:
                    _hear(own, purpose, each.at_ms, allowed=False)
    return stated


def refused_by_gpc(batches: Iterable[Batch]) -> dict[Address, frozenset[str]]:
    """Return what nothing but a Global Privacy Control signal refused."""
    refused: dict[Address, frozenset[str]] = {}
    for batch in batches:
        for each in batch.interactions:
            if each.gpc:
                address = (each.source, each.eid)
                refused[address] = refused.get(address, frozenset()).union(each.gpc)
    return refused


def digest_of(stated: Stated) -> tuple[bytes, int]:
    """Return what was said as a digest, and when it was said last."""
    words = sorted((purpose, allows) for purpose, (_, allows) in stated.items())
    return sha256(repr(words).encode()).digest()[:16], max(at_ms for at_ms, _ in stated.values())


def place_of(number: int, source: str, sealed_at_ms: int) -> Place:
    return number, source, sealed_at_ms // HOUR_MS * HOUR_MS


def admit(number: int, batches: Iterable[Batch], known: Known, books: Books) -> list[Admitted]:
    """Return the events of one partition by those who allow collecting; the others are suppressed.

    What a person corrects needs no consent: it is theirs to say, and keeps a mistake from being used. What follows from
    words needs one more than deeds do.
    """
    admitted = []
    suppressed: defaultdict[Place, int] = defaultdict(int)
    for batch in batches:
        hour = batch.sealed_at_ms // HOUR_MS * HOUR_MS
        codes = books.sheet(batch).codes
        for event, each in enumerate(batch.interactions):
            source = each.source
            bound = known.collecting.get((source, each.eid))
            if bound is None and each.kind == _CORRECTED:
                bound = known.bound.get((source, each.eid))
            if bound is None:
                suppressed[number, source, hour] += 1
                codes[event] = SUPPRESSED
            else:
                may_count = not each.stances or (source, each.eid) in known.heard
                told = each if may_count else _without_words(each)
                admitted.append(Admitted((number, source, hour), bound, told, codes, event))
    for place, count in suppressed.items():
        books.add(place, "suppressed", count)
    return admitted


def _without_words(interaction: Interaction) -> Interaction:
    return msgspec.structs.replace(interaction, stances=())  # type: ignore[type-var]


def first_of_each(admitted: Iterable[Admitted], known: AbstractSet[Identity], books: Books) -> dict[Identity, Admitted]:
    """Return the first event of every identity that is not known; the others are duplicates.

    An event has an identity under each key that was turned lately: doors hear of a turn one after the other.
    """
    first: dict[Identity, Admitted] = {}
    for each in admitted:
        shard, interaction = each.bound.persona.shard, each.interaction
        identity = shard, interaction.mid
        # Nearly always none: keys are turned seldom.
        formerly = [(shard, mid) for mid in interaction.former_mids] if interaction.former_mids else ()
        if identity in first or identity in known or any(old in first or old in known for old in formerly):
            books.add(each.place, "duplicate", 1)
            each.codes[each.event] = DUPLICATE
            continue
        first[identity] = each
        for old in formerly:
            first[old] = each
    return first


def share_out(first: Mapping[Identity, Admitted], new: AbstractSet[Identity], books: Books) -> dict[bytes, Share]:
    """Return what each persona gets of the events that are new; the others are duplicates."""
    shares: dict[bytes, Share] = {}
    stored: defaultdict[Place, int] = defaultdict(int)
    for identity, (place, bound, interaction, codes, event) in first.items():
        shard, mid = identity
        if mid != interaction.mid:
            continue
        formerly = interaction.former_mids
        if identity not in new or (formerly and any((shard, former) not in new for former in formerly)):
            books.add(place, "duplicate", 1)
            codes[event] = DUPLICATE
            continue
        stored[place] += 1
        pid = bound.persona.pid
        share = shares.get(pid)
        if share is None:
            share = shares[pid] = Share(bound)
        share.interactions.append(interaction)
    for place, count in stored.items():
        books.add(place, "stored", count)
    return shares


def identifications(shares: Iterable[Share]) -> list[tuple[Interaction, Bound]]:
    """Return who said to be the same as whom, oldest first."""
    said = [
        (each, share.bound)
        for share in shares
        for each in share.interactions
        if each.kind == _IDENTIFIED and each.other is not None and each.other != each.eid
    ]
    return sorted(said, key=lambda pair: (pair[0].at_ms, pair[0].mid))


def lesson_of(before: Traits, interactions: Sequence[Interaction], weights: Weights) -> Lesson | None:
    """Return what is to be learnt of new interactions, given the traits before; None when no item is among them."""
    learnt = [
        Signal(each.item, each.at_ms, weights[each.kind].of(each.value), each.topics)
        for each in sorted(interactions, key=lambda each: (each.at_ms, each.mid))
        if each.item
    ]
    if not learnt:
        return None
    return Lesson(tuple(recent.item for recent in before.last if recent.item), tuple(learnt))


def received(number: int, messages: Iterable[Batch | Poison], books: Books) -> None:
    """Enter what the doors counted; of a message that cannot be folded all of it is set aside."""
    for message in messages:
        for source, count in message.counts:
            place = place_of(number, source, message.sealed_at_ms)
            books.add(place, "received", count)
            if isinstance(message, Poison):
                books.add(place, "quarantined", count)
        if isinstance(message, Poison) and message.batch_id:
            books.sheet(message).quarantine(0, message.reason)


def _hear(own: Stated, purpose: str, at_ms: int, *, allowed: bool) -> None:
    last = own.get(purpose)
    if last is None or at_ms > last[0] or (at_ms == last[0] and not allowed):
        own[purpose] = at_ms, allowed
