"""Typed errors: what a room refuses, said once where it is known and rendered only at the door."""

from enum import StrEnum


class Status(StrEnum):
    """What kind of refusal it is. Doors map it to HTTP, the RPC layer to a gRPC code."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    INTERNAL = "internal"


class TypedError(Exception):
    """An expected refusal. Subclasses set `reason` (upper case, never changes) and `status`.

    The message, `field` (path of the offending field) and `limit` (what was allowed) reach the caller; none may hold
    what the caller sent. `retry_after_s` is in whole seconds, 0 when waiting does not help.
    """

    reason: str = "INTERNAL"
    status: Status = Status.INTERNAL

    def __init__(self, message: str = "", *, field: str = "", limit: str = "", retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.limit = limit
        self.retry_after_s = retry_after_s


class InvalidArgumentError(TypedError):
    """The request is malformed; `field` names where."""

    reason = "INVALID_ARGUMENT"
    status = Status.INVALID


class UnauthenticatedError(TypedError):
    """Nobody we know is calling."""

    reason = "UNAUTHENTICATED"
    status = Status.UNAUTHENTICATED


class DeniedError(TypedError):
    """The caller is known and may not do this."""

    reason = "DENIED"
    status = Status.DENIED


class NotFoundError(TypedError):
    """There is no such thing, or the caller may not learn that there is."""

    reason = "NOT_FOUND"
    status = Status.NOT_FOUND


class TooLargeError(TypedError):
    """The request is larger than `limit`."""

    reason = "TOO_LARGE"
    status = Status.TOO_LARGE


class ExhaustedError(TypedError):
    """The caller must slow down and may come back after `retry_after_s`."""

    reason = "EXHAUSTED"
    status = Status.EXHAUSTED


class UnavailableError(TypedError):
    """Something needed is not there now; the same request may work after `retry_after_s`."""

    reason = "UNAVAILABLE"
    status = Status.UNAVAILABLE


class DeadlineError(TypedError):
    """The answer was not ready in time; whether the work was done is unknown."""

    reason = "DEADLINE"
    status = Status.DEADLINE


class InternalError(TypedError):
    """A defect of ours; nothing about it reaches the caller."""

    reason = "INTERNAL"
    status = Status.INTERNAL


class RemoteError(TypedError):
    """What a client raises when a server answered a typed error: same reason, status, field, limit and wait."""

    def __init__(  # noqa: PLR0913 - the fields of one error, always passed by name
        self,
        message: str = "",
        *,
        reason: str,
        status: Status,
        field: str = "",
        limit: str = "",
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(message, field=field, limit=limit, retry_after_s=retry_after_s)
        self.reason = reason
        self.status = status
