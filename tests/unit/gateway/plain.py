"""The translation once more, plain and slow, as the rule that the fast one is held to: one dictionary, one event."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from contracts.interaction.v1 import interaction_pb2 as kinds
from contracts.interaction.v1.payload import Interaction, Quarantined
from gateway.translate import Request
from gateway.vocabulary import Vocabulary
from kit.refusal import identity_in

_EARLIEST_MS, _AHEAD_MS = 631_152_000_000, 300_000
_TYPES = ("track", "page", "screen", "identify", "alias", "group")


class RefusedError(Exception):
    """With reason and field."""


def translate(vocabulary: Vocabulary, request: Request, event: dict[str, Any]) -> Interaction | Quarantined:
    mid = request.keys.message(id_text(event.get("messageId")))
    if len(json.dumps(event).encode()) > 32 << 10:
        return Quarantined(request.source, mid, "too_large", "")
    try:
        return _interaction(vocabulary, request, event, mid)
    except RefusedError as refused:
        return Quarantined(request.source, mid, *refused.args)


def id_text(told: Any) -> str:
    if told is None:
        return ""
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    text = str(told)
    return "" if text.isspace() else text


def bounded_id(event: dict[str, Any], name: str) -> str:
    text = id_text(event.get(name))
    if len(text) > 512:
        raise RefusedError("too_large", name)
    return text


def _interaction(vocabulary: Vocabulary, request: Request, event: dict[str, Any], mid: bytes) -> Interaction:
    type_ = event.get("type") or request.type or ("track" if event.get("event") else "")
    if type_ not in _TYPES:
        raise RefusedError("unknown_type", "type")
    user, stranger = bounded_id(event, "userId"), bounded_id(event, "anonymousId")
    if not user and not stranger:
        raise RefusedError("identity_missing", "userId")
    kind, item, topics, value, other = _meaning(vocabulary, request, event, type_)
    granted, withdrawn, gpc = _consent(request, event)
    keys = request.keys
    return Interaction(
        request.source,
        keys.user(user) if user else keys.anonymous(stranger),
        mid,
        kind,
        _at_ms(request, event),
        _channel(vocabulary, event) or {"page": "web", "screen": "mobile"}.get(type_, "server"),
        item,
        topics,
        value,
        other,
        granted,
        withdrawn,
        gpc,
    )


def _meaning(vocabulary: Vocabulary, request: Request, event: dict[str, Any], type_: str) -> tuple[Any, ...]:
    user, stranger = id_text(event.get("userId")), id_text(event.get("anonymousId"))
    if type_ in {"page", "screen"}:
        return kinds.KIND_SEEN, None, vocabulary.topics([event.get("category"), event.get("name")]), None, None
    if type_ == "group":
        group = bounded_id(event, "groupId")
        if not group:
            raise RefusedError("malformed", "groupId")
        return kinds.KIND_JOINED, None, (), None, request.keys.group(group)
    if type_ in {"identify", "alias"}:
        stranger = stranger or (bounded_id(event, "previousId") if type_ == "alias" else "")
        if type_ == "alias" and not stranger:
            raise RefusedError("malformed", "previousId")
        other = request.keys.anonymous(stranger) if user and stranger else None
        return kinds.KIND_IDENTIFIED, None, (), None, other
    rule = vocabulary.rule(event.get("event") or "")
    if rule is None:
        raise RefusedError("unknown_event", "event")
    properties = event.get("properties") or {}
    item = _item(properties, rule.item, {user, stranger}, _products(vocabulary, properties))
    return rule.kind, item, _topics(vocabulary, properties), _value(rule, properties), None


def _products(vocabulary: Vocabulary, properties: dict[str, Any]) -> list[dict[str, Any]]:
    lists = [properties[name] for name in vocabulary.fields.products if isinstance(properties.get(name), list)]
    return [product for product in (lists[0][:100] if lists else []) if isinstance(product, dict)]


def _item(
    properties: dict[str, Any], names: tuple[str, ...], raw: set[str], products: list[dict[str, Any]]
) -> str | None:
    places = [("", properties)] + [(f"products[{place}].", product) for place, product in enumerate(products[:1])]
    for prefix, place in places:
        for name in names:
            told = place.get(name)
            text = told if isinstance(told, str) else str(told) if type(told) is int else ""
            if not text:
                continue
            if identity_in(text) or text in raw:
                raise RefusedError("identity_refused", f"properties.{prefix}{name}")
            return text
    return None


def _topics(vocabulary: Vocabulary, properties: dict[str, Any]) -> tuple[str, ...]:
    fields = vocabulary.fields
    places = [properties, *_products(vocabulary, properties)]
    found = vocabulary.topics(list(_flat(place.get(name) for place in places for name in fields.topics)))
    for name in fields.words:
        if isinstance(text := properties.get(name), str):
            found = tuple(dict.fromkeys((*found, *vocabulary.topics_of_words(text))))
    return found[:5]


def _flat(told: Iterator[Any]) -> Iterator[Any]:
    for each in told:
        yield from each if isinstance(each, list) else [each]


def _value(rule: Any, properties: dict[str, Any]) -> float | None:
    for value in rule.value:
        told = properties.get(value.field)
        try:
            number = float(told) if type(told) in {int, float, str} else math.nan
        except (ValueError, OverflowError):
            continue
        if not math.isfinite(number):
            continue
        least, most = value.scale or (-1e11, 1e11)
        if not least <= number <= most:
            raise RefusedError("out_of_range", f"properties.{value.field}")
        return (number - least) / (most - least) if value.scale else number
    if rule.needs_value:
        raise RefusedError("value_missing", f"properties.{rule.value[0].field}")
    return None


def _at_ms(request: Request, event: dict[str, Any]) -> int:
    written = event.get("originalTimestamp") or event.get("timestamp")
    if not written:
        return request.received_ms
    at = _moment(written)
    if at is None:
        raise RefusedError("malformed", "timestamp")
    if event.get("sentAt"):
        sent = _moment(event["sentAt"])
        at += request.received_ms - sent if sent is not None and abs(request.received_ms - sent) >= 2000 else 0
    else:
        at += request.skew_ms
    return request.received_ms if at > request.received_ms + _AHEAD_MS else max(at, _EARLIEST_MS)


def _moment(written: Any) -> int | None:
    try:
        if isinstance(written, str):
            read = datetime.fromisoformat(written)
            read = read if read.tzinfo else read.replace(tzinfo=UTC)
            return math.floor(round(read.timestamp() * 1_000_000) / 1000)
        if type(written) in {int, float}:
            return round(written if abs(written) >= 100_000_000_000 else written * 1000)
    except (ValueError, OverflowError):
        pass
    return None


def _channel(vocabulary: Vocabulary, event: dict[str, Any]) -> str | None:
    context = event.get("context") or {}
    for told in (event.get("channel"), context.get("channel")):
        if isinstance(told, str) and told in {"web", "mobile", "server"}:
            return told
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    return vocabulary.channel_of(name) if isinstance(name, str) else None


def _consent(request: Request, event: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    told = ((event.get("context") or {}).get("consent") or {}).get("categoryPreferences")
    said = request.categories.read(json.dumps(told).encode()) if told else request.categories.read(b"{}")
    return said.refusing(("offer.brand", "link.cross_world", "share.brand_profile")) if request.has_gpc else said
