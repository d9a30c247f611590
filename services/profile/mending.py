"""Mending: what is left of an event that was set aside, read by a rule that says which event was meant."""

import enum
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from kit.refusal import identity_in
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
    #: The value where the event has none that fits.
    default: float | None = None
    #: Lengths at which digits alone are an item, whoever's number they may look like.
    own_ids: tuple[int, ...] = ()


class Misfit(enum.Enum):
    """Why a rule does not mend an event."""

    #: The rule asks for a value that is missing or out of range.
    UNFIT = enum.auto()
    #: The item looks like an identity: the filter has learnt since, or the source has other ids now.
    REFUSED = enum.auto()


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


_FIRST_FIELDS = 4
_rules = msgspec.msgpack.Decoder(Rule)
_left = msgspec.msgpack.Decoder(Left)


def encode_rule(rule: Rule) -> bytes:
    # A process of the version before reads rules that say nothing new.
    is_plain = rule.default is None and not rule.own_ids
    return msgspec.msgpack.encode(rule[:_FIRST_FIELDS] if is_plain else rule)


def decode_rule(data: bytes) -> Rule:
    return _rules.decode(data)


def encode_left(remains: Remains) -> bytes:
    return msgspec.msgpack.encode(Left(remains.at_ms, remains.channel, remains.items, remains.topics, remains.values))


def decode_left(data: bytes) -> Left:
    return _left.decode(data)


def mend(rule: Rule, left: Left, source: str, eid: bytes, mid: bytes) -> Mended | Misfit:
    """Return the interaction that was meant, or why there is none."""
    item = _first(rule.items, left.items)
    if item is not None and _is_identity(item, rule.own_ids):
        return Misfit.REFUSED
    value = _value(rule, left.values)
    if value is Misfit.UNFIT or (value is None and rule.needs_value):
        return Misfit.UNFIT
    return Mended(source, eid, mid, rule.kind, left.at_ms, left.channel, item, left.topics, value)


def _value(rule: Rule, told: dict[str, float]) -> float | Literal[Misfit.UNFIT] | None:
    for name, scale in rule.values:
        if (number := told.get(name)) is None:
            continue
        if scale is None:
            return number
        if scale[0] <= number <= scale[1]:
            return (number - scale[0]) / (scale[1] - scale[0])
        return Misfit.UNFIT if rule.default is None else rule.default
    return rule.default


def _is_identity(item: str, own_ids: Sequence[int]) -> bool:
    is_own = len(item) in own_ids and item.isascii() and item.isdigit()
    return not is_own and bool(identity_in(item))


def _first(names: Sequence[str], items: dict[str, str]) -> str | None:
    return next((items[name] for name in names if name in items), None)
