"""Contract messages to the words of the domain and back; requests are checked here, once."""

import re
from collections.abc import Iterable, Sequence

from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from kit.errors import InvalidArgumentError
from relationships.state import Relationship
from services.profile.aggregates import COUNTABLE, LEAST_PRICE, UNIT, Budget, Question
from services.profile.choices import INFERENCES, WHAT, Inference, What
from services.profile.clients import persona_to_proto
from services.profile.decay import DAY_MS
from services.profile.domain import (
    DURABILITY_CLASSES,
    EID_BYTES,
    MOST_FORMER,
    POWER_CUT,
    SHARDS,
    BooksLine,
    ConsentRecord,
    Decision,
    Kind,
    Partition,
    Statement,
    Subject,
)
from services.profile.fates import Fate
from services.profile.mending import Rule, ValueField, decode_rule, encode_rule
from services.profile.repository.erasures import Erasure
from services.profile.repository.quarantine import Count, Listed, RuleRow
from services.profile.use_cases.aggregate import Told
from services.profile.use_cases.benefit import Given
from services.profile.use_cases.name import Pair
from services.profile.use_cases.reach import Lag
from services.profile.use_cases.read import Keyed
from services.profile.use_cases.receipts import Run
from services.profile.uses import GAVE, USED
from services.profile.views import Signal, View

_BRAND = re.compile(r"[a-z0-9-]{1,64}")
_AUDIENCE = re.compile(r"(app|world):[^\s:][^\s]{0,74}")
_ITEM = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_HANDLE = re.compile(r"[0-9]{1,9}\.[0-9a-f]{32}")
_FIRST_HAND = ("rest", "frame")
_MAX_PURPOSES = 32
_MAX_RUNS = 255
_MAX_EVENTS = 10_000
_BATCH_ID_BYTES = 16
_NAMED_BYTES = 16
_MAX_RULES = 16
_MAX_BENEFITS = 5_000
_MAX_FIELDS = 32
_MAX_VALUE = 1e11
_OWN_IDS = range(9, 20)


def brand_from_proto(brand: str, field: str = "brand") -> str:
    if not _BRAND.fullmatch(brand):
        raise InvalidArgumentError("no such brand", field=field, limit="1 to 64 characters of [a-z0-9-]")
    return brand


def audience_from_proto(audience: str, field: str = "audience") -> str:
    if not _AUDIENCE.fullmatch(audience):
        raise InvalidArgumentError("no such audience", field=field, limit="app:<source> or world:<world>")
    return audience


def handle_from_proto(handle: str) -> str:
    if not _HANDLE.fullmatch(handle):
        raise InvalidArgumentError("not a handle", field="handle", limit="<version>.<32 hex>")
    return handle


def subject_from_proto(subject: subject_pb2.Subject) -> Subject:
    brand = brand_from_proto(subject.brand, "subject.brand")
    audience_from_proto(subject.audience, "subject.audience")
    if len(subject.eid) != EID_BYTES:
        raise InvalidArgumentError("not a pseudonym", field="subject.eid", limit=f"{EID_BYTES} bytes")
    if len(subject.former) > MOST_FORMER or any(len(each.eid) != EID_BYTES for each in subject.former):
        limit = f"at most {MOST_FORMER} of {EID_BYTES} bytes"
        raise InvalidArgumentError("not pseudonyms", field="subject.former", limit=limit)
    former = tuple((each.version, each.eid) for each in subject.former)
    return Subject(brand, subject.audience, subject.eid, subject.version, former)


def purposes_from_proto(purposes: Sequence[str], *, least: int, field: str = "purposes") -> list[str]:
    if not least <= len(purposes) <= _MAX_PURPOSES:
        raise InvalidArgumentError("too few or too many", field=field, limit=f"{least} to {_MAX_PURPOSES}")
    return list(purposes)


def asked_from_proto(purpose: str, also_decide: Sequence[str]) -> list[str]:
    if not purpose:
        raise InvalidArgumentError("a read names its purpose", field="purpose")
    return purposes_from_proto([purpose, *also_decide], least=1, field="also_decide")


