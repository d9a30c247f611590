"""Consent rules: which statement replaces which, what may be read, and what is refused."""

from dataclasses import dataclass, replace
from enum import StrEnum

from kit.errors import Status, TypedError

SHARDS = 64
PID_BYTES = 16
MAX_PURPOSES = 32
MAX_CHECKED = 20_000
MAX_GRANTED = 1_000
MAX_EXPLAINED = 50
#: Methods by which a person speaks at that moment; the others repeat, sometimes late, what was said before.
FIRST_HAND = frozenset({"rest", "frame"})
#: How a Global Privacy Control signal is recorded: as a method, and as what an opt-in conflicts with.
GPC = "gpc"
#: How it is recorded that somebody was erased whom nobody can name any more.
RETENTION = "retention"
#: A consent is asked for again after twelve months.
VALIDITY_MS = 365 * 24 * 3600 * 1000


class UnknownPurposeError(TypedError):
    """The pack has no such purpose."""

    reason = "UNKNOWN_PURPOSE"
    status = Status.INVALID


class PurposeAlwaysOnError(TypedError):
    """Without this purpose there is no service: it cannot be withdrawn."""

    reason = "PURPOSE_ALWAYS_ON"
    status = Status.CONFLICT


class FloorError(TypedError):
    """Nobody could agree to such a version: the pack has none."""

    reason = "INVALID_ARGUMENT"
    status = Status.INVALID


class State(StrEnum):
    """What a record says."""

    GIVEN = "given"
    RENEWED = "renewed"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    NEVER_ASKED = "never_asked"
    #: Of the brand, not of a person: from then on older versions of the purpose are not read.
    FLOOR_RAISED = "floor_raised"
    #: What the person wants to be offered, or inferred, has changed; the profile service keeps what it is.
    CHOSEN = "chosen"


READABLE = (State.GIVEN, State.RENEWED)


class Intent(StrEnum):
    """What the person wants."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


class Reason(StrEnum):
    """Why a purpose is allowed or denied."""

    GRANTED = "GRANTED"
    NEVER_ASKED = "NEVER_ASKED"
    WITHDRAWN = "WITHDRAWN"
    ERASED = "ERASED"
    EXPIRED = "EXPIRED"
    BELOW_POLICY_FLOOR = "BELOW_POLICY_FLOOR"
    UNKNOWN_PURPOSE = "UNKNOWN_PURPOSE"
    ALWAYS_ON = "ALWAYS_ON"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose as the pack defines it; consents to a version below `floor` are not read."""

    id: str
    version: int
    floor: int
    is_always_on: bool
    refuses_under_gpc: bool = False

    @property
    def kind(self) -> str:
        """What the pack calls it: "link.cross_world" of "link.cross_world@world:mall"."""
        return self.id.partition("@")[0]

    def raised_to(self, floor: int) -> "Purpose":
        """Return the same under a floor, if that is higher than its own."""
        return replace(self, floor=floor) if floor > self.floor else self


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose consent it is, and towards whom."""

    brand: str
    shard: int
    pid: bytes
    audience: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person said; no purposes with a withdrawal means all that can be withdrawn."""

    holder: Holder
    intent: Intent
    purposes: tuple[str, ...]
    stated_at_ms: int
    method: str
    notice_version: str
    language: str
    has_gpc: bool = False
    #: The brand that the person was told by name; empty when none was.
    named_brand: str = ""

    @property
    def overrides_gpc(self) -> bool:
        """True for an explicit opt-in to the brand by its name, which a person's general signal does not outweigh."""
        return self.method in FIRST_HAND and self.named_brand == self.holder.brand


