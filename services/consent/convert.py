"""Between the contract's messages and the words of this room; what is malformed is refused here."""

import re
from collections.abc import Sequence
from dataclasses import replace

from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from kit.errors import InvalidArgumentError
from kit.fence import Applied, Asked, Change, Lease, Release, Renewal, Said, Scope
from services.consent.chain import Record
from services.consent.domain import (
    MAX_CHECKED,
    MAX_GRANTED,
    MAX_PURPOSES,
    PID_BYTES,
    SHARDS,
    Consent,
    Decision,
    Holder,
    Intent,
    State,
    Statement,
)
from services.consent.use_cases.check import Masks
from services.consent.use_cases.explain import Explanation

_BRAND = re.compile(r"[a-z0-9-]{1,64}")
_NAMED_BRAND = re.compile(r"[a-z0-9-]{0,64}")
_AUDIENCE = re.compile(r"(app|world|brand):[A-Za-z0-9._-]{1,74}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{0,16}")
_NOTICE = re.compile(r"[A-Za-z0-9._:-]{0,64}")
_HANDLE = re.compile(r"[A-Za-z0-9._-]{0,64}")
#: Stands for every audience where none is named.
_ANYBODY = "app:_"
_METHODS = ("rest", "frame", "sdk-preferences", "gpc", "tcf", "gpp", "retention")


def holder(persona: subject_pb2.Persona, audience: str) -> Holder:
    _matches(_BRAND, persona.brand, "persona.brand")
    _matches(_AUDIENCE, audience, "audience")
    if persona.shard >= SHARDS:
        raise InvalidArgumentError("no such shard", field="persona.shard", limit=str(SHARDS - 1))
    if len(persona.pid) != PID_BYTES:
        raise InvalidArgumentError("a pid has a fixed length", field="persona.pid", limit=str(PID_BYTES))
    return Holder(persona.brand, persona.shard, persona.pid, audience)


def grant(request: consent_pb2.GrantRequest) -> Statement:
    whose = holder(request.persona, request.audience)
    return _statement(whose, Intent.GRANT, purposes(request.purposes), request.statement)


def grants(request: consent_pb2.GrantManyRequest) -> list[Statement]:
    """Return one statement per person, all about the same purposes."""
    if len(request.pids) > MAX_GRANTED:
        raise InvalidArgumentError("too many personas", field="pids", limit=str(MAX_GRANTED))
    if len(request.shards) != len(request.pids):
        raise InvalidArgumentError("shards and pids are parallel", field="shards")
    if len(request.stated_at_ms) != len(request.pids):
        raise InvalidArgumentError("times and pids are parallel", field="stated_at_ms")
    if min(request.stated_at_ms, default=0) < 0:
        raise InvalidArgumentError("a time before 1970", field="stated_at_ms")
    asked = purposes(request.purposes)
    personas = (
        subject_pb2.Persona(brand=request.brand, shard=shard, pid=pid)
        for shard, pid in zip(request.shards, request.pids, strict=True)
    )
    stated = [
        _statement(holder(persona, request.audience), Intent.GRANT, asked, request.statement) for persona in personas
    ]
    return [replace(each, stated_at_ms=at_ms) for each, at_ms in zip(stated, request.stated_at_ms, strict=True)]


def withdrawal(request: consent_pb2.WithdrawRequest) -> Statement:
    whose = holder(request.persona, request.audience)
    _at_most(request.purposes)
    return _statement(whose, Intent.WITHDRAW, tuple(request.purposes), request.statement)


def many_holders(request: consent_pb2.EraseRequest | consent_pb2.NoteChoiceRequest) -> list[Statement]:
    """Return one statement per persona, towards nobody in particular."""
    if not 1 <= len(request.pids) <= MAX_GRANTED:
        raise InvalidArgumentError("too few or too many personas", field="pids", limit=f"1 to {MAX_GRANTED}")
    if len(request.shards) != len(request.pids):
        raise InvalidArgumentError("shards and pids are parallel", field="shards")
    personas = (
        subject_pb2.Persona(brand=request.brand, shard=shard, pid=pid)
        for shard, pid in zip(request.shards, request.pids, strict=True)
    )
    holders = dict.fromkeys(holder(persona, _ANYBODY) for persona in personas)
    return [_statement(each, Intent.WITHDRAW, (), request.statement) for each in holders]


def _statement(whose: Holder, intent: Intent, asked: tuple[str, ...], statement: consent_pb2.Statement) -> Statement:
    if statement.stated_at_ms < 0:
        raise InvalidArgumentError("a time before 1970", field="statement.stated_at_ms")
    if statement.method not in _METHODS:
        raise InvalidArgumentError("no such method", field="statement.method", limit=", ".join(_METHODS))
    _matches(_NOTICE, statement.notice_version, "statement.notice_version")
    _matches(_LANGUAGE, statement.language, "statement.language")
    _matches(_NAMED_BRAND, statement.named_brand, "statement.named_brand")
    return Statement(
        holder=whose,
        intent=intent,
        purposes=asked,
        stated_at_ms=statement.stated_at_ms,
        method=statement.method,
        notice_version=statement.notice_version,
        language=statement.language,
        has_gpc=statement.has_gpc,
        named_brand=statement.named_brand,
    )


