"""Between the contract's messages and the words of this room; what is malformed is refused here."""

import re
from collections.abc import Sequence
from typing import TypeVar

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.common.v1 import subject_pb2
from kit.errors import InvalidArgumentError
from services.avatar.domain import (
    EID_BYTES,
    MAX_LISTED,
    MAX_PUT,
    MAX_QUESTION,
    SHARDS,
    VISIT_BYTES,
    Action,
    Asked,
    Decision,
    Event,
    Frame,
    Grant,
    Item,
    Outcome,
    Persona,
    Subject,
    Topic,
    Visit,
    Vouched,
)
from services.avatar.manners import GRANT_MS
from services.avatar.remembering import Memory
from services.avatar.use_cases import Noted, Opened

#: A visit lasts half an hour; whoever says more than a day has another clock.
_LONGEST_MS = 24 * 3_600_000
_BRAND = re.compile(r"[a-z0-9-]{1,64}")
_AUDIENCE = re.compile(r"(app|world):[^\s:]\S{0,74}")
_AVATAR = re.compile(r"[a-z0-9-]{1,64}")
_REF = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_OPTIONAL_REF = re.compile(r"[A-Za-z0-9._:-]{0,64}")
_STEP = re.compile(r"[A-Za-z0-9._:-]{1,24}")
# What people read on one line; PostgreSQL takes no NUL.
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{0,16}")
_MAX_TOPICS = 5
_MAX_ERASED = 1_000
_MOST_FORMER = 8
_PID_BYTES = 16
_MAX_OPENINGS = 500
_MAX_KEYED = 64
_KEY_BYTES = 32

C = TypeVar("C", Event, Outcome, Topic)


def visit(message: pb.Visit, now_ms: int) -> Visit:
    who = message.subject
    _matches(_BRAND, who.brand, "visit.subject.brand")
    _matches(_AUDIENCE, who.audience, "visit.subject.audience")
    _matches(_AVATAR, message.avatar, "visit.avatar")
    _require(len(who.eid) == EID_BYTES, "visit.subject.eid", f"{EID_BYTES} bytes")
    _require(len(message.visit_id) == VISIT_BYTES, "visit.visit_id", f"{VISIT_BYTES} bytes")
    _require(len(who.former) <= _MOST_FORMER, "visit.subject.former", f"at most {_MOST_FORMER}")
    for each in who.former:
        _require(len(each.eid) == EID_BYTES, "visit.subject.former.eid", f"{EID_BYTES} bytes")
    expires_at_ms = min(message.expires_at_ms, now_ms + _LONGEST_MS)
    former = tuple((each.version, each.eid) for each in who.former)
    subject = Subject(who.brand, who.audience, who.eid, who.version, former)
    return Visit(message.visit_id, subject, message.avatar, expires_at_ms)


def frame(message: pb.Visit, frame_id: str, now_ms: int) -> Frame:
    _matches(_OPTIONAL_REF, frame_id, "frame_id")
    return Frame(visit(message, now_ms), frame_id)


def erased(request: pb.ErasePersonasRequest) -> list[Persona]:
    _require(1 <= len(request.personas) <= _MAX_ERASED, "personas", f"1 to {_MAX_ERASED}")
    return [_persona(message, "personas") for message in request.personas]


def keyed(request: pb.ReadMemoriesRequest) -> list[tuple[Persona, bytes]]:
    _matches(_AUDIENCE, request.audience, "audience")
    _require(1 <= len(request.personas) <= _MAX_KEYED, "personas", f"1 to {_MAX_KEYED}")
    for message in request.personas:
        _require(len(message.memory_key) == _KEY_BYTES, "personas.memory_key", f"{_KEY_BYTES} bytes")
    return [(_persona(message.persona, "personas.persona"), message.memory_key) for message in request.personas]


def _persona(message: subject_pb2.Persona, field: str) -> Persona:
    _matches(_BRAND, message.brand, f"{field}.brand")
    _require(message.shard < SHARDS, f"{field}.shard", f"at most {SHARDS - 1}")
    _require(len(message.pid) == _PID_BYTES, f"{field}.pid", f"{_PID_BYTES} bytes")
    return Persona(message.brand, message.shard, message.pid)


def language(request: pb.OpenRequest) -> str:
    _matches(_LANGUAGE, request.language, "language")
    return request.language


def opening(message: pb.Opening, now_ms: int) -> tuple[Visit, str, int]:
    """Return the visit, the ref of its greeting, and when it was opened."""
    _matches(_STEP, message.ref, "openings.ref")
    _matches(_LANGUAGE, message.language, "openings.language")
    return visit(message.visit, now_ms), message.ref, min(message.opened_at_ms, now_ms)


def openings(request: pb.OpenManyRequest) -> Sequence[pb.Opening]:
    _require(1 <= len(request.openings) <= _MAX_OPENINGS, "openings", f"1 to {_MAX_OPENINGS}")
    return request.openings


