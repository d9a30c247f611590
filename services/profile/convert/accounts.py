"""Fates, quarantine, rules and books, to the contract's messages and back."""

from collections.abc import Sequence

from contracts.profile.v1 import profile_pb2
from kit.errors import InvalidArgumentError
from services.profile.convert.asking import audience_from_proto
from services.profile.domain import SHARDS, BooksLine, Kind
from services.profile.fates import Fate
from services.profile.mending import Rule, ValueField, decode_rule, encode_rule
from services.profile.repository.quarantine import Count, Listed, RuleRow
from services.profile.use_cases.receipts import Run

_MAX_RUNS = 255
_MAX_EVENTS = 10_000
_BATCH_ID_BYTES = 16
_NAMED_BYTES = 16
_MAX_RULES = 16
_MAX_FIELDS = 32
_MAX_VALUE = 1e11
_OWN_IDS = range(9, 20)


def runs_from_proto(runs: Sequence[profile_pb2.Run]) -> list[Run]:
    if len(runs) > _MAX_RUNS:
        raise InvalidArgumentError("too many", field="runs", limit=str(_MAX_RUNS))
    if sum(run.count for run in runs) > _MAX_EVENTS:
        raise InvalidArgumentError("too many events", field="runs", limit=str(_MAX_EVENTS))
    if any(len(run.batch_id) != _BATCH_ID_BYTES or run.partition >= SHARDS for run in runs):
        raise InvalidArgumentError("no such batch", field="runs", limit=f"{_BATCH_ID_BYTES} bytes, 0 to {SHARDS - 1}")
    return [Run(run.partition, run.batch_id, run.first, run.count) for run in runs]


def fates_to_proto(fates: Sequence[Fate]) -> profile_pb2.RunFates:
    return profile_pb2.RunFates(
        fates=[profile_pb2.EventFate(fate=each.fate, reason=each.reason, field=each.field) for each in fates]
    )


def bounded_from_proto(told: int, field: str, *, least: int, most: int) -> int:
    if not least <= told <= most:
        raise InvalidArgumentError("too few or too many", field=field, limit=f"{least} to {most}")
    return told


def count_to_proto(count: Count) -> profile_pb2.QuarantineCount:
    return profile_pb2.QuarantineCount(**count._asdict())


def event_to_proto(event: Listed) -> profile_pb2.QuarantinedEvent:
    return profile_pb2.QuarantinedEvent(
        source=event.source,
        reason=event.reason,
        field=event.field,
        named=event.named,
        set_aside_at_ms=event.set_aside_at_ms,
        can_replay=event.can_replay,
        mended_at_ms=event.mended_at_ms,
        fate=event.fate,
    )


def rules_from_proto(rules: Sequence[profile_pb2.MendingRule]) -> list[RuleRow]:
    if not 1 <= len(rules) <= _MAX_RULES:
        raise InvalidArgumentError("too few or too many", field="rules", limit=f"1 to {_MAX_RULES}")
    return [_rule_from_proto(rule) for rule in rules]


def rule_to_proto(row: RuleRow) -> profile_pb2.MendingRule:
    rule = decode_rule(row.rule)
    return profile_pb2.MendingRule(
        source=row.source,
        named=row.named,
        means=row.means,
        kind=rule.kind,
        items=rule.items,
        values=[_value_to_proto(value) for value in rule.values],
        needs_value=rule.needs_value,
        default_value=rule.default,
        own_ids=rule.own_ids,
    )


def _rule_from_proto(told: profile_pb2.MendingRule) -> RuleRow:
    audience_from_proto(told.source, "rules.source")
    if len(told.named) != _NAMED_BYTES:
        raise InvalidArgumentError("not a name's hash", field="rules.named", limit=f"{_NAMED_BYTES} bytes")
    if not 1 <= told.kind <= max(Kind):
        raise InvalidArgumentError("no such kind", field="rules.kind", limit=f"1 to {max(Kind)}")
    if len(told.items) > _MAX_FIELDS or len(told.values) > _MAX_FIELDS:
        raise InvalidArgumentError("too many properties", field="rules.items", limit=str(_MAX_FIELDS))
    if any(each not in _OWN_IDS for each in told.own_ids):
        raise InvalidArgumentError("no such length", field="rules.own_ids", limit="9 to 19")
    values = tuple(ValueField(each.field, _scale_from_proto(each)) for each in told.values)
    rule = Rule(told.kind, tuple(told.items), values, told.needs_value, _default_from_proto(told), tuple(told.own_ids))
    return RuleRow(told.source, told.named, told.means, encode_rule(rule))


def _default_from_proto(told: profile_pb2.MendingRule) -> float | None:
    if not told.HasField("default_value"):
        return None
    if not -_MAX_VALUE <= told.default_value <= _MAX_VALUE:
        raise InvalidArgumentError("no value", field="rules.default_value", limit=f"{_MAX_VALUE:g}")
    return told.default_value


def _scale_from_proto(value: profile_pb2.ValueField) -> tuple[float, float] | None:
    if not value.is_scaled:
        return None
    if not value.least < value.most:
        raise InvalidArgumentError("not a range", field="rules.values", limit="least < most")
    return value.least, value.most


def _value_to_proto(value: ValueField) -> profile_pb2.ValueField:
    least, most = value.scale or (0.0, 0.0)
    return profile_pb2.ValueField(field=value.field, is_scaled=value.scale is not None, least=least, most=most)


def books_line_to_proto(line: BooksLine) -> profile_pb2.BooksLine:
    return profile_pb2.BooksLine(
        source=line.source,
        hour_ms=line.hour_ms,
        received=line.received,
        stored=line.stored,
        duplicate=line.duplicate,
        quarantined=line.quarantined,
        suppressed=line.suppressed,
        pending=line.pending,
    )
