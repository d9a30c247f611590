"""What is told of a persona, as messages of the contract."""

from collections.abc import Sequence

from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from relationships.state import Relationship
from services.profile.bearing import Bearing
from services.profile.buying import Bought
from services.profile.clients import persona_to_proto
from services.profile.domain import (
    ConsentRecord,
    Decision,
)
from services.profile.repository.erasures import Erasure
from services.profile.use_cases.name import Pair
from services.profile.use_cases.reach import Lag
from services.profile.use_cases.read import Keyed
from services.profile.views import Signal, View


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


def bought_to_proto(bought: Bought | None) -> profile_pb2.Bought | None:
    return None if bought is None else profile_pb2.Bought(**bought._asdict())


def bearing_to_proto(bearing: Bearing | None) -> profile_pb2.Bearing | None:
    return None if bearing is None else profile_pb2.Bearing(**bearing._asdict())
