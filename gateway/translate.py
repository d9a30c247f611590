"""One event of a tracking request becomes one interaction, or is set aside with the reason and the field."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from contracts.interaction.v1 import interaction_pb2
from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.subjects import SourceKeys
from gateway.domain import CHANNELS, GPC_REFUSES, MAX_EVENT_BYTES
from gateway.events import Consent, Context, Event, Id
from gateway.moments import clamped, moment_ms, skew_ms
from gateway.reading import NOTHING, Reader, RefusedError, Said
from gateway.sources import ConsentCategories, Preferences
from gateway.vocabulary import Vocabulary

_SEEN = int(interaction_pb2.KIND_SEEN)
_IDENTIFIED = int(interaction_pb2.KIND_IDENTIFIED)
_JOINED = int(interaction_pb2.KIND_JOINED)
_NO_PREFERENCES = (b"", b"null")
_NOTHING_SAID = Preferences()
_USUAL_CHANNEL = {"page": "web", "screen": "mobile"}


@dataclass(slots=True)
class Request:
    """What all events of one request have in common. Lives as long as the request, and raw ids with it."""

    #: Audience of the source, for example "app:shop".
    source: str
    keys: SourceKeys
    categories: ConsentCategories
    received_ms: int
    #: What to add to the times of this client's clock, unless an event was sent at a time of its own.
    skew_ms: int = 0
    has_gpc: bool = False
    context: Context | None = None
    #: Type that the path tells, for events that carry none.
    type: str = ""
    users: dict[str, bytes] = field(default_factory=dict)
    anonymous: dict[str, bytes] = field(default_factory=dict)

    def user(self, raw: str) -> bytes:
        """Return the eid of a user id."""
        eid = self.users.get(raw)
        if eid is None:
            eid = self.users[raw] = self.keys.user(raw)
        return eid

    def stranger(self, raw: str) -> bytes:
        """Return the eid of an anonymous id."""
        eid = self.anonymous.get(raw)
        if eid is None:
            eid = self.anonymous[raw] = self.keys.anonymous(raw)
        return eid


class _Ids(NamedTuple):
    user: str
    stranger: str


class _Meant(NamedTuple):
    kind: int
    said: Said = NOTHING
    other: bytes | None = None


class Translator:
    """Translates under one vocabulary. Pure, apart from message ids for events that came without."""

    def __init__(self, vocabulary: Vocabulary, random: Callable[[int], bytes] = os.urandom) -> None:
        properties: Any = vocabulary.properties()
        self._vocabulary = vocabulary
        self._reader = Reader(vocabulary)
        self._decoder: msgspec.json.Decoder[Event[Any]] = msgspec.json.Decoder(Event[properties])
        self._no_properties = properties()
        self._channel_of = lru_cache(maxsize=256)(vocabulary.channel_of)
        self._random = random
        self._meaning_of: dict[str, Callable[[Request, Event[Any], _Ids], _Meant]] = {
            "track": self._track,
            "page": self._view,
            "screen": self._view,
            "identify": _identify,
            "alias": _alias,
            "group": _group,
        }

    def translate(self, request: Request, raw: bytes | msgspec.Raw) -> Interaction | Quarantined:
        """Return the interaction of one event, or why there is none."""
        try:
            event = self._decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            mid = self._mid(request, _message_id_in(raw))
            return Quarantined(request.source, mid, "malformed", _field_in(error))
        mid = self._mid(request, _text(event.message_id))
        if len(memoryview(raw)) > MAX_EVENT_BYTES:
            return Quarantined(request.source, mid, "too_large", "")
        try:
            return self._interaction(request, event, mid)
        except RefusedError as refused:
            return Quarantined(request.source, mid, refused.reason, refused.field)

    def _interaction(self, request: Request, event: Event[Any], mid: bytes) -> Interaction:
        meaning = self._meaning_of.get(event.type or request.type or ("track" if event.event else ""))
        if meaning is None:
            raise RefusedError("unknown_type", "type")
        ids = _Ids(_text(event.user_id), _text(event.anonymous_id))
        if not (ids.user or ids.stranger):
            raise RefusedError("identity_missing", "userId")
        kind, said, other = meaning(request, event, ids)
        granted, withdrawn = _preferences(request, event.context)
        return Interaction(
            request.source,
            request.user(ids.user) if ids.user else request.stranger(ids.stranger),
            mid,
            kind,
            _at_ms(request, event),
            self._channel(request, event),
            said.item,
            said.topics,
            said.value,
            other,
            granted,
            withdrawn,
        )

    def _track(self, _: Request, event: Event[Any], ids: _Ids) -> _Meant:
        rule = self._vocabulary.rule(event.event) if event.event else None
        if rule is None:
            raise RefusedError("unknown_event", "event")
        return _Meant(rule.kind, self._reader.read(rule, event.properties or self._no_properties, ids))

    def _view(self, _: Request, event: Event[Any], __: _Ids) -> _Meant:
        # Names and addresses of pages are free text: only what the closed list of topics knows is kept.
        return _Meant(_SEEN, Said(None, self._vocabulary.topics((event.category, event.name))))

    def _mid(self, request: Request, message_id: str) -> bytes:
        return request.keys.message(message_id) if message_id else self._random(16)

    def _channel(self, request: Request, event: Event[Any]) -> str:
        if isinstance(event.channel, str) and event.channel in CHANNELS:
            return event.channel
        for context in (event.context, request.context):
            if context is not None:
                if isinstance(context.channel, str) and context.channel in CHANNELS:
                    return context.channel
                name = context.library.get("name") if isinstance(context.library, dict) else None
                channel = self._channel_of(name) if isinstance(name, str) else None
                if channel is not None:
                    return channel
        return _USUAL_CHANNEL.get(event.type or request.type, "server")


def _identify(request: Request, _: Event[Any], ids: _Ids) -> _Meant:
    return _Meant(_IDENTIFIED, other=request.stranger(ids.stranger) if ids.user and ids.stranger else None)


def _alias(request: Request, event: Event[Any], ids: _Ids) -> _Meant:
    # Browsers send both ids and a previous one that may be a user's; servers send the anonymous id as the previous one.
    stranger = ids.stranger or _text(event.previous_id)
    if not stranger:
        raise RefusedError("malformed", "previousId")
    return _Meant(_IDENTIFIED, other=request.stranger(stranger) if ids.user else None)


def _group(request: Request, event: Event[Any], _: _Ids) -> _Meant:
    group = _text(event.group_id)
    if not group:
        raise RefusedError("malformed", "groupId")
    return _Meant(_JOINED, other=request.keys.group(group))


def _text(id_: Id) -> str:
    if isinstance(id_, str):
        return "" if id_.isspace() else id_
    if id_ is None:
        return ""
    # JSON knows one kind of number: 12 and 12.0 are the same visitor.
    return str(int(id_)) if isinstance(id_, float) and id_.is_integer() else str(id_)


def _at_ms(request: Request, event: Event[Any]) -> int:
    written = event.original_timestamp or event.timestamp
    if not written:
        return request.received_ms
    moment = moment_ms(written)
    if moment is None:
        raise RefusedError("malformed", "timestamp")
    skew = skew_ms(request.received_ms, event.sent_at) if event.sent_at else request.skew_ms
    return clamped(moment + skew, request.received_ms)


def _preferences(request: Request, context: Context | None) -> Preferences:
    consent = context.consent if context is not None else None
    if consent is None and request.context is not None:
        consent = request.context.consent
    said = _said_by(request.categories, consent) if consent is not None else _NOTHING_SAID
    return said.refusing(GPC_REFUSES) if request.has_gpc else said


def _said_by(categories: ConsentCategories, consent: Consent) -> Preferences:
    written = bytes(consent.category_preferences)
    if written in _NO_PREFERENCES:
        return _NOTHING_SAID
    try:
        return categories.read(written)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RefusedError("malformed", "context.consent.categoryPreferences") from None


def _field_in(error: Exception) -> str:
    # msgspec ends with the path in the type, "at `$.context.consent`", and never shows keys of open objects.
    return str(error).partition("`$.")[2].removesuffix("`") if isinstance(error, msgspec.ValidationError) else ""


def _message_id_in(raw: bytes | msgspec.Raw) -> str:
    # Off the fast path: a bad event that is sent again must still be counted as the same one.
    try:
        event = json.loads(bytes(raw))
        message_id = event.get("messageId") if isinstance(event, dict) else None
    except (ValueError, RecursionError):
        return ""
    return message_id.encode("utf-8", "replace").decode() if isinstance(message_id, str) else ""
