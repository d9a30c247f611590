"""When an avatar may speak unasked: help yes, imposing no."""

from dataclasses import dataclass, replace

from services.avatar.domain import Grant

#: How long leave to speak lasts before it must be asked for again.
GRANT_MS = 60_000
MAX_QUIET_S = 3_600
MAX_RESERVE = 3
_DISMISSALS = 2


@dataclass(frozen=True, slots=True)
class Approach:
    """How forward an avatar is: seconds between two suggestions, and before the first of a visit."""

    quiet_s: int
    first_quiet_s: int


@dataclass(frozen=True, slots=True)
class Manners:
    """Where the avatar stands with one visitor in one visit. Times are milliseconds since 1970 UTC, 0 for never."""

    quiet_s: int
    quiet_until_ms: int
    greet_until_ms: int = 0
    suggest_until_ms: int = 0
    dismissals: int = 0
    has_stepped_back: bool = False


def arrive(approach: Approach, reserve: int, now_ms: int, *, may_greet: bool) -> Manners:
    """Begin a visit; `reserve` says how often earlier visits ended with the avatar stepping back."""
    held_back = min(reserve, MAX_RESERVE)
    first_quiet_s = min(approach.first_quiet_s << held_back, MAX_QUIET_S)
    return Manners(
        quiet_s=min(approach.quiet_s << held_back, MAX_QUIET_S),
        quiet_until_ms=now_ms + first_quiet_s * 1000,
        greet_until_ms=now_ms + GRANT_MS if may_greet and not held_back else 0,
    )


def give_leave(manners: Manners, now_ms: int) -> Manners:
    """Give leave to suggest once, if it is time; leave that was given before stands."""
    if manners.has_stepped_back or now_ms < manners.quiet_until_ms or manners.suggest_until_ms > now_ms:
        return manners
    return replace(manners, suggest_until_ms=now_ms + GRANT_MS)


def grants(manners: Manners, now_ms: int) -> tuple[Grant, ...]:
    """Return the leave that is left."""
    if manners.has_stepped_back:
        return ()
    left = (("greet", manners.greet_until_ms), ("suggest", manners.suggest_until_ms))
    return tuple(Grant(kind, until_ms) for kind, until_ms in left if until_ms > now_ms)


def spend(manners: Manners, now_ms: int) -> Manners | None:
    """Use the leave to suggest, or return None where there is none."""
    if manners.has_stepped_back or manners.suggest_until_ms <= now_ms:
        return None
    return _hush(manners, manners.quiet_s, now_ms)


def talked(manners: Manners) -> Manners:
    """Note that the conversation has begun: it is too late to greet."""
    return replace(manners, greet_until_ms=0)


def ignored(manners: Manners, now_ms: int) -> Manners:
    """Double the quiet."""
    return _hush(manners, min(manners.quiet_s * 2, MAX_QUIET_S), now_ms)


def dismissed(manners: Manners, now_ms: int) -> Manners:
    """Double the quiet; the second time, step back for the rest of the visit."""
    count = manners.dismissals + 1
    quieter = replace(ignored(manners, now_ms), dismissals=count)
    return step_back(quieter) if count >= _DISMISSALS else quieter


def left(manners: Manners, now_ms: int) -> Manners:
    """Call nothing after a visitor who walks away."""
    return _hush(manners, manners.quiet_s, now_ms)


def step_back(manners: Manners) -> Manners:
    """Say nothing unasked until the visit ends."""
    return replace(manners, has_stepped_back=True, greet_until_ms=0, suggest_until_ms=0)


def quiet_left_s(manners: Manners, now_ms: int, ends_at_ms: int) -> int:
    """Return the seconds, rounded up, in which nothing may be said unasked."""
    until_ms = ends_at_ms if manners.has_stepped_back else manners.quiet_until_ms
    return max(0, -((now_ms - until_ms) // 1000))


def _hush(manners: Manners, quiet_s: int, now_ms: int) -> Manners:
    # Never sooner than what was promised before: a visit that began reserved stays so.
    until_ms = max(manners.quiet_until_ms, now_ms + quiet_s * 1000)
    return replace(manners, quiet_s=quiet_s, quiet_until_ms=until_ms, greet_until_ms=0, suggest_until_ms=0)
