"""The tracking API: what existing SDKs send becomes interactions on the stream, acknowledged when they are on disk."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from prometheus_client import Counter

from contracts.interaction.v1.payload import Quarantined
from doors.publish import Fate, Parcel, Publisher, parcels
from doors.subjects import EdgeKeys
from doors.texts import Texts
from gateway import access, parse, receipts
from gateway.domain import MAX_BODY_BYTES, POWER_CUT
from gateway.moments import skew_ms
from gateway.sources import Sources
from gateway.translate import Request
from gateway.translators import Translators
from kit.credentials import Credential, Credentials
from kit.errors import ExhaustedError
from kit.http import read_body
from kit.http.types import Receive, Scope
from relationships.judging import load_judge

_EVENTS = Counter("gateway_events", "Events acknowledged", ("fate",))
_QUARANTINED = Counter("gateway_quarantined", "Events set aside", ("reason",))
_TRANSLATED = _EVENTS.labels("translated")
_ENCODER = msgspec.json.Encoder()
# What is on record as asked for, when a key is refused.
_TRACK = "track"
_ANSWER = b'{"success":true,"durability_class":%d,"received":%d,"quarantined":%d,"positions":[%b],"receipt":"%b"}'
_PLACE = b'{"partition":%d,"sequence":%d,"durability_class":%d}'


class Call(NamedTuple):
    """The headers of a tracking request that matter."""

    authorization: str = ""
    has_gpc: bool = False


@dataclass(slots=True)
class Door:
    """What tracking needs."""

    credentials: Credentials
    edge_keys: EdgeKeys
    sources: Sources
    translators: Translators
    #: By durability class; there is always one of class 2.
    publishers: Mapping[int, Publisher]
    partitions: int
    max_requests: int
    clock: Callable[[], float] = time.time
    texts: Texts = field(default_factory=lambda: Texts(load_judge))


class _Head(NamedTuple):
    """What is known of a request before its body is read: the key it came with, and whose that is."""

    call: Call
    key: str
    source: Credential | None
    type: str | None
    received_ms: int


class _Taken(NamedTuple):
    """What a request held, translated."""

    source: Credential
    receipt_key: Callable[[bytes], bytes]
    fates: list[Fate]
    #: What was said in words, by message id.
    texts: dict[bytes, str]
    #: Reasons of those that were set aside.
    refusals: list[str]


class Tracking:
    """Answers tracking requests. Every method returns the JSON of a 200 and raises TypedError for everything else."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._running = 0

    async def record(self, scope: Scope, receive: Receive, *, type_: str | None) -> bytes:
        """Take a batch (`type_` None) or one event (of `type_`, which may be "" for what the event says itself)."""
        if self._running >= self._door.max_requests:
            raise ExhaustedError("too many requests at once", retry_after_s=1)
        self._running += 1
        try:
            return await self._record(scope, receive, type_)
        finally:
            self._running -= 1

    async def discard(self, scope: Scope, receive: Receive) -> bytes:
        """Take client metrics, which are of no use here."""
        await read_body(receive, scope["headers"], max_bytes=MAX_BODY_BYTES)
        return b'{"success":true}'

    def settings(self, write_key: str) -> bytes:
        """Return what analytics-next asks for when it loads."""
        access.source_of(self._door.credentials, write_key, "settings")
        return _ENCODER.encode({"integrations": {"Segment.io": {"apiKey": write_key}}})

    def source_config(self, scope: Scope) -> bytes:
        """Return what RudderStack's browser SDK asks for when it loads: nothing to load from elsewhere, no metrics."""
        what = "sourceConfig"
        header = access.header_key(_call(scope).authorization, what)
        key = access.agreed(header, access.query_key(scope["query_string"]), what=what)
        source = access.source_of(self._door.credentials, key, what)
        told = {"id": source.id, "name": source.id, "enabled": True, "config": {}, "destinations": []}
        return _ENCODER.encode({"source": told})

    async def _record(self, scope: Scope, receive: Receive, type_: str | None) -> bytes:
        received_ms = round(self._door.clock() * 1000)
        call = _call(scope)
        header = access.header_key(call.authorization, _TRACK)
        key = access.agreed(header, access.query_key(scope["query_string"]), what=_TRACK)
        # Refused before its body is read, where that is possible: some clients put the key into the body alone.
        source = access.source_of(self._door.credentials, key, _TRACK) if key else None
        head = _Head(call, key, source, type_, received_ms)
        # The body has no name here: it would lie in memory until the stream has answered.
        taken = self._take(head, await read_body(receive, scope["headers"], max_bytes=MAX_BODY_BYTES))
        packed = await self._packed(taken)
        durability, publisher = self._way_of(taken.source.id)
        positions = await publisher.publish(taken.source.brand, packed)
        _count(taken)
        places = b",".join([_PLACE % (*position, durability) for position in positions])
        receipt = receipts.write(taken.receipt_key, taken.source.brand, received_ms, packed)
        return _ANSWER % (durability, len(taken.fates), len(taken.refusals), places, receipt.encode())

    def _take(self, head: _Head, body: bytes) -> _Taken:
        """Translate all of a body."""
        door, (call, key, source, type_, received_ms) = self._door, head
        batch = parse.read_batch(body) if type_ is None else parse.read_single(body)
        key = access.agreed(key, batch.write_key, what=_TRACK)
        source = source or access.source_of(door.credentials, key, _TRACK)
        request = Request(
            source=source.id,
            keys=door.edge_keys.of(source.id),
            categories=door.sources.consent_categories(source.id),
            strings=door.sources.consent_strings(source.id),
            received_ms=received_ms,
            skew_ms=skew_ms(received_ms, batch.sent_at),
            has_gpc=call.has_gpc,
            context=batch.context,
            type=type_ or "",
        )
        translate = door.translators.of(source.id).translate
        fates = [translate(request, raw) for raw in batch.batch]
        refusals = [fate.reason for fate in fates if type(fate) is Quarantined]
        return _Taken(source, request.keys.receipt, fates, request.texts, refusals)

    async def _packed(self, taken: _Taken) -> list[Parcel]:
        fates: list[Fate] = taken.fates
        if taken.texts:
            fates = await self._door.texts.hear(fates, taken.texts)
            # They would lie in memory until the stream has answered.
            taken.texts.clear()
        return parcels(fates, self._door.partitions)

    def _way_of(self, source: str) -> tuple[int, Publisher]:
        asked = self._door.sources.durability_class(source)
        publishers = self._door.publishers
        # Where a class has no server, more is promised than was asked for, and never less.
        return (asked, publishers[asked]) if asked in publishers else (POWER_CUT, publishers[POWER_CUT])


def _call(scope: Scope) -> Call:
    authorization, has_gpc = "", False
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"sec-gpc":
            has_gpc = value == b"1"
    return Call(authorization, has_gpc)


def _count(taken: _Taken) -> None:
    _TRANSLATED.inc(len(taken.fates) - len(taken.refusals))
    for reason in taken.refusals:
        _QUARANTINED.labels(reason).inc()
