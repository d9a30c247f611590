"""Words of this door: what is refused, what a channel is, how large an event may be."""

from kit.errors import Status, TypedError, UnauthenticatedError

MAX_BODY_BYTES = 1 << 20
MAX_EVENT_BYTES = 32 << 10
#: More events than a mebibyte can hold; of zeros and commas it would hold half a million, five seconds of work.
MAX_EVENTS = 40_000
#: As in REST; ids of visitors who were here of late are remembered.
MAX_ID_CHARACTERS = 512
#: Of a REST request: 2,000 items of the catalogue fit.
MAX_REST_BYTES = 2 << 20
#: What an acknowledgement is worth: 2 survives a power cut, 1 the death of any process. Each has a stream of its own.
POWER_CUT, PROCESS_DEATH = 2, 1
CHANNELS = frozenset({"web", "mobile", "server"})
#: Reasons for which a rule can mend what was set aside; of what is malformed, a time that cannot be read.
MENDABLE = frozenset({"unknown_event", "unknown_type", "out_of_range", "value_missing", "malformed"})
#: Beyond any price; a folder would set the whole message aside.
MAX_VALUE = 1e11
#: What Global Privacy Control refuses, as the purpose pack has it: sharing, and linking across contexts.
GPC_REFUSES = ("offer.brand", "link.cross_world", "share.brand_profile")


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


class IdentityRefusedError(TypedError):
    """What was named looks like something that people are known by."""

    reason = "IDENTITY_REFUSED"
    status = Status.INVALID


class EventUnknownError(TypedError):
    """A rule names an event that the vocabulary does not have."""

    reason = "EVENT_UNKNOWN"
    status = Status.INVALID


class RuleUselessError(TypedError):
    """A rule that would mend nothing, or make up a value that the event cannot have."""

    reason = "RULE_USELESS"
    status = Status.INVALID
