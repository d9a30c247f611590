"""What is refused of a signal."""

from kit.errors import Status, TypedError


class SignalMalformedError(TypedError):
    """The string is not what its standard says; what it may have meant is not guessed."""

    reason = "SIGNAL_MALFORMED"
    status = Status.INVALID