def handle(told: str) -> str:
    _matches(_HANDLE, told, "handle")
    return told


def floor(request: consent_pb2.RaiseFloorRequest) -> tuple[str, int]:
    """Return purpose and floor; the brand is checked here, the rest by the pack."""
    _matches(_BRAND, request.brand, "brand")
    return request.purpose, request.floor


def purposes(asked: Sequence[str]) -> tuple[str, ...]:
    if not asked:
        raise InvalidArgumentError("name at least one purpose", field="purposes", limit="1")
    _at_most(asked)
    return tuple(asked)


def _at_most(asked: Sequence[str]) -> None:
    if len(asked) > MAX_PURPOSES:
        raise InvalidArgumentError("too many purposes", field="purposes", limit=str(MAX_PURPOSES))


def many(request: consent_pb2.CheckManyRequest) -> tuple[str, str, list[int], list[bytes]]:
    """Return brand, audience, shards and pids."""
    _matches(_BRAND, request.brand, "brand")
    _matches(_AUDIENCE, request.audience, "audience")
    if len(request.pids) > MAX_CHECKED:
        raise InvalidArgumentError("too many personas", field="pids", limit=str(MAX_CHECKED))
    if len(request.shards) != len(request.pids):
        raise InvalidArgumentError("shards and pids are parallel", field="shards")
    if request.shards and max(request.shards) >= SHARDS:
        raise InvalidArgumentError("no such shard", field="shards", limit=str(SHARDS - 1))
    return request.brand, request.audience, list(request.shards), list(request.pids)


def to_record(consent: Consent) -> consent_pb2.ConsentRecord:
    is_recorded = consent.state is not State.NEVER_ASKED
    return consent_pb2.ConsentRecord(
        record_id=consent.record_id,
        purpose=consent.purpose,
        purpose_version=consent.purpose_version if is_recorded else 0,
        state=consent.state.value,
        sequence=consent.sequence,
        stated_at_ms=consent.stated_at_ms,
        expires_at_ms=consent.expires_at_ms,
        method=consent.method,
        conflicts_with=consent.conflicts_with,
    )


def to_explanation(explanation: Explanation) -> consent_pb2.ExplainResponse:
    return consent_pb2.ExplainResponse(
        decision=to_decision(explanation.decision),
        version=explanation.purpose.version,
        floor=explanation.purpose.floor,
        records=map(_recorded, explanation.records),
        document=explanation.document,
    )


def _recorded(record: Record) -> consent_pb2.ConsentRecord:
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


def to_decision(decision: Decision) -> subject_pb2.PurposeDecision:
    return subject_pb2.PurposeDecision(
        purpose=decision.purpose,
        is_allowed=decision.is_allowed,
        reason=decision.reason.value,
        sequence=decision.sequence,
        record_id=decision.record_id,
        holds_until_ms=decision.holds_until_ms,
    )


def to_masks(brand: str, masks: Masks) -> consent_pb2.CheckManyResponse:
    heads = (consent_pb2.Head(brand=brand, shard=shard, sequence=sequence) for shard, sequence in masks.heads.items())
    return consent_pb2.CheckManyResponse(allowed=masks.allowed, holds_until_ms=masks.holds_until_ms, heads=heads)


def asked(request: consent_pb2.HoldRequest | consent_pb2.HoldNamedRequest) -> Asked:
    match request.WhichOneof("said"):
        case "applied":
            heads = request.applied.heads
            return Applied(tuple((Scope(head.brand, head.shard), head.sequence) for head in heads))
        case "release":
            return Release()
        case _:
            return Renewal()


def to_told(said: Said) -> consent_pb2.HoldResponse:
    if isinstance(said, Lease):
        return consent_pb2.HoldResponse(lease=_lease(said))
    return consent_pb2.HoldResponse(changes=_changes(said))


def to_told_named(said: Said) -> consent_pb2.HoldNamedResponse:
    if isinstance(said, Lease):
        return consent_pb2.HoldNamedResponse(lease=_lease(said))
    return consent_pb2.HoldNamedResponse(changes=_changes(said))


def _lease(lease: Lease) -> consent_pb2.Lease:
    heads = (consent_pb2.Head(brand=brand, shard=shard, sequence=at) for (brand, shard), at in lease.heads)
    return consent_pb2.Lease(term_ms=lease.term_ns // 1_000_000, heads=heads, epoch=lease.epoch)


def _changes(changes: tuple[Change, ...]) -> consent_pb2.Changes:
    told = (
        consent_pb2.Change(
            brand=each.scope.brand,
            shard=each.scope.shard,
            after=each.after,
            sequence=each.sequence,
            pids=each.keys,
        )
        for each in changes
    )
    return consent_pb2.Changes(changes=told)


def _matches(pattern: re.Pattern[str], value: str, field: str) -> None:
    if not pattern.fullmatch(value):
        raise InvalidArgumentError("malformed", field=field, limit=pattern.pattern)
