"""Interactions of many requests leave in sealed batches, one partition each; what is acknowledged is on disk."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind

from contracts.interaction.v1 import payload
from contracts.interaction.v1.interaction_pb2 import Envelope, SourceCount
from contracts.interaction.v1.payload import Interaction, Payload, Quarantined
from doors.subjects import partition_of
from kit.epochs import EpochKeys
from kit.errors import ExhaustedError
from kit.microbatch import MicroBatcher
from kit.sealing import seal
from kit.telemetry import inject, span

Fate = Interaction | Quarantined

#: Estimated bytes of the payload after which a parcel or a batch is full; on the wire an envelope has 256 KiB.
_PARCEL_BYTES = 96 << 10
_BATCH_BYTES = 224 << 10
_MOST_PARCELS = 2_000
# The stream's server writes one message after another; what would queue there fills up here instead.
_IN_FLIGHT = 2
_source_of = attrgetter("source")


class Position(NamedTuple):
    """Where a batch stands in the stream."""

    partition: int
    sequence: int


class Sealed(NamedTuple):
    """A batch as it leaves, and the name it got."""

    batch_id: bytes
    body: bytes


class Stream(Protocol):
    """What takes sealed batches."""

    async def append(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        """Return the sequence once the message is durable; raises UnavailableError or ExhaustedError."""
        ...


@dataclass(slots=True)
class Parcel:
    """Events of one request for one partition, and once they are published the batch they went with."""

    partition: int
    fates: list[Fate] = field(default_factory=list)
    size: int = 0
    cause: trace.SpanContext = trace.INVALID_SPAN_CONTEXT
    #: Places in the request of the events that were translated, and of those that were not.
    translated: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    batch_id: bytes = b""
    #: Where the first of each stand in the batch, which holds all that were translated before all that were not.
    first_translated: int = 0
    first_refused: int = 0


def parcels(fates: Iterable[Fate], partitions: int) -> list[Parcel]:
    """Sort events by the partition of their visitor; events nobody could be found for go by their message id."""
    context = trace.get_current_span().get_span_context()
    packed: list[Parcel] = []
    filling: dict[int, Parcel] = {}
    for place, fate in enumerate(fates):
        # Sizes are of the encoded form, with the longest words of the vocabulary: over-estimated, not measured.
        if is_translated := isinstance(fate, Interaction):
            pseudonym = fate.eid
            words = len(fate.topics) + len(fate.granted) + len(fate.withdrawn)
            size = 90 + len(fate.source) + len(fate.item or "") + 22 * words
        else:
            pseudonym = fate.mid
            size = 64 + len(fate.source) + len(fate.field)
            if (remains := fate.remains) is not None:
                size += 80 + 22 * len(remains.topics) + 110 * len(remains.items) + 32 * len(remains.values)
        partition = partition_of(pseudonym, partitions)
        parcel = filling.get(partition)
        if parcel is None or parcel.size >= _PARCEL_BYTES:
            parcel = filling[partition] = Parcel(partition, cause=context)
            packed.append(parcel)
        parcel.fates.append(fate)
        parcel.size += size
        (parcel.translated if is_translated else parcel.refused).append(place)
    return packed


class Sealer:
    """Makes the envelope of a batch: encoded, sealed under the present epoch key, counted per source."""

    def __init__(
        self,
        epochs: EpochKeys,
        pack_version: str,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._epochs = epochs
        self._pack_version = pack_version
        self._clock = clock
        self._random = random

    def seal(self, brand: str, partition: int, fates: list[Fate]) -> Sealed:
        """Return the bytes of the envelope, under a new batch id."""
        # Not isinstance, which takes ten times as long to say no to a struct.
        quarantined = [fate for fate in fates if type(fate) is Quarantined]
        interactions = [fate for fate in fates if type(fate) is Interaction]
        content = Payload(interactions, quarantined)
        batch_id = self._random(16)
        key_id, key = self._epochs.current()
        nonce, ciphertext = seal(key, payload.encode(content), payload.associated_data(batch_id, brand, partition))
        received = Counter(map(_source_of, fates))
        envelope = Envelope(
            batch_id=batch_id,
            brand=brand,
            partition=partition,
            epoch_key_id=key_id,
            pack_version=self._pack_version,
            counts=[SourceCount(source=source, received=count) for source, count in received.items()],
            nonce=nonce,
            ciphertext=ciphertext,
            sealed_at_ms=round(self._clock() * 1000),
        )
        return Sealed(batch_id, envelope.SerializeToString())


class Publisher:
    """Appends sealed batches, one in flight per partition of a brand and two in all."""

    def __init__(self, stream: Stream, sealer: Sealer, *, max_waiting: int) -> None:
        """Take the bytes that may wait, over all partitions of a brand."""
        self._stream = stream
        self._sealer = sealer
        self._max_waiting = max_waiting
        self._batchers: dict[str, MicroBatcher[Parcel, Position]] = {}

    async def publish(self, brand: str, packed: list[Parcel]) -> list[Position]:
        """Return the positions once every parcel is durable, and knows its batch.

        Raises ExhaustedError or UnavailableError.
        When one parcel fails others may be durable already: the client sends all again, and message ids tell.
        """
        batcher = self._batcher(brand)
        if len(packed) == 1:
            return [await batcher.submit(packed[0].partition, packed, packed[0].size)]
        waiting: list[asyncio.Future[Position]] = []
        refusal: ExhaustedError | None = None
        try:
            waiting.extend(batcher.put(parcel.partition, (parcel,), parcel.size) for parcel in packed)
        except ExhaustedError as error:
            refusal = error
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        if refusal:
            raise refusal
        positions: dict[int, Position] = {}
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            known = positions.get(outcome.partition, outcome)
            positions[outcome.partition] = max(known, outcome)
        return list(positions.values())

    async def drain(self) -> None:
        """Return once nothing waits to be written."""
        for batcher in self._batchers.values():
            await batcher.drain()

    def _batcher(self, brand: str) -> MicroBatcher[Parcel, Position]:
        batcher = self._batchers.get(brand)
        if batcher is None:
            batcher = self._batchers[brand] = MicroBatcher(
                partial(self._flush, brand),
                max_items=_MOST_PARCELS,
                max_bytes=_BATCH_BYTES,
                max_waiting=self._max_waiting,
                at_once=_IN_FLIGHT,
            )
        return batcher

    async def _flush(self, brand: str, partition: int, batch: list[Parcel]) -> Position:
        links = [Link(parcel.cause) for parcel in batch if parcel.cause.trace_flags.sampled]
        parent = trace.set_span_in_context(trace.NonRecordingSpan(links[0].context if links else batch[0].cause))
        with span("interactions publish", parent=parent, kind=SpanKind.PRODUCER, links=links[1:]):
            headers: dict[str, str] = {}
            inject(headers)
            sealed = self._sealer.seal(brand, partition, [fate for parcel in batch for fate in parcel.fates])
            sequence = await self._stream.append(f"interaction.v1.received.{brand}.{partition}", sealed.body, headers)
            _place(batch, sealed.batch_id)
            return Position(partition, sequence)


def _place(batch: list[Parcel], batch_id: bytes) -> None:
    translated, refused = 0, sum(len(parcel.translated) for parcel in batch)
    for parcel in batch:
        parcel.batch_id = batch_id
        parcel.first_translated, parcel.first_refused = translated, refused
        translated += len(parcel.translated)
        refused += len(parcel.refused)
