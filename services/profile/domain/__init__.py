"""Words of the profile service: where personas live, and what is told of them. What is refused: errors.py."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

SHARDS = 64
PID_BYTES = 16
EID_BYTES = 16
MID_BYTES = 16
#: Older versions of the edge key that an id may be told under.
MOST_FORMER = 8
COLLECT = "collect.behaviour"
RESEARCH = "research.model"
OFFER = "recommend.offer"
PERSONALISE = "personalise.world"
REMEMBER = "remember.conversation"
AGGREGATE = "analytics.aggregate"
#: What is asked with every reading of a persona for an avatar.
ROUTINE = ("personalise.world", REMEMBER, OFFER, COLLECT)
#: Durability classes: what an acknowledgement survives. Each has a stream of its own, on a server of its own.
PROCESS_DEATH, POWER_CUT = 1, 2
DURABILITY_CLASSES = (POWER_CUT, PROCESS_DEATH)
#: Facets that are read as one persona, at most.
MAX_LINKED = 32


class Kind(enum.IntEnum):
    """The closed vocabulary; numbers as in the contract."""

    SEEN = 1
    SEARCHED = 2
    WISHED = 3
    TRIED = 4
    ASKED = 5
    PRAISED = 6
    COMPLAINED = 7
    BOUGHT = 8
    RETURNED = 9
    RATED = 10
    DISMISSED = 11
    REMOVED = 12
    SHARED = 13
    ANSWERED_SURVEY = 14
    USED_FEATURE = 15
    LOYALTY = 16
    IDENTIFIED = 17
    JOINED = 18
    CORRECTED = 19
    PLAYED = 20


#: As packs and views name them: to look a member of an enumeration up costs more than what it is looked up for.
KIND_NAMES: dict[int, str] = {kind: kind.name.lower() for kind in Kind}


class Interaction(Protocol):
    """One thing a persona did, as the stream carries it."""

    @property
    def source(self) -> str: ...
    @property
    def eid(self) -> bytes: ...
    @property
    def mid(self) -> bytes: ...
    @property
    def kind(self) -> int: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def item(self) -> str | None: ...
    @property
    def topics(self) -> tuple[str, ...]: ...
    @property
    def value(self) -> float | None: ...
    @property
    def other(self) -> bytes | None: ...
    @property
    def granted(self) -> tuple[str, ...]: ...
    @property
    def withdrawn(self) -> tuple[str, ...]: ...
    @property
    def gpc(self) -> tuple[str, ...]: ...
    @property
    def version(self) -> int: ...
    @property
    def former(self) -> tuple["FormerId", ...]: ...
    @property
    def other_former(self) -> tuple["FormerId", ...]: ...
    @property
    def stances(self) -> tuple[int, ...]: ...
    @property
    def former_mids(self) -> tuple[bytes, ...]: ...


class Remains(Protocol):
    """What is left of an event that a rule may mend."""

    @property
    def eid(self) -> bytes: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def named(self) -> bytes: ...
    @property
    def items(self) -> dict[str, str]: ...
    @property
    def topics(self) -> tuple[str, ...]: ...
    @property
    def values(self) -> dict[str, float]: ...


class Rejected(Protocol):
    """One event a door could not translate."""

    @property
    def source(self) -> str: ...
    @property
    def mid(self) -> bytes: ...
    @property
    def reason(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def remains(self) -> Remains | None: ...


#: An id under an older version of the edge key: the version, and the id.
FormerId = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Subject:
    """A visitor as a door knows them."""

    brand: str
    audience: str
    eid: bytes
    #: Version of the edge key that made the id, 0 for not told.
    version: int = field(default=0, compare=False)
    #: The same visitor's ids under older versions that are still read, newest first.
    former: tuple[FormerId, ...] = field(default=(), compare=False)

    @property
    def shard(self) -> int:
        return shard_of(self.eid)

    def formerly(self) -> "list[Subject]":
        """Return the same visitor under each older version."""
        return [Subject(self.brand, self.audience, eid, version) for version, eid in self.former]


class Persona(NamedTuple):
    """A facet's name inside the services."""

    brand: str
    shard: int
    pid: bytes


class Bound(NamedTuple):
    """A facet as the vault knows it: its persona, its present face, and what opens it."""

    persona: Persona
    generation: int
    key_id: str
    wrapped: bytes
    wrapped_by: str
    #: What the source last said about consent with its events: a digest, and when.
    preferences: bytes = b""
    preferences_at_ms: int = 0
    #: What the person does not want, sealed; empty for nothing, and where it is not asked for.
    choices: bytes = b""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one of a brand's streams. Partitions of one number hold the same personas and have one owner."""

    brand: str
    number: int
    durability_class: int = POWER_CUT

    @property
    def is_forgetful(self) -> bool:
        """True when its stream may end, after a power cut, before what was folded of it."""
        return self.durability_class == PROCESS_DEATH

    def siblings(self) -> list["Partition"]:
        """Return the partitions of this number, in every class."""
        return [Partition(self.brand, self.number, each) for each in DURABILITY_CLASSES]


@dataclass(frozen=True, slots=True)
class Batch:
    """One opened message of the stream."""

    sequence: int
    batch_id: bytes
    sealed_at_ms: int
    counts: tuple[tuple[str, int], ...]
    interactions: Sequence[Interaction]
    rejected: Sequence[Rejected]
    #: Events set aside earlier, and mended since.
    mended: Sequence[Interaction] = ()


@dataclass(frozen=True, slots=True)
class Replayed(Batch):
    """Mended events that are let in now, as a batch of their own: sealed in the hour that they are counted in."""


@dataclass(frozen=True, slots=True)
class Poison:
    """One message of the stream that cannot be folded, as it came."""

    sequence: int
    reason: str
    payload: bytes
    batch_id: bytes = b""
    sealed_at_ms: int = 0
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the truth said about one purpose."""

    purpose: str
    is_allowed: bool
    reason: str
    sequence: int
    record_id: str
    #: Until when time alone does not change it; 0 for ever.
    holds_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Masks:
    """What the truth said about many: a mask each, until when time alone changes none, and the shards' sequences."""

    allowed: list[int]
    holds_until_ms: list[int]
    heads: dict[int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """How and when somebody said something about consent."""

    stated_at_ms: int
    method: str
    notice_version: str = ""
    language: str = ""
    has_gpc: bool = False
    named_brand: str = ""


class Intent(StrEnum):
    """What a statement wants."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Named:
    """A persona with the name that one audience has for it."""

    persona: "Persona"
    audience: str
    handle: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is in force after a statement, and the signed receipt for the person; "" where nothing was stated."""

    records: "list[ConsentRecord]"
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One record of the consent service, as it told us."""

    record_id: str
    purpose: str
    purpose_version: int
    state: str
    sequence: int
    stated_at_ms: int
    expires_at_ms: int
    method: str = ""
    conflicts_with: str = ""


@dataclass(frozen=True, slots=True)
class BooksLine:
    """What became of the events of one source and hour."""

    source: str
    hour_ms: int
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    suppressed: int = 0
    pending: int = 0


def shard_of(eid: bytes) -> int:
    return eid[0] % SHARDS