def to_again(opened: Opened, vouched: Vouched, sealed: bytes) -> pb.Again:
    is_greeting = any(grant.kind == "greet" for grant in opened.grants)
    return pb.Again(
        fence_name=vouched.name,
        shard=vouched.shard,
        read_at=vouched.read_at,
        holds_until_ms=vouched.holds_until_ms,
        greet_s=GRANT_MS // 1000 if is_greeting else 0,
        greetings=opened.greetings,
        opening=sealed,
    )


def happening(request: pb.ObserveRequest) -> tuple[Event, str]:
    _matches(_OPTIONAL_REF, request.ref, "ref")
    return _choice(Event, request.event, "event"), request.ref


def outcome(request: pb.ActRequest) -> tuple[str, Outcome]:
    _matches(_STEP, request.ref, "ref")
    return request.ref, _choice(Outcome, request.outcome, "outcome")


def asked(request: pb.AskRequest) -> Asked:
    _require(len(request.question) <= MAX_QUESTION, "question", f"at most {MAX_QUESTION} characters")
    return Asked(_choice(Topic, request.kind, "kind"), request.question, request.is_visitor_asking)


def brand(value: str) -> str:
    _matches(_BRAND, value, "brand")
    return value


def new_items(request: pb.PutItemsRequest) -> list[Item]:
    _require(1 <= len(request.items) <= MAX_PUT, "items", f"1 to {MAX_PUT}")
    return [_item(message) for message in request.items]


def listed(request: pb.ListItemsRequest) -> list[str]:
    _require(len(request.ids) <= MAX_LISTED, "ids", f"at most {MAX_LISTED}")
    return list(request.ids)


def to_decision(decision: Decision) -> subject_pb2.PurposeDecision:
    return subject_pb2.PurposeDecision(
        purpose=decision.purpose,
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        sequence=decision.sequence,
        record_id=decision.record_id,
    )


def to_grants(grants: Sequence[Grant]) -> list[pb.SpeakGrant]:
    return [pb.SpeakGrant(kind=grant.kind, expires_at_ms=grant.expires_at_ms) for grant in grants]


def to_action(action: Action) -> pb.Action:
    return pb.Action(
        act=action.act.value,
        ref=action.ref,
        say=action.say,
        why=action.why,
        item=action.item,
        quiet_s=action.quiet_s,
        expires_at_ms=action.expires_at_ms,
        grounds=[reason.ref for reason in action.reasons if reason.ref],
    )


def to_memory(memory: Memory) -> pb.Memory:
    return pb.Memory(
        last_met_at_ms=memory.last_met_at_ms,
        asked=memory.asked,
        tried=memory.tried,
        dismissed=memory.dismissed,
    )


def to_opened(opened: Opened, decisions: Sequence[Decision]) -> pb.OpenResponse:
    return pb.OpenResponse(
        is_repeat=opened.is_repeat,
        memory=None if opened.memory is None else to_memory(opened.memory),
        decisions=[to_decision(decision) for decision in decisions],
        grants=to_grants(opened.grants),
        next=to_action(opened.next),
        ai_line=opened.ai_line,
    )


def to_observed(noted: Noted) -> pb.ObserveResponse:
    return pb.ObserveResponse(is_repeat=noted.is_repeat, grants=to_grants(noted.grants))


def to_acted(noted: Noted) -> pb.ActResponse:
    return pb.ActResponse(
        is_repeat=noted.is_repeat, grants=to_grants(noted.grants), quiet_s=noted.quiet_s, item=noted.item
    )


def to_item(item: Item) -> pb.Item:
    return pb.Item(item=item.item, title=item.title, topics=item.topics, price=item.price, place=item.place)


def _item(message: pb.Item) -> Item:
    _matches(_REF, message.item, "items.item")
    for field, text in (("title", message.title), ("price", message.price), ("place", message.place)):
        _matches(_LINE, text, f"items.{field}")
    for topic in message.topics:
        _matches(_LINE, topic, "items.topics")
    _require(1 <= len(message.title) <= 200, "items.title", "1 to 200 characters")  # noqa: PLR2004 - as the contract says
    _require(len(message.topics) <= _MAX_TOPICS, "items.topics", f"at most {_MAX_TOPICS}")
    _require(all(1 <= len(topic) <= 64 for topic in message.topics), "items.topics", "1 to 64 characters each")  # noqa: PLR2004 - as ids
    _require(len(message.price) <= 32, "items.price", "at most 32 characters")  # noqa: PLR2004 - as the contract says
    _require(len(message.place) <= 100, "items.place", "at most 100 characters")  # noqa: PLR2004 - as the contract says
    return Item(message.item, message.title, tuple(message.topics), message.price, message.place)


def _choice(choices: type[C], value: str, field: str) -> C:
    if value not in choices.__members__.values():
        raise InvalidArgumentError("no such choice", field=field, limit=", ".join(choices))
    return choices(value)


def _matches(pattern: re.Pattern[str], value: str, field: str) -> None:
    _require(pattern.fullmatch(value) is not None, field, pattern.pattern)


def _require(holds: bool, field: str, limit: str) -> None:  # noqa: FBT001 - it is the condition itself
    if not holds:
        raise InvalidArgumentError("malformed", field=field, limit=limit)
