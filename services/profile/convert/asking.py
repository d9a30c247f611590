"""Who is asked about and what is asked for, from the contract's messages."""

import re
from collections.abc import Iterable, Sequence

from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from kit.errors import InvalidArgumentError
from services.profile.choices import INFERENCES, WHAT, Inference, Unwanted
from services.profile.domain import (
    DURABILITY_CLASSES,
    EID_BYTES,
    MOST_FORMER,
    POWER_CUT,
    Partition,
    Statement,
    Subject,
)
from services.profile.offered import ANSWERS, Offered
from services.profile.use_cases.benefit import Given
from services.profile.uses import ANSWERED, GAVE, USED

_BRAND = re.compile(r"[a-z0-9-]{1,64}")
_AUDIENCE = re.compile(r"(app|world):[^\s:][^\s]{0,74}")
_ITEM = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_HANDLE = re.compile(r"[0-9]{1,9}\.[0-9a-f]{32}")
_FIRST_HAND = ("rest", "frame")
_MAX_PURPOSES = 32
_MAX_BENEFITS = 5_000
# An offer names at most three reasons.
_MAX_GROUNDS = 3
_MAX_REF = 64
_MAX_CHANNEL = 32
_DECISION_BYTES = 16
_REPORTED = GAVE | USED | {ANSWERED}


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


def removal_from_proto(removal: profile_pb2.Removal) -> Unwanted:
    what = next((each for each in WHAT if each == removal.what), None)
    if what is None:
        raise InvalidArgumentError("no such thing to remove", field="removal.what", limit=", ".join(WHAT))
    if bool(_ITEM.fullmatch(removal.ref)) != (what == "offer"):
        raise InvalidArgumentError("an offer is named, and nothing else is", field="removal.ref", limit=_ITEM.pattern)
    if len(removal.grounds) > (_MAX_GROUNDS if what == "offer" else 0):
        raise InvalidArgumentError(
            "more than an offer rests on", field="removal.grounds", limit=f"{_MAX_GROUNDS}, of an offer alone"
        )
    if not all(0 < len(each) <= _MAX_REF for each in removal.grounds):
        raise InvalidArgumentError("no item or topic", field="removal.grounds", limit=f"1 to {_MAX_REF} characters")
    return Unwanted(what, removal.ref, tuple(removal.grounds))


def inferences_from_proto(inferences: Sequence[str]) -> tuple[Inference, ...]:
    found = tuple(each for each in INFERENCES if each in inferences)
    if set(found) != set(inferences):
        raise InvalidArgumentError("no such inference", field="inferences", limit=", ".join(INFERENCES))
    return found


def benefits_from_proto(brand: str, benefits: Sequence[profile_pb2.Benefit]) -> list[Given]:
    if len(benefits) > _MAX_BENEFITS:
        raise InvalidArgumentError("too many", field="benefits", limit=str(_MAX_BENEFITS))
    if any(each.what not in _REPORTED for each in benefits):
        raise InvalidArgumentError("no such benefit", field="benefits.what", limit=", ".join(sorted(_REPORTED)))
    return [
        Given(
            subject_from_proto(subject_pb2.Subject(brand=brand, audience=each.audience, eid=each.eid)),
            each.purpose,
            each.what,
            each.count,
            each.last_at_ms,
            each.record_id,
            _offered(each) if each.HasField("offered") else None,
        )
        for each in benefits
    ]


def _offered(benefit: profile_pb2.Benefit) -> Offered:
    told = benefit.offered
    is_named_by_decision = bool(told.answer and told.decision_id) and not told.item
    if not 0 < len(told.item) <= _MAX_REF and not is_named_by_decision:
        raise InvalidArgumentError("no item", field="benefits.offered.item", limit=f"1 to {_MAX_REF} characters")
    if told.answer and told.answer not in ANSWERS:
        raise InvalidArgumentError("no answer", field="benefits.offered.answer", limit=", ".join(sorted(ANSWERS)))
    if len(told.grounds) > _MAX_GROUNDS or any(len(each.kind + each.ref) > 2 * _MAX_REF for each in told.grounds):
        limit = f"{_MAX_GROUNDS} of {2 * _MAX_REF} characters"
        raise InvalidArgumentError("no grounds", field="benefits.offered.grounds", limit=limit)
    if len(told.channel) > _MAX_CHANNEL or len(told.decision_id) not in (0, _DECISION_BYTES):
        limit = f"{_MAX_CHANNEL} characters, {_DECISION_BYTES} bytes"
        raise InvalidArgumentError("no channel or decision", field="benefits.offered", limit=limit)
    grounds = tuple((each.kind, each.ref) for each in told.grounds)
    return Offered(benefit.last_at_ms, told.item, grounds, told.channel, told.decision_id.hex(), told.answer)