def positions_from_proto(brand: str, asked: Iterable[profile_pb2.Position]) -> dict[Partition, int]:
    """Return what is asked for, by partition; where one is named twice, the later place."""
    furthest: dict[Partition, int] = {}
    for position in asked:
        if position.durability_class not in (0, *DURABILITY_CLASSES):
            raise InvalidArgumentError("no such class", field="min_positions.durability_class", limit="1 or 2")
        partition = Partition(brand, position.partition, position.durability_class or POWER_CUT)
        furthest[partition] = max(position.sequence, furthest.get(partition, 0))
    return furthest


def statement_from_proto(statement: consent_pb2.Statement) -> Statement:
    return Statement(
        statement.stated_at_ms,
        statement.method,
        statement.notice_version,
        statement.language,
        statement.has_gpc,
        statement.named_brand,
    )


def method_from_proto(statement: consent_pb2.Statement) -> str:
    if statement.method not in _FIRST_HAND:
        raise InvalidArgumentError("not said at first hand", field="statement.method", limit=", ".join(_FIRST_HAND))
    return statement.method


def said_from_proto(statement: consent_pb2.Statement) -> Statement:
    method_from_proto(statement)
    return statement_from_proto(statement)


def removal_from_proto(removal: profile_pb2.Removal) -> tuple[What, str]:
    what = next((each for each in WHAT if each == removal.what), None)
    if what is None:
        raise InvalidArgumentError("no such thing to remove", field="removal.what", limit=", ".join(WHAT))
    if bool(_ITEM.fullmatch(removal.ref)) != (what == "offer"):
        raise InvalidArgumentError("an offer is named, and nothing else is", field="removal.ref", limit=_ITEM.pattern)
    return what, removal.ref


def inferences_from_proto(inferences: Sequence[str]) -> tuple[Inference, ...]:
    found = tuple(each for each in INFERENCES if each in inferences)
    if set(found) != set(inferences):
        raise InvalidArgumentError("no such inference", field="inferences", limit=", ".join(INFERENCES))
    return found


def benefits_from_proto(brand: str, benefits: Sequence[profile_pb2.Benefit]) -> list[Given]:
    if len(benefits) > _MAX_BENEFITS:
        raise InvalidArgumentError("too many", field="benefits", limit=str(_MAX_BENEFITS))
    if any(each.what not in GAVE | USED for each in benefits):
        raise InvalidArgumentError("no such benefit", field="benefits.what", limit=", ".join(sorted(GAVE | USED)))
    return [
        Given(
            subject_from_proto(subject_pb2.Subject(brand=brand, audience=each.audience, eid=each.eid)),
            each.purpose,
            each.what,
            each.count,
            each.last_at_ms,
            each.record_id,
        )
        for each in benefits
    ]


def erasure_to_proto(erasure: Erasure, signers: Sequence[str]) -> profile_pb2.Erasure:
    signed, missing = erasure.signed or {}, erasure.missing or {}
    return profile_pb2.Erasure(
        erasure_id=erasure.erasure_id,
        asked_at_ms=erasure.asked_at_ms,
        unreadable_at_ms=erasure.unbound_at_ms,
        signed=[profile_pb2.Signature(projection=name, signed_at_ms=at_ms) for name, at_ms in sorted(signed.items())],
        missing=[
            profile_pb2.Missing(projection=name, reason=missing.get(name, ""))
            for name in signers
            if name not in signed or name in missing
        ],
        complete_at_ms=erasure.complete_at_ms,
        receipt=erasure.receipt,
    )


def decision_to_proto(decision: Decision) -> subject_pb2.PurposeDecision:
    return subject_pb2.PurposeDecision(
        purpose=decision.purpose,
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        sequence=decision.sequence,
        record_id=decision.record_id,
    )


