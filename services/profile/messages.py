"""What the profile service reads from streams and announces on them, in its own words."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import msgspec
from google.protobuf.message import DecodeError

from contracts.interaction.v1 import interaction_pb2, payload
from contracts.profile.v1 import events_pb2
from contracts.profile.v1.lessons import associated_data as lessons_associated_data
from kit.epochs import EpochKeys
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError, open_sealed, seal
from relationships.evidence import is_sound
from services.profile.domain import (
    EID_BYTES,
    MID_BYTES,
    MOST_FORMER,
    POWER_CUT,
    Batch,
    Interaction,
    Kind,
    Partition,
    Poison,
)
from services.profile.folding import Lesson
from services.profile.mending import Mended
from services.profile.segments import Moved

STREAM = "INTERACTIONS"
SUBJECTS = "interaction.v1.received.>"
ANNOUNCED = "PROFILE"
ANNOUNCED_SUBJECTS = "profile.v1.folded.*"
SEGMENTS = "WISH_SEGMENTS"
SEGMENT_SUBJECTS = ["profile.v1.wish_segment_entered.*", "profile.v1.wish_segment_left.*"]
_DAY_MS = 86_400_000
_MAX_VALUE = 1e12
_MAX_ANNOUNCED_BYTES = 256 * 1024
_LAST_KIND = max(Kind)
_BATCH_ID_BYTES = 16
_MENDED_BY = "rules"
_source_of = attrgetter("source")


def received_subject(partition: Partition) -> str:
    return f"interaction.v1.received.{partition.brand}.{partition.number}"


def folded_subject(brand: str) -> str:
    return f"profile.v1.folded.{brand}"


def changed_subject(brand: str) -> str:
    return f"profile.v1.changed.{brand}"


def erased_subject(brand: str) -> str:
    return f"profile.v1.erased.{brand}"


def named_subject(brand: str) -> str:
    return f"profile.v1.named.{brand}"


def segment_subject(brand: str, moved: Moved) -> str:
    return f"profile.v1.wish_segment_{'entered' if moved.has_entered else 'left'}.{brand}"


def segment_moved(brand: str, moved: Moved) -> bytes:
    return events_pb2.WishSegmentMoved(brand=brand, segment=moved.segment, personas=moved.personas).SerializeToString()


def open_message(partition: Partition, sequence: int, data: bytes, epochs: EpochKeys) -> Batch | Poison:
    """Return what is inside one message, or why it cannot be folded."""
    try:
        envelope = interaction_pb2.Envelope.FromString(data)
    except DecodeError:
        return Poison(sequence, "NOT_AN_ENVELOPE", data)
    if len(envelope.batch_id) != _BATCH_ID_BYTES:
        return Poison(sequence, "NOT_AN_ENVELOPE", data)
    counts = tuple((count.source, count.received) for count in envelope.counts)
    content = _content(partition, envelope, epochs)
    if isinstance(content, str):
        return Poison(sequence, content, data, envelope.batch_id, envelope.sealed_at_ms, counts)
    return Batch(
        sequence,
        envelope.batch_id,
        envelope.sealed_at_ms,
        counts,
        content.interactions,
        content.quarantined,
        content.mended,
    )


class Awaited(NamedTuple):
    """What the outside of a message tells before it is folded."""

    batch_id: bytes
    sealed_at_ms: int
    counts: tuple[tuple[str, int], ...]


def epoch_key_of(data: bytes) -> str:
    """Return the epoch key that a message of either stream is sealed under; "" when it is neither."""
    for envelope in (interaction_pb2.Envelope, events_pb2.InteractionsFolded):
        try:
            key_id = envelope.FromString(data).epoch_key_id
        except DecodeError:
            continue
        if key_id:
            return key_id
    return ""


def read_outside(data: bytes) -> Awaited | None:
    """Return what an envelope tells without its key; None for what is no envelope."""
    try:
        envelope = interaction_pb2.Envelope.FromString(data)
    except DecodeError:
        return None
    counts = tuple((count.source, count.received) for count in envelope.counts)
    return Awaited(envelope.batch_id, envelope.sealed_at_ms, counts)


def announce(brand: str, lessons: Iterable[Lesson], epochs: EpochKeys, token: Callable[[int], bytes]) -> list[bytes]:
    """Return the sealed messages that tell shared models what to learn, each small enough for the stream."""
    return [_seal_lessons(brand, part, epochs, token(_BATCH_ID_BYTES)) for part in _parts(lessons)]


def taught(lessons: Iterable[Lesson]) -> list[bytes]:
    """Return what is to be taken back, in parts small enough for a call."""
    return [part.SerializeToString() for part in _parts(lessons)]


def erased(pids: Sequence[bytes]) -> bytes:
    return events_pb2.PersonasErased(pids=pids).SerializeToString()


def open_erased(data: bytes) -> Sequence[bytes]:
    return events_pb2.PersonasErased.FromString(data).pids


def named(names: Iterable[bytes]) -> bytes:
    return events_pb2.FacetsNamed(names=names).SerializeToString()


def replay(
    partition: Partition, mended: Sequence[Mended], epochs: EpochKeys, batch_id: bytes, sealed_at_ms: int
) -> bytes:
    """Return the sealed message that lets mended events in: it counts none, for they were counted when they came."""
    key_id, key = epochs.current()
    interactions = [
        payload.Interaction(
            each.source, each.eid, each.mid, each.kind, each.at_ms, each.channel, each.item, each.topics, each.value
        )
        for each in mended
    ]
    content = payload.encode(payload.Payload([], [], interactions))
    nonce, ciphertext = seal(key, content, payload.associated_data(batch_id, partition.brand, partition.number))
    return interaction_pb2.Envelope(
        batch_id=batch_id,
        brand=partition.brand,
        partition=partition.number,
        epoch_key_id=key_id,
        pack_version=_MENDED_BY,
        nonce=nonce,
        ciphertext=ciphertext,
        sealed_at_ms=sealed_at_ms,
    ).SerializeToString()


class Hint(NamedTuple):
    """A partition that went on, the sequence up to which it is folded, and facets that changed."""

    partition: Partition
    sequence: int
    pids: Sequence[bytes] = ()


def hint(partition: Partition, sequence: int, pids: Sequence[bytes] = ()) -> bytes:
    changed = events_pb2.FacetsChanged(
        pids=pids,
        brand=partition.brand,
        partition=partition.number,
        sequence=sequence,
        durability_class=partition.durability_class,
    )
    return changed.SerializeToString()


def open_hint(data: bytes) -> Hint:
    changed = events_pb2.FacetsChanged.FromString(data)
    # Folders of before say no class, and have one.
    partition = Partition(changed.brand, changed.partition, changed.durability_class or POWER_CUT)
    return Hint(partition, changed.sequence, changed.pids)


def _content(partition: Partition, envelope: interaction_pb2.Envelope, epochs: EpochKeys) -> payload.Payload | str:
    if (envelope.brand, envelope.partition) != (partition.brand, partition.number):
        return "MISPLACED"
    try:
        key = epochs.opener(envelope.epoch_key_id)
        aad = payload.associated_data(envelope.batch_id, envelope.brand, envelope.partition)
        content = payload.decode(open_sealed(key, envelope.nonce, envelope.ciphertext, aad))
    except (KeyMissingError, UnsealableError) as error:
        return error.reason
    except msgspec.MsgspecError:
        return "UNDECODABLE"
    return _fault_of(content, envelope) or content


def _fault_of(content: payload.Payload, envelope: interaction_pb2.Envelope) -> str:
    told = {count.source: count.received for count in envelope.counts}
    counted = Counter(map(_source_of, content.interactions))
    counted.update(map(_source_of, content.quarantined))
    if counted != told:
        return "COUNTS_DISAGREE"
    sealed_at_ms = envelope.sealed_at_ms
    told_of = chain(content.interactions, content.mended)
    is_sound = all(_is_sound(each, sealed_at_ms) for each in told_of) and all(map(_is_kept, content.quarantined))
    return "" if is_sound else "MALFORMED"


def _is_sound(each: Interaction, sealed_at_ms: int) -> bool:
    value = each.value
    return (
        len(each.eid) == EID_BYTES
        and len(each.mid) == MID_BYTES
        and 1 <= each.kind <= _LAST_KIND
        and 0 <= each.at_ms <= sealed_at_ms + _DAY_MS
        and (value is None or -_MAX_VALUE < value < _MAX_VALUE)
        and is_sound(each.stances)
        and (not each.former or _are_ids(each.former))
        and (not each.other_former or _are_ids(each.other_former))
        and (not each.former_mids or _are_mids(each.former_mids))
    )


def _are_ids(former: Sequence[tuple[int, bytes]]) -> bool:
    return len(former) <= MOST_FORMER and all(len(eid) == EID_BYTES for _, eid in former)


def _are_mids(former: Sequence[bytes]) -> bool:
    return len(former) <= MOST_FORMER and all(len(mid) == MID_BYTES for mid in former)


def _is_kept(each: payload.Quarantined) -> bool:
    return len(each.mid) == MID_BYTES and (each.remains is None or len(each.remains.eid) == EID_BYTES)


def _parts(lessons: Iterable[Lesson]) -> Iterator[events_pb2.Lessons]:
    part, size = events_pb2.Lessons(), 0
    for lesson in lessons:
        made = _lesson(lesson)
        if size and size + made.ByteSize() > _MAX_ANNOUNCED_BYTES:
            yield part
            part, size = events_pb2.Lessons(), 0
        part.lessons.append(made)
        size += made.ByteSize()
    if size:
        yield part


def _seal_lessons(brand: str, lessons: events_pb2.Lessons, epochs: EpochKeys, batch_id: bytes) -> bytes:
    key_id, key = epochs.current()
    nonce, ciphertext = seal(key, lessons.SerializeToString(), lessons_associated_data(batch_id, brand))
    folded = events_pb2.InteractionsFolded(
        brand=brand, batch_id=batch_id, epoch_key_id=key_id, nonce=nonce, ciphertext=ciphertext
    )
    return folded.SerializeToString()


def _lesson(lesson: Lesson) -> events_pb2.Lesson:
    return events_pb2.Lesson(
        before=lesson.before,
        learnt=[
            events_pb2.Learnt(item=each.item, at_ms=each.at_ms, weight=each.weight, topics=each.topics)
            for each in lesson.learnt
        ],
    )
