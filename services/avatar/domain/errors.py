"""What the avatar service refuses."""

from kit.errors import Status, TypedError


class UnknownAvatarError(TypedError):
    """The brand has no such avatar."""

    reason = "UNKNOWN_AVATAR"
    status = Status.NOT_FOUND


class VisitExpiredError(TypedError):
    """The visit is over: closed, or too old."""

    reason = "VISIT_EXPIRED"
    status = Status.GONE


class VisitUnknownError(TypedError):
    """Nobody opened this visit with this avatar in this audience."""

    reason = "VISIT_UNKNOWN"
    status = Status.NOT_FOUND


class StepUnknownError(TypedError):
    """No step with this ref was offered in this visit."""

    reason = "STEP_UNKNOWN"
    status = Status.NOT_FOUND
