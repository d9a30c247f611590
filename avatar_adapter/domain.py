"""What the door to virtual worlds knows: visits, and why a frame is refused."""

from dataclasses import dataclass

from kit.errors import InternalError, Status, TypedError, UnavailableError

#: How long a visit token is good for.
VISIT_S = 30 * 60
#: The smallest answer a world may ask for: a visit token and a few flags.
LEAST_ANSWER_BYTES = 160
MOST_ANSWER_BYTES = 65_535
DEFAULT_ANSWER_BYTES = 4096
#: A scripted object of a Linden-style world cuts every answer there, silently.
LINDEN_ANSWER_BYTES = 2048
DEFAULT_SAY_CHARACTERS = 500
MOST_FRAMES = 16
#: Scopes of a world's token: to meet visitors, and to state what they consent to or want forgotten.
VISITS, CONSENTS = "visits", "consents"


@dataclass(frozen=True, slots=True)
class World:
    """Who calls: a world that showed its token."""

    brand: str
    id: str
    #: Its calls come from scripted objects that see little more than a status and must be told their limits.
    is_linden_script: bool = False
    #: The call carried a Global Privacy Control signal.
    has_gpc: bool = False
    #: What its token may do, and the public part of it.
    scopes: tuple[str, ...] = ()
    kid: str = ""

    @property
    def audience(self) -> str:
        """Source and audience id of this world."""
        return f"world:{self.id}"

    @property
    def answer_bytes(self) -> int:
        """How long an answer may be when nothing was said about it."""
        return LINDEN_ANSWER_BYTES if self.is_linden_script else DEFAULT_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor in front of one avatar, as the visit token proves it."""

    id: bytes
    eid: bytes
    avatar: str
    #: Seconds since 1970 UTC.
    expires_at: int
    #: Answers are never longer than this many bytes.
    answer_bytes: int
    #: A line to say is never longer than this many characters.
    say_characters: int
    #: Version of the edge key that made `eid`, and what it was under older ones: known only while the visit is opened.
    version: int = 0
    former: tuple[tuple[int, bytes], ...] = ()


def as_told(error: TypedError) -> TypedError:
    """Return the refusal that a world is told: nothing of our defects, and one word for a core that does not answer."""
    if error.status is Status.INTERNAL:
        return InternalError("the door failed")
    # Frames may be repeated, so a world need not know whether the core was away or too slow.
    return UnavailableError("the core does not answer", retry_after_s=1) if error.status is Status.DEADLINE else error


class AnswerRoomError(TypedError):
    """The answer cannot be cut to the bytes the world can take; `limit` says how many it needs."""

    reason = "ANSWER_ROOM_TOO_SMALL"
    status = Status.INVALID


class BadJsonError(TypedError):
    """The body is not one JSON object, or nests too deep."""

    reason = "BAD_JSON"
    status = Status.INVALID


class MethodNotAllowedError(TypedError):
    """The path exists, the method does not."""

    reason = "METHOD_NOT_ALLOWED"
    status = Status.INVALID


class UnknownOpError(TypedError):
    """There is no such frame."""

    reason = "UNKNOWN_OP"
    status = Status.INVALID


class UnknownKeyError(TypedError):
    """The frame holds a key that its contract does not have; the field names it."""

    reason = "UNKNOWN_KEY"
    status = Status.INVALID


class BodySignalError(TypedError):
    """Motion, gaze or voice was sent: how a body moves tells who it is, so the door takes none of it."""

    reason = "BODY_SIGNAL_REFUSED"
    status = Status.INVALID


class UnknownEventError(TypedError):
    """The vocabulary of the pack has no such event."""

    reason = "UNKNOWN_EVENT"
    status = Status.INVALID


class IdentityRefusedError(TypedError):
    """An id looks like one that people are known by outside; worlds name things, never people."""

    reason = "IDENTITY_REFUSED"
    status = Status.INVALID


class UnknownWorldError(TypedError):
    """The frame names another world than the token stands for."""

    reason = "UNKNOWN_WORLD"
    status = Status.NOT_FOUND


class VisitExpiredError(TypedError):
    """The visit was good once; open another."""

    reason = "VISIT_EXPIRED"
    status = Status.GONE


class VisitUnknownError(TypedError):
    """The visit token was not made by this door for this world."""

    reason = "VISIT_UNKNOWN"
    status = Status.NOT_FOUND
