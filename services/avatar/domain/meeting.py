"""Who meets, what may be known, what is asked, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.avatar.domain.vocabulary import OFFER, PERSONALISE, REMEMBER, SHARDS, Act, Silence, Topic


@dataclass(frozen=True, slots=True)
class Subject:
    """A visitor as a door knows them."""

    brand: str
    audience: str
    eid: bytes
    #: Version of the edge key that made the id, and what it was under older ones.
    version: int = field(default=0, compare=False)
    former: tuple[tuple[int, bytes], ...] = field(default=(), compare=False)

    @property
    def shard(self) -> int:
        return self.eid[0] % SHARDS


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as its door proves it."""

    id: bytes
    subject: Subject
    avatar: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a visit; the id is empty when the frame will not come again."""

    visit: Visit
    id: str


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona's name inside the services."""

    brand: str
    shard: int
    pid: bytes


@dataclass(frozen=True, slots=True)
class Keyed:
    """A persona for whom limits of contact hold, with the key of what is kept for them; handed on as it came."""

    persona: Persona
    decision_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the truth said about one purpose."""

    purpose: str
    is_allowed: bool
    reason: str
    sequence: int = 0
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """How long a door may keep what it was told: under which name and at which sequence the fence knows of it."""

    name: bytes
    shard: int
    read_at: int
    #: Milliseconds since 1970 UTC, 0 for ever.
    holds_until_ms: int


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What an avatar may know at this moment: who it is, what is allowed, and the key of its memory."""

    persona: Persona | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    memory_key: bytes = field(default=b"", repr=False)
    #: Items the person has removed; known where a ranking was wanted.
    removed: frozenset[str] = frozenset()
    vouched: Vouched | None = None

    def decision(self, purpose: str) -> Decision:
        """Return the decision; what nobody decided is denied."""
        return self.decisions.get(purpose) or Decision(purpose, is_allowed=False, reason="NEVER_ASKED")

    def allows(self, purpose: str) -> bool:
        return self.decision(purpose).is_allowed

    def refusal(self, purpose: str) -> Silence:
        reason = self.decision(purpose).reason
        return Silence(reason) if reason in Silence.__members__ else Silence.DENIED

    @property
    def may_remember(self) -> bool:
        return self.persona is not None and bool(self.memory_key) and self.allows(REMEMBER)

    @property
    def may_suggest(self) -> bool:
        return self.allows(PERSONALISE) and self.allows(OFFER)


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to speak unasked once; kind is "greet" or "suggest"."""

    kind: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the brand's catalogue."""

    item: str
    title: str
    topics: tuple[str, ...] = ()
    price: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Signals:
    """What a ranking may know of a visitor: items met, when and how gladly, oldest first, and topics liked."""

    items: tuple[str, ...] = ()
    at_ms: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    likes: tuple[str, ...] = ()
    #: Draws the offers where other audiences could compare them; handed on as it came.
    draw_key: bytes = field(default=b"", repr=False)
    #: Items about these are not offered.
    removed_topics: tuple[str, ...] = ()
    #: Items that the person has removed: what is like them is not offered either.
    removed: tuple[str, ...] = ()
    #: The persona, then all that it is linked with; empty where the profile service does not say.
    circle: tuple[Keyed, ...] = ()
    #: How it wants to be met: "<pack>.<type>"; empty where that is not known.
    relationship: str = ""
    #: When it bought, where it stands, how it plays: handed on as it came.
    besides: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is offered, as the ranking tells it."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An item with its reasons, strongest first."""

    item: str
    reasons: tuple[Reason, ...]
    #: Id of the decision to offer it, in hex; empty where it was ranked alone.
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """Ranked items, best first, or why there are none."""

    ranked: tuple[Offer, ...] = ()
    silence: Silence = Silence.NOTHING_GOOD_ENOUGH

    @property
    def are_away(self) -> bool:
        return not self.ranked and self.silence is Silence.AWAY


@dataclass(frozen=True, slots=True)
class Effect:
    """What a frame brought about. This is what is kept; what a world hears is made of it anew each time."""

    act: Act = Act.NONE
    silence: Silence | None = None
    #: The purpose that was missing, with a silence of consent.
    purpose: str = ""
    #: Which line the avatar says: "suggest", "price", "place", "help", "handover", "faq", "" for none.
    line: str = ""
    #: Entry of the avatar's knowledge, with line "faq".
    entry: str = ""
    item: str = ""
    ref: str = ""
    reasons: tuple[Reason, ...] = ()
    expires_at_ms: int = 0
    receipt: str = ""
    was_known: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """What an avatar may do now, in words."""

    act: Act
    ref: str = ""
    say: str = ""
    why: tuple[str, ...] = ()
    item: str = ""
    quiet_s: int = 0
    expires_at_ms: int = 0
    #: What an offer rests on: what `why` says in words.
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, and whether the visitor asks or the avatar of its own."""

    topic: Topic
    question: str
    is_visitor_asking: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What the other services said: None stands for a service that is away, or was not needed."""

    acquaintance: Acquaintance | None
    offers: Offers | None = None
