"""What the profile service refuses."""

from kit.errors import Status, TypedError


class HandleUnknownError(TypedError):
    """No persona of the brand has this name, for any audience."""

    reason = "HANDLE_UNKNOWN"
    status = Status.NOT_FOUND


class HandleGoneError(TypedError):
    """This audience knows nobody by this name: any more, or ever. Why is not told."""

    reason = "HANDLE_GONE"
    status = Status.GONE


class NothingToLinkError(TypedError):
    """Nobody is known by this id, so there is nothing to link."""

    reason = "NOTHING_TO_LINK"
    status = Status.CONFLICT


class CodeUnknownError(TypedError):
    """The code is wrong, used up or expired."""

    reason = "CODE_UNKNOWN"
    status = Status.GONE


class LinkSameAudienceError(TypedError):
    """Within one audience ids are linked by `identify`."""

    reason = "LINK_SAME_AUDIENCE"
    status = Status.CONFLICT


class TooManyLinksError(TypedError):
    """One side is linked with as many audiences as it can be."""

    reason = "TOO_MANY_LINKS"
    status = Status.CONFLICT


class LinkRefusedError(TypedError):
    """A Global Privacy Control signal refuses the link."""

    reason = "LINK_REFUSED"
    status = Status.CONFLICT


class PositionNotReachedError(TypedError):
    """What the caller wants to see is not folded yet."""

    reason = "POSITION_NOT_REACHED"
    status = Status.DEADLINE


class ReceiptExpiredError(TypedError):
    """What became of these events is not known any more."""

    reason = "RECEIPT_EXPIRED"
    status = Status.GONE


class RemovalsFullError(TypedError):
    """So much was removed one by one that the person may rather remove all."""

    reason = "REMOVALS_FULL"
    status = Status.CONFLICT


class RemovalUnknownError(TypedError):
    """Nothing of the kind is removed; whether there is anybody is not told."""

    reason = "REMOVAL_UNKNOWN"
    status = Status.NOT_FOUND


class UndoExpiredError(TypedError):
    """The moment in which one click takes a removal back is over."""

    reason = "UNDO_EXPIRED"
    status = Status.GONE


class ExportBrokenError(TypedError):
    """What the pages before came from is not there any more, or is another's."""

    reason = "EXPORT_BROKEN"
    status = Status.GONE


class ErasedSinceError(TypedError):
    """Whoever said this was erased afterwards: it does not bring them back."""

    reason = "ERASED_SINCE"
    status = Status.CONFLICT


class FencedError(TypedError):
    """Another folder owns the partition now; what this one had in hand was rolled back."""

    reason = "FOLDER_FENCED"
    status = Status.CONFLICT


class StreamRecreatedError(TypedError):
    """The stream is not the one whose position is kept."""

    reason = "STREAM_RECREATED"
    status = Status.CONFLICT


class PartitionLeftError(TypedError):
    """Events were read from a partition that is none of those configured: what waits in it would wait for ever."""

    reason = "PARTITION_LEFT"
    status = Status.CONFLICT


class TooManyDeadLettersError(TypedError):
    """So much is poison that the fault is likely ours."""

    reason = "TOO_MANY_DEAD_LETTERS"
    status = Status.INTERNAL


class WindowShortenedError(TypedError):
    """Message ids are forgotten early, for want of disk: what is sent again that late counts twice."""

    reason = "MESSAGE_IDS_WINDOW_SHORTENED"
    status = Status.EXHAUSTED


class RelationshipUnknownError(TypedError):
    """The pack of the brand has no such type of relationship; the limit names those it has."""

    reason = "RELATIONSHIP_UNKNOWN"
    status = Status.INVALID


class AssumptionRefusedError(TypedError):
    """What a brand assumes of its relationships names no type of its pack, or does not add up."""

    reason = "ASSUMPTION_REFUSED"
    status = Status.INVALID