@dataclass(frozen=True, slots=True)
class Consent:
    """What is in force for one purpose."""

    purpose: str
    purpose_version: int
    state: State
    record_id: str = ""
    sequence: int = 0
    stated_at_ms: int = 0
    expires_at_ms: int = 0
    method: str = ""
    #: GPC for a grant that a signal would have refused.
    conflicts_with: str = ""

    @property
    def is_refused_by_gpc(self) -> bool:
        """True where a signal stands in the way of whatever does not override it."""
        return self.state is State.WITHDRAWN and self.method == GPC


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer about one purpose; `sequence` is that of the shard when it was read."""

    purpose: str
    is_allowed: bool
    reason: Reason
    sequence: int
    record_id: str
    #: Until when time alone does not change it; 0 for ever.
    holds_until_ms: int = 0


def never_asked(purpose: Purpose) -> Consent:
    return Consent(purpose.id, purpose.version, State.NEVER_ASKED)


_UNREADABLE = {
    State.NEVER_ASKED: Reason.NEVER_ASKED,
    State.WITHDRAWN: Reason.WITHDRAWN,
    State.ERASED: Reason.ERASED,
}


def judge(purpose: Purpose | None, consent: Consent | None, now_ms: int) -> Reason:
    """Say whether and why the purpose may be read: allowed are GRANTED and ALWAYS_ON."""
    if purpose is None:
        return Reason.UNKNOWN_PURPOSE
    if purpose.is_always_on:
        return Reason.ALWAYS_ON
    if consent is None or consent.state not in READABLE:
        return _UNREADABLE[State.NEVER_ASKED if consent is None else consent.state]
    if consent.expires_at_ms <= now_ms:
        return Reason.EXPIRED
    return Reason.GRANTED if consent.purpose_version >= purpose.floor else Reason.BELOW_POLICY_FLOOR


def holds_until(reason: Reason, consent: Consent | None) -> int:
    """Return until when time alone does not change the answer; 0 for ever."""
    return consent.expires_at_ms if consent is not None and reason is Reason.GRANTED else 0


def is_allowed(reason: Reason) -> bool:
    return reason in {Reason.GRANTED, Reason.ALWAYS_ON}


def heard(statement: Statement, purpose: Purpose, consent: Consent | None) -> tuple[Intent, str, str] | None:
    """Return what is meant for one purpose as (intent, method, conflicts with), or None where nothing is.

    Without a signal, and without one that was heard before, what is meant is what was said.
    """
    said = statement.intent, statement.method, ""
    was_heard = consent is not None and (consent.is_refused_by_gpc or consent.conflicts_with == GPC)
    if not purpose.refuses_under_gpc:
        return said
    if statement.intent is Intent.WITHDRAW:
        # Browsers send the signal with every request: it says nothing new, nor undoes what was allowed in spite of it.
        return None if statement.method == GPC and was_heard else said
    if not (statement.has_gpc or was_heard):
        return said
    if statement.overrides_gpc:
        return Intent.GRANT, statement.method, GPC
    return None if was_heard else (Intent.WITHDRAW, GPC, "")


def actor(method: str) -> str:
    """Return who speaks by a method: the person, the browser for them, the source that keeps their choices, or we."""
    if method in FIRST_HAND:
        return "person"
    if method == RETENTION:
        return "controller"
    return "browser" if method == GPC else "source"


def next_state(
    intent: Intent, purpose: Purpose, consent: Consent | None, stated_at_ms: int, now_ms: int
) -> State | None:
    """Return the state that the statement brings, or None where what is in force stands."""
    if consent is not None and not _replaces(intent, consent, stated_at_ms):
        return None
    if intent is Intent.WITHDRAW:
        return State.WITHDRAWN
    return State.RENEWED if judge(purpose, consent, now_ms) is Reason.GRANTED else State.GIVEN


def _replaces(intent: Intent, consent: Consent, stated_at_ms: int) -> bool:
    if consent.state is State.ERASED:
        return False
    if stated_at_ms != consent.stated_at_ms:
        return stated_at_ms > consent.stated_at_ms
    # Said in the same millisecond, a withdrawal outranks a grant, in whichever order they arrive.
    return intent is Intent.WITHDRAW and consent.state is not State.WITHDRAWN


def stated_at(stated_at_ms: int, now_ms: int) -> int:
    """Bound a statement's time by our clock: a statement from the future would outrank every honest one until then."""
    return min(stated_at_ms, now_ms) if stated_at_ms else now_ms


def takes_effect_at(statement: Statement, consent: Consent | None, said_at_ms: int) -> int:
    """Date a statement: a withdrawal made first-hand never loses to the clock of the door that took the grant."""
    if consent is None or statement.intent is not Intent.WITHDRAW or statement.method not in FIRST_HAND:
        return said_at_ms
    return max(said_at_ms, consent.stated_at_ms)


def expires_at(state: State, stated_at_ms: int) -> int:
    return stated_at_ms + VALIDITY_MS if state in READABLE else 0
