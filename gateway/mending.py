"""Rules that staff make for what was set aside: an event of the vocabulary, with a range or a default of their own."""

from collections.abc import Sequence

import msgspec

from gateway.accounts import RuleBody
from gateway.domain import MAX_VALUE, EventUnknownError, RuleUselessError
from gateway.vocabulary import Rule, ValueField, Vocabulary

#: What a rule for a reason must say, one of these at least: without it every event would stay as it is.
_NEEDED = {"out_of_range": ("scale", "default"), "value_missing": ("default",)}
_UNIT = (0.0, 1.0)
_ANY = (-MAX_VALUE, MAX_VALUE)


def mending_rule(vocabulary: Vocabulary, body: RuleBody) -> Rule:
    """Return the rule that is meant; raises EventUnknownError and RuleUselessError."""
    rule = vocabulary.rule(body.means or body.event)
    if rule is None:
        limit = "an event of a pack that the source uses"
        raise EventUnknownError("no such event", field="means" if body.means else "event", limit=limit)
    needed = _NEEDED.get(body.reason, ())
    if needed and all(getattr(body, name) is None for name in needed):
        raise RuleUselessError("a rule for this reason needs it", field=needed[0], limit=" or ".join(needed))
    if body.default is not None:
        _check_default(rule.value, body.default)
    return rule if body.scale is None else msgspec.structs.replace(rule, value=_scaled(rule.value, body.scale))


def _check_default(values: Sequence[ValueField], default: float) -> None:
    if not values:
        raise RuleUselessError("the event has no value", field="default", limit="an event that has a value")
    least, most = _UNIT if any(value.scale for value in values) else _ANY
    if not least <= default <= most:
        raise RuleUselessError("no value that is kept", field="default", limit=f"{least:g} to {most:g}")


def _scaled(values: Sequence[ValueField], scale: Sequence[float]) -> tuple[ValueField, ...]:
    if not any(value.scale for value in values):
        raise RuleUselessError("the value has no range", field="scale", limit="an event whose value has a range")
    least, most = scale
    if not least < most:
        raise RuleUselessError("not a range", field="scale", limit="least < greatest")
    return tuple(ValueField(value.field, (least, most)) if value.scale else value for value in values)
