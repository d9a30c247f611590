"""One event of a tracking request becomes one interaction, or is set aside with the reason and the field."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from contracts.interaction.v1 import interaction_pb2
from contracts.interaction.v1.payload import Interaction, Quarantined, Remains
from doors.subjects import FormerId, SourceKeys
from doors.texts import SPOKEN
from gateway.domain import CHANNELS, GPC_REFUSES, MAX_EVENT_BYTES, MAX_ID_CHARACTERS, MENDABLE
from gateway.events import Consent, Context, Event, Id, Library
from gateway.moments import EARLIEST_MS, clamped, moment_ms, skew_ms
from gateway.reading import Reader, RefusedError
from gateway.sources import ConsentCategories, ConsentStrings, Preferences
from gateway.vocabulary import Vocabulary, spelled
from kit.signals import SignalMalformedError

_SEEN = int(interaction_pb2.KIND_SEEN)
_IDENTIFIED = int(interaction_pb2.KIND_IDENTIFIED)
_JOINED = int(interaction_pb2.KIND_JOINED)
_NO_PREFERENCES = (b"", b"null")
_NOTHING_SAID = Preferences()
_UNKNOWN_EVENT, _UNKNOWN_TYPE, _MALFORMED, _TIMESTAMP = "unknown_event", "unknown_type", "malformed", "timestamp"
_USUAL_CHANNEL = {"page": "web", "screen": "mobile"}
# What an SDK says about itself is shorter.
_MOST_LIBRARY_BYTES = 512
_LIBRARY = msgspec.json.Decoder(Library)


@dataclass(slots=True)
class Request:
    """What all events of one request have in common. Lives as long as the request, and raw ids with it."""

    #: Audience of the source, for example "app:shop".
    source: str
    keys: SourceKeys
    categories: ConsentCategories
    strings: ConsentStrings
    received_ms: int
    #: What to add to the times of this client's clock, unless an event was sent at a time of its own.
    skew_ms: int = 0
    has_gpc: bool = False
    context: Context | None = None
    #: Type that the path tells, for events that carry none.
    type: str = ""
    #: What the request said about consent for events that say nothing, once it was asked for.
    said: Preferences | None = None
    #: What its events say in words, by message id; judged and forgotten before they go on.
    texts: dict[bytes, str] = field(default_factory=dict)


#: Kind, item, topics, value and the other pseudonym of an interaction.
_Meant = tuple[int, str | None, tuple[str, ...], float | None, bytes | None]


class Translator:
    """Translates under one vocabulary. Pure, apart from message ids for events that came without."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        own_ids: frozenset[int] = frozenset(),
        random: Callable[[int], bytes] = os.urandom,
        passed: Callable[[str], None] | None = None,
    ) -> None:
        properties: Any = vocabulary.properties()
        self._vocabulary = vocabulary
        self._reader = Reader(vocabulary, own_ids, passed)
        self._decoder: msgspec.json.Decoder[Event[Any]] = msgspec.json.Decoder(Event[properties])
        self._no_properties = properties()
        self._decode = self._decoder.decode
        self._channel_of = lru_cache(maxsize=256)(self._channel_in)
        self._random = random
        self._meaning_of: dict[str, Callable[[Request, Event[Any], str, str], _Meant]] = {
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
            event = self._decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message_id = _message_id_in(raw)
            mid = request.keys.message(message_id) if message_id else self._random(16)
            return Quarantined(request.source, mid, "malformed", _field_in(error))
        message_id = _text(event.message_id)
        mid = request.keys.message(message_id) if message_id else self._random(16)
        if len(memoryview(raw)) > MAX_EVENT_BYTES:
            return Quarantined(request.source, mid, "too_large", "")
        try:
            return self._interaction(request, event, mid)
        except RefusedError as refused:
            remains = self._remains(request, event, refused) if _is_mendable(refused) else None
            return Quarantined(request.source, mid, refused.reason, refused.field, remains)

    def _remains(self, request: Request, event: Event[Any], refused: RefusedError) -> Remains | None:
        if not event.event:
            return None
        try:
            user, stranger = _ids(event)
            at_ms = request.received_ms if refused.field == _TIMESTAMP else _at_ms(request, event)
        except RefusedError:
            # Two faults, and a rule mends one.
            return None
        # Never the name: it may be anybody's. Whoever knows it can ask for it by its hash.
        named = request.keys.event(named_for(refused.reason, event.event))
        items, topics, values = self._reader.left(event.properties or self._no_properties, (user, stranger))
        eid = request.keys.user(user) if user else request.keys.anonymous(stranger)
        return Remains(eid, at_ms, self._channel(request, event) or "server", named, items, topics, values)

    def _interaction(self, request: Request, event: Event[Any], mid: bytes) -> Interaction:
        type_ = event.type or request.type or ("track" if event.event else "")
        meaning = self._meaning_of.get(type_)
        if meaning is None:
            raise RefusedError(_UNKNOWN_TYPE, "type")
        user, stranger = _ids(event)
        kind, item, topics, value, other = meaning(request, event, user, stranger)
        if kind in SPOKEN and event.event and (text := self._text(event)):
            request.texts[mid] = text
        granted, withdrawn, gpc = _preferences(request, event.context)
        keys = request.keys
        former, other_former = _former(keys, event, (user, stranger), other) if keys.former else ((), ())
        return Interaction(
            request.source,
            keys.user(user) if user else keys.anonymous(stranger),
            mid,
            kind,
            _at_ms(request, event),
            self._channel(request, event) or _USUAL_CHANNEL.get(type_, "server"),
            item,
            topics,
            value,
            other,
            granted,
            withdrawn,
            gpc,
            keys.version,
            former,
            other_former,
            former_mids=_former_mids(keys, event) if keys.lately else (),
        )

    def _track(self, _: Request, event: Event[Any], user: str, stranger: str) -> _Meant:
        rule = self._vocabulary.rule(event.event) if event.event else None
        if rule is None:
            raise RefusedError(_UNKNOWN_EVENT, "event")
        item, topics, value = self._reader.read(rule, event.properties or self._no_properties, (user, stranger))
        return rule.kind, item, topics, value, None

    def _text(self, event: Event[Any]) -> str:
        rule = self._vocabulary.rule(event.event) if event.event else None
        return self._reader.text(rule, event.properties) if rule is not None and event.properties is not None else ""

    def _view(self, _: Request, event: Event[Any], __: str, ___: str) -> _Meant:
        # Names and addresses of pages are free text: only what the closed list of topics knows is kept.
        return _SEEN, None, self._vocabulary.topics((event.category, event.name)), None, None

    def _channel(self, request: Request, event: Event[Any]) -> str | None:
        if event.channel is not None and (channel := _known_channel(event.channel)):
            return channel
        channel = self._channel_told(event.context) if event.context is not None else None
        if channel is None and request.context is not None:
            return self._channel_told(request.context)
        return channel

    def _channel_told(self, context: Context) -> str | None:
        if context.channel is not None and (channel := _known_channel(context.channel)):
            return channel
        library = bytes(context.library)
        return self._channel_of(library) if 0 < len(library) <= _MOST_LIBRARY_BYTES else None

    def _channel_in(self, library: bytes) -> str | None:
        try:
            name = _LIBRARY.decode(library).name
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return self._vocabulary.channel_of(name) if isinstance(name, str) else None


def named_for(reason: str, event: str) -> str:
    """Return what stands for events set aside under one name for one reason; what is hashed of it names their rule."""
    # A line of its own: no name that is spelled alike reaches over it.
    return spelled(event) if reason == _UNKNOWN_EVENT else f"{reason}\n{spelled(event)}"


def _is_mendable(refused: RefusedError) -> bool:
    # Of an event that holds an identity nothing is kept, so that no rule can let it in.
    return refused.reason in MENDABLE and (refused.reason != _MALFORMED or refused.field == _TIMESTAMP)


def _ids(event: Event[Any]) -> tuple[str, str]:
    user = _id(event.user_id, "userId") if event.user_id is not None else ""
    stranger = _id(event.anonymous_id, "anonymousId") if event.anonymous_id is not None else ""
    if not (user or stranger):
        raise RefusedError("identity_missing", "userId")
    return user, stranger


def _former(
    keys: SourceKeys, event: Event[Any], ids: tuple[str, str], other: bytes | None
) -> tuple[tuple[FormerId, ...], tuple[FormerId, ...]]:
    """Return what the ids were under older keys, so that the first contact finds whom they stand for."""
    user, stranger = ids
    former = keys.former_users(user) if user else keys.former_anonymous(stranger)
    stranger = stranger or _text(event.previous_id)
    is_other = other is not None and bool(user) and keys.anonymous(stranger) == other
    return former, keys.former_anonymous(stranger) if is_other else ()


def _former_mids(keys: SourceKeys, event: Event[Any]) -> tuple[bytes, ...]:
    """Return what the message id was under keys of a moment ago; an event without one never comes again."""
    message_id = _text(event.message_id)
    return keys.former_messages(message_id) if message_id else ()


def _known_channel(told: object) -> str | None:
    return told if isinstance(told, str) and told in CHANNELS else None


def _identify(request: Request, _: Event[Any], user: str, stranger: str) -> _Meant:
    return _IDENTIFIED, None, (), None, request.keys.anonymous(stranger) if user and stranger else None


def _alias(request: Request, event: Event[Any], user: str, stranger: str) -> _Meant:
    # Browsers send both ids and a previous one that may be a user's; servers send the anonymous id as the previous one.
    stranger = stranger or _id(event.previous_id, "previousId")
    if not stranger:
        raise RefusedError("malformed", "previousId")
    return _IDENTIFIED, None, (), None, request.keys.anonymous(stranger) if user else None


def _group(request: Request, event: Event[Any], _: str, __: str) -> _Meant:
    group = _id(event.group_id, "groupId")
    if not group:
        raise RefusedError("malformed", "groupId")
    return _JOINED, None, (), None, request.keys.group(group)


def _id(told: Id, field: str) -> str:
    text = _text(told)
    if len(text) > MAX_ID_CHARACTERS:
        raise RefusedError("too_large", field)
    return text


def _text(id_: Id) -> str:
    if type(id_) is str:
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
        raise RefusedError(_MALFORMED, _TIMESTAMP)
    moment += skew_ms(request.received_ms, event.sent_at) if event.sent_at else request.skew_ms
    return moment if EARLIEST_MS <= moment <= request.received_ms else clamped(moment, request.received_ms)


def _preferences(request: Request, context: Context | None) -> Preferences:
    if context is not None and context.consent is not None:
        return _heard(request, context.consent)
    if request.said is None:
        request.said = _heard(request, request.context.consent if request.context is not None else None)
    return request.said


def _heard(request: Request, consent: Consent | None) -> Preferences:
    said = _said_by(request, consent) if consent is not None else _NOTHING_SAID
    return said.refusing(GPC_REFUSES) if request.has_gpc else said


def _said_by(request: Request, consent: Consent) -> Preferences:
    said = _said_in_categories(request.categories, consent)
    if consent.tc_string:
        said = said.and_also(_read(request.strings.read_tcf, consent.tc_string, "tcString"))
    if consent.gpp_string:
        read = _read(request.strings.read_gpp, consent.gpp_string, "gppString")
        said = said.and_also(read)
        if read.gpc:
            said = said.refusing(read.gpc)
    return said


def _read(read: Callable[[str], Preferences], text: str, name: str) -> Preferences:
    try:
        return read(text)
    except SignalMalformedError:
        raise RefusedError("malformed", f"context.consent.{name}") from None


def _said_in_categories(categories: ConsentCategories, consent: Consent) -> Preferences:
    written = bytes(consent.category_preferences)
    if written in _NO_PREFERENCES:
        return _NOTHING_SAID
    try:
        return categories.read(written)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
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
