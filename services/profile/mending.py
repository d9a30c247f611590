"""Mending: what is left of an event whose name was unknown, read by a rule that says which event was meant."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from services.profile.domain import Remains


class ValueField(NamedTuple):
    """A property that may hold the value; with a scale (least, most) it is brought to 0 … 1."""

    field: str
    scale: tuple[float, float] | None = None


class Rule(NamedTuple):
    """What an event of the vocabulary says: its kind, and the properties its parts stand in, the first ones first."""

    kind: int
    items: tuple[str, ...] = ()
    values: tuple[ValueField, ...] = ()
    needs_value: bool = False


class Left(NamedTuple):
    """What is kept of an event, without who it is of."""

    at_ms: int
    channel: str
    items: dict[str, str]
    topics: tuple[str, ...]
    values: dict[str, float]


class Mended(NamedTuple):
    """An interaction as the stream carries it."""

    source: str
    eid: bytes
    mid: bytes
    kind: int
    at_ms: int
    channel: str
    item: str | None
    topics: tuple[str, ...]
    value: float | None


_rules = msgspec.msgpack.Decoder(Rule)
_left = msgspec.msgpack.Decoder(Left)


def encode_rule(rule: Rule) -> bytes:
    return msgspec.msgpack.encode(rule)


def decode_rule(data: bytes) -> Rule:
    return _rules.decode(data)


def encode_left(remains: Remains) -> bytes:
    return msgspec.msgpack.encode(Left(remains.at_ms, remains.channel, remains.items, remains.topics, remains.values))


def decode_left(data: bytes) -> Left:
    return _left.decode(data)


def mend(rule: Rule, left: Left, source: str, eid: bytes, mid: bytes) -> Mended | None:
    """Return the interaction that was meant; None when the rule asks for a value that is not there or not in range."""
    value = None
    for name, scale in rule.values:
        if (number := left.values.get(name)) is None:
            continue
        if scale is not None and not scale[0] <= number <= scale[1]:
            return None
        value = number if scale is None else (number - scale[0]) / (scale[1] - scale[0])
        break
    if value is None and rule.needs_value:
        return None
    item = _first(rule.items, left.items)
    return Mended(source, eid, mid, rule.kind, left.at_ms, left.channel, item, left.topics, value)


def _first(names: Sequence[str], items: dict[str, str]) -> str | None:
    return next((items[name] for name in names if name in items), None)
