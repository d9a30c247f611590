"""What the door says back, each answer as candidates from the fullest to the shortest that is still true."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from avatar_adapter.cutting import Answer, cut_line, cut_to_bytes, encode
from avatar_adapter.domain import Visit, World
from avatar_adapter.views import tiers
from contracts.avatar.v1.avatar_pb2 import Action, ActResponse, AskResponse, OpenResponse, SpeakGrant
from contracts.consent.v1.consent_pb2 import ConsentRecord
from kit.errors import TypedError


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a world may call: requests a second and frames a request."""

    rps: int
    batch: int

    def shown(self) -> Answer:
        """Return the limits as frames carry them."""
        return {"rps": self.rps, "batch": self.batch}


@dataclass(frozen=True, slots=True)
class Moment:
    """What cutting an answer to an open visit needs besides the answer."""

    visit: Visit
    now_ms: int


def opened(answer: OpenResponse, token: str, limits: Limits, moment: Moment) -> Iterator[Answer]:
    """Yield the answer to an open: token, persona, grants, first action, limits and the AI line."""
    dup = _dup(answer.is_repeat)
    ends = _grants(answer.grants, moment.now_ms) | {"lim": limits.shown()}
    line = {"ai": cut_line(answer.ai_line, moment.visit.say_characters)}
    # Nothing shorter is made before the longer one turned out too long: nearly always the first one fits.
    actions = _actions(answer.next, moment)
    whole = next(actions)
    view: Answer = {}
    for view in tiers(answer, moment.now_ms):
        yield {"s": token, "p": view} | ends | {"n": whole} | line | dup
    for action in actions:
        yield {"s": token, "p": view} | ends | {"n": action} | line | dup
    # Where even that is too much, 1 stands for the line: the world says in words of its own that an AI guide speaks.
    yield {"s": token, "p": view} | ends | line | dup
    yield {"s": token, "p": view} | ends | {"ai": 1} | dup
    yield {"s": token, "p": view} | _grants(answer.grants, moment.now_ms) | {"ai": 1} | dup
    yield {"s": token, "p": view, "ai": 1} | dup


def advised(answer: AskResponse, moment: Moment) -> Iterator[Answer]:
    """Yield the answer to an ask."""
    for action in _actions(answer.action, moment):
        yield action | _dup(answer.is_repeat)


def noted(grants: Sequence[SpeakGrant], *, is_repeat: bool, now_ms: int) -> Iterator[Answer]:
    """Yield the answer to an observation."""
    yield {"ok": 1} | _grants(grants, now_ms) | _dup(is_repeat)
    yield {"ok": 1} | _dup(is_repeat)


def reported(answer: ActResponse, now_ms: int) -> Iterator[Answer]:
    """Yield the answer to a report of what became of a step."""
    quiet = {"quiet": answer.quiet_s} if answer.quiet_s else {}
    yield {"ok": 1} | _grants(answer.grants, now_ms) | quiet | _dup(answer.is_repeat)
    yield {"ok": 1} | quiet | _dup(answer.is_repeat)


def consented(records: Iterable[ConsentRecord]) -> Iterator[Answer]:
    """Yield what is in force now, purpose by purpose."""
    states = {record.purpose: record.state for record in records}
    yield {"ok": 1, "con": states} if states else {"ok": 1}
    yield {"ok": 1}


def forgotten(receipt: str, *, is_repeat: bool, was_known: bool) -> Iterator[Answer]:
    """Yield the receipt."""
    yield {"ok": 1, "known": int(was_known), "rc": receipt} | _dup(is_repeat)


def closed(*, is_repeat: bool) -> Iterator[Answer]:
    """Yield the answer to a close."""
    yield {"ok": 1} | _dup(is_repeat)


def refused(error: TypedError, limits: Limits | None = None) -> Iterator[Answer]:
    """Yield a refusal; with limits where the caller must be told to slow down."""
    told = {"lim": limits.shown()} if limits else {}
    full: Answer = {"code": error.reason, "message": error.message, "field": error.field, "limit": error.limit}
    if error.retry_after_s:
        full["retry"] = error.retry_after_s
    yield {"err": {key: value for key, value in full.items() if value}} | told
    yield {"err": {"code": error.reason}} | told
    yield {"err": {"code": error.reason}}


def limits_for(world: World, rps: int, batch: int) -> Limits:
    """Return what is told to this world: a scripted Linden object sends one request a second."""
    return Limits(1 if world.is_linden_script else rps, batch)


def _actions(action: Action, moment: Moment) -> Iterator[Answer]:
    rest: Answer = {"act": action.act or "none"}
    rest |= {"ref": action.ref} if action.ref else {}
    rest |= {"item": action.item} if action.item else {}
    rest |= {"quiet": action.quiet_s} if action.quiet_s else {}
    # Seconds from now: scripts of many worlds have neither our clock nor 64-bit numbers.
    rest |= {"exp": max(0, action.expires_at_ms - moment.now_ms) // 1000} if action.expires_at_ms else {}
    say = cut_line(action.say, moment.visit.say_characters)
    why = [cut_line(reason, moment.visit.say_characters) for reason in action.why]
    told = ({"say": say} if say else {}) | ({"why": why} if why else {})
    yield rest | told | ({"on": [*action.grounds]} if action.grounds else {})
    yield rest | told
    yield rest | ({"say": say} if say else {}) | ({"why": why[:1]} if why else {})
    for room in (160, 80, 40, 20):
        shorter = {"say": cut_to_bytes(say, room)} if say else {}
        yield rest | shorter | ({"why": [cut_to_bytes(why[0], room)]} if why else {})
    # A suggestion keeps its reason to the last; the line it comes with goes first.
    yield rest | ({"why": [cut_to_bytes(why[0], 12)]} if why else {})


def _grants(grants: Iterable[SpeakGrant], now_ms: int) -> Answer:
    left = {grant.kind: max(0, grant.expires_at_ms - now_ms) // 1000 for grant in grants}
    return {"g": left} if left else {}


def _dup(is_repeat: bool) -> Answer:  # noqa: FBT001 - the fact itself, shown or not
    return {"dup": 1} if is_repeat else {}


def room_needed(candidates: Iterable[Answer]) -> int:
    """Return the bytes that the shortest candidate takes."""
    return min(len(encode(candidate)) for candidate in candidates)
