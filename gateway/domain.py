"""Words of this door: what is refused, what a channel is, how large an event may be."""

from kit.errors import Status, TypedError, UnauthenticatedError

MAX_BODY_BYTES = 1 << 20
MAX_EVENT_BYTES = 32 << 10
#: What an acknowledgement is worth: 2 survives a power cut, 1 the death of any process. Each has a stream of its own.
POWER_CUT, PROCESS_DEATH = 2, 1
CHANNELS = frozenset({"web", "mobile", "server"})
#: What Global Privacy Control refuses: sharing, and linking across contexts.
GPC_REFUSES = ("share.brand_profile", "link.cross_world")


class BadJsonError(TypedError):
    """The body is not the JSON object that this endpoint reads."""

    reason = "BAD_JSON"
    status = Status.INVALID


class KeysDisagreeError(UnauthenticatedError):
    """Two different write keys came with one request."""

    reason = "WRITE_KEYS_DISAGREE"


class ReceiptUnknownError(TypedError):
    """No receipt of this source; whose it is, if anybody's, is not told."""

    reason = "RECEIPT_UNKNOWN"
    status = Status.NOT_FOUND


class EventUnknownError(TypedError):
    """A rule names an event that the vocabulary does not have."""

    reason = "EVENT_UNKNOWN"
    status = Status.INVALID