def record_to_proto(record: ConsentRecord) -> consent_pb2.ConsentRecord:
    return consent_pb2.ConsentRecord(
        record_id=record.record_id,
        purpose=record.purpose,
        purpose_version=record.purpose_version,
        state=record.state,
        sequence=record.sequence,
        stated_at_ms=record.stated_at_ms,
        expires_at_ms=record.expires_at_ms,
        method=record.method,
        conflicts_with=record.conflicts_with,
    )


def explained_to_proto(audience: str, explanation: bytes) -> profile_pb2.ExplainConsentResponse:
    answer = profile_pb2.ExplainConsentResponse(audience=audience)
    answer.explanation.ParseFromString(explanation)
    return answer


def pair_to_proto(pair: Pair) -> profile_pb2.ReplacedHandle:
    return profile_pb2.ReplacedHandle(
        old=pair.old, new=pair.new, effective_at_ms=pair.effective_at_ms, until_ms=pair.until_ms
    )


def view_to_proto(handle: str, view: View) -> profile_pb2.View:
    return profile_pb2.View(
        handle=handle,
        likes=view.likes,
        dislikes=view.dislikes,
        wishes=[profile_pb2.Wish(ref=wish.ref, evidence=wish.evidence) for wish in view.wishes],
        recency_periods=view.recency_periods,
        kinds=[profile_pb2.KindCount(kind=kind, at_least=count) for kind, count in view.kinds],
        channels=view.channels,
        day_part=view.day_part,
        withheld=view.withheld,
        relationship=view.relationship,
    )


def relationship_to_proto(pack: str, relationship: Relationship) -> profile_pb2.Relationship:
    return profile_pb2.Relationship(
        pack=pack,
        type=relationship.type,
        family=relationship.family,
        confidence=relationship.confidence,
        is_declared=relationship.declared,
    )


def lag_to_proto(lag: Lag) -> profile_pb2.Lag:
    return profile_pb2.Lag(
        partition=lag.partition.number,
        messages=lag.messages,
        complete_until_ms=lag.complete_until_ms,
        durability_class=lag.partition.durability_class,
    )


def keyed_to_proto(keyed: Keyed) -> subject_pb2.KeyedPersona:
    return subject_pb2.KeyedPersona(persona=persona_to_proto(keyed.persona), decision_key=keyed.decision_key)


def signal_to_proto(signal: Signal) -> profile_pb2.Signal:
    return profile_pb2.Signal(item=signal.item, at_ms=signal.at_ms, weight=signal.weight)


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
    if not _AUDIENCE.fullmatch(told.source):
        raise InvalidArgumentError("no such source", field="rules.source", limit="app:<source> or world:<world>")
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


def question_from_proto(request: profile_pb2.ReadAggregateRequest, budget: Budget, now_ms: int) -> Question:
    brand = brand_from_proto(request.brand)
    audience = audience_from_proto(request.audience)
    if request.counted not in COUNTABLE:
        raise InvalidArgumentError("cannot be counted", field="counted", limit=", ".join(COUNTABLE))
    if not LEAST_PRICE <= request.epsilon * UNIT <= budget.price:
        limit = f"{LEAST_PRICE / UNIT:g} to {budget.price / UNIT:g}"
        raise InvalidArgumentError("no such price", field="epsilon", limit=limit)
    price = round(request.epsilon * UNIT)
    return Question(brand, audience, request.counted, price, now_ms // DAY_MS)


def told_to_proto(question: Question, told: Told, budget: Budget) -> profile_pb2.ReadAggregateResponse:
    answer = told.answer
    return profile_pb2.ReadAggregateResponse(
        # In an order of its own: that of the release tells nothing, but nobody has proved it.
        counts=[profile_pb2.NoisyCount(key=key, count=count) for key, count in sorted(answer.counts.items())],
        threshold=answer.threshold,
        scale=answer.scale,
        counted_at_ms=answer.counted_at_ms,
        renews_at_ms=question.renews_at_ms,
        spent=told.spent / UNIT,
        budget=budget.price / UNIT,
        window_days=budget.days,
    )
