"""Contract messages to the words of the domain and back; requests are checked here, once."""

import re
from collections.abc import Sequence

from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from kit.errors import InvalidArgumentError
from services.profile.domain import EID_BYTES, SHARDS, BooksLine, ConsentRecord, Decision, Statement, Subject
from services.profile.fates import Fate
from services.profile.use_cases.reach import Lag
from services.profile.use_cases.receipts import Run
from services.profile.views import Signal, View

_BRAND = re.compile(r"[a-z0-9-]{1,64}")
_AUDIENCE = re.compile(r"(app|world):[^\s:][^\s]{0,74}")
_MAX_PURPOSES = 32
_MAX_RUNS = 255
_MAX_EVENTS = 10_000
_BATCH_ID_BYTES = 16


def brand_from_proto(brand: str, field: str = "brand") -> str:
    if not _BRAND.fullmatch(brand):
        raise InvalidArgumentError("no such brand", field=field, limit="1 to 64 characters of [a-z0-9-]")
    return brand


def subject_from_proto(subject: subject_pb2.Subject) -> Subject:
    brand = brand_from_proto(subject.brand, "subject.brand")
    if not _AUDIENCE.fullmatch(subject.audience):
        raise InvalidArgumentError("no such audience", field="subject.audience", limit="app:<source> or world:<world>")
    if len(subject.eid) != EID_BYTES:
        raise InvalidArgumentError("not a pseudonym", field="subject.eid", limit=f"{EID_BYTES} bytes")
    return Subject(brand, subject.audience, subject.eid)


def purposes_from_proto(purposes: Sequence[str], *, least: int, field: str = "purposes") -> list[str]:
    if not least <= len(purposes) <= _MAX_PURPOSES:
        raise InvalidArgumentError("too few or too many", field=field, limit=f"{least} to {_MAX_PURPOSES}")
    return list(purposes)


def asked_from_proto(purpose: str, also_decide: Sequence[str]) -> list[str]:
    if not purpose:
        raise InvalidArgumentError("a read names its purpose", field="purpose")
    return purposes_from_proto([purpose, *also_decide], least=1, field="also_decide")


def statement_from_proto(statement: consent_pb2.Statement) -> Statement:
    return Statement(statement.stated_at_ms, statement.method, statement.notice_version, statement.language)


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
    )


def lag_to_proto(lag: Lag) -> profile_pb2.Lag:
    return profile_pb2.Lag(partition=lag.partition, messages=lag.messages, complete_until_ms=lag.complete_until_ms)


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
