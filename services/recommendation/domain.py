"""What is learnt, what is offered, and why nothing is: plain words and values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from kit.errors import Status, TypedError


class PositionTakenError(TypedError):
    """Another process moved the position: this one learns into the void and has to start again."""

    reason = "POSITION_TAKEN"
    status = Status.CONFLICT


class DecisionUnknownError(TypedError):
    """There is no such decision about this persona, or it is forgotten; which of these is not told."""

    reason = "DECISION_UNKNOWN"
    status = Status.NOT_FOUND


class NothingToAnswerError(TypedError):
    """It was decided to be silent: nobody can have made anything of that."""

    reason = "NOTHING_TO_ANSWER"
    status = Status.CONFLICT


class PolicyUnprovenError(TypedError):
    """What was logged does not show that the policy brings more than the one in force."""

    reason = "POLICY_UNPROVEN"
    status = Status.CONFLICT


class Abstention(StrEnum):
    """Why nothing is offered."""

    DENIED = "DENIED"
    NOTHING_LEARNT = "NOTHING_LEARNT"
    NOTHING_GOOD_ENOUGH = "NOTHING_GOOD_ENOUGH"


@dataclass(frozen=True, slots=True)
class Subject:
    """A visitor as a door knows them; see contracts.common.v1."""

    brand: str
    audience: str
    eid: bytes
    version: int = 0
    #: Pseudonyms under older versions of the edge key, with the version.
    former: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona inside the services."""

    brand: str
    shard: int
    pid: bytes


@dataclass(frozen=True, slots=True)
class Keyed:
    """A persona with the key that seals what is kept of decisions about it; in memory only."""

    persona: Persona
    decision_key: bytes = field(repr=False)


#: The persona, then all that it is linked with at this moment.
Circle = tuple[Keyed, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the truth said about recommend.offer."""

    purpose: str
    is_allowed: bool
    reason: str
    sequence: int
    record_id: str


@dataclass(frozen=True, slots=True)
class Learnt:
    """One newly folded interaction with an item."""

    item: str
    at_ms: int
    weight: float = 1.0
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One persona's new interactions and the items it met before them, both oldest first."""

    before: tuple[str, ...]
    learnt: tuple[Learnt, ...]


class Met(NamedTuple):
    """One item in a history; the weight is negative when the persona did not want it."""

    item: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Bought:
    """On how many days a persona bought, at most 64; the first and the last, counted from 1970 UTC; for how much."""

    days: int
    first_day: int
    last_day: int
    spend: float


#: As the profile service tells them.
JourneyState = Literal["discovering", "weighing", "buying", "using", "reweighing", "unknown"]


@dataclass(frozen=True, slots=True)
class Bearing:
    """Where a persona stands with what it might buy, and how it plays; of whom nothing is known by default."""

    journey: JourneyState = "unknown"
    #: That it looks elsewhere; None of who has nothing to switch from.
    switching_risk: float | None = None
    #: What surely stands out, "<pack>.<dimension>", the strongest first.
    play: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """What ranking may know of a persona: nothing when the decision denies it."""

    decision: Decision
    history: tuple[Met, ...]
    likes: tuple[str, ...]
    #: See Situation.
    draw_key: bytes = b""
    #: Items the person has removed.
    removed: frozenset[str] = frozenset()
    #: See Situation.
    removed_topics: tuple[str, ...] = ()
    circle: Circle = ()
    #: The relationship that the persona wants: "<pack>.<type>"; empty where it is not known.
    relationship: str = ""
    #: Foretells with a timing pack whether it buys again; None of who never bought.
    bought: Bought | None = None
    bearing: Bearing = Bearing()


@dataclass(frozen=True, slots=True)
class Situation:
    """For whom and when (milliseconds since 1970): the history oldest first, the topics liked, what not to offer.

    A moment before `newest_at_ms`, when the newest of the history was met, asks what is missing.

    With a draw key, what is offered may say nothing that others could compare: see apart.py.
    """

    history: tuple[Met, ...]
    at_ms: int
    count: int
    likes: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    draw_key: bytes = b""
    newest_at_ms: int = 0
    #: Items about these are not offered.
    removed_topics: tuple[str, ...] = ()
    #: What else speaks for items about a topic: kind, topic, how much.
    suited: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """What contributed to a score, with its share of everything that did."""

    kind: str
    ref: str
    share: float


@dataclass(frozen=True, slots=True)
class Offer:
    """One ranked item."""

    item: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Offers, best first, or why there are none."""

    offers: tuple[Offer, ...]
    abstained: Abstention | None
    model_version: int


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights of the components for one kind of question; profile and sequence by half-life, as in ranking.py."""

    profile: tuple[float, ...]
    sequence: tuple[float, ...]
    popular: float
    topic: float
    caution: float

    def weights(self) -> dict[str, float]:
        """Return the weights by component name."""
        return {
            **{f"profile_{place}": weight for place, weight in enumerate(self.profile)},
            **{f"sequence_{place}": weight for place, weight in enumerate(self.sequence)},
            "popular": self.popular,
            "topic": self.topic,
            "caution": self.caution,
        }


@dataclass(frozen=True, slots=True)
class Mixes:
    """What comes next, and what is missing from a history that went on afterwards: two questions, two mixes."""

    following: Mix
    missing: Mix

    def weights(self) -> dict[str, float]:
        """Return the weights by question and component name."""
        named = {"following": self.following, "missing": self.missing}
        return {f"{kind}.{name}": weight for kind, mix in named.items() for name, weight in mix.weights().items()}


@dataclass(frozen=True, slots=True)
class Blend:
    """How models are fitted, and mixed until a brand has mixes of its own; see packs/ranking.yaml."""

    regularisation: float
    nearness: float
    mixes: Mixes
    popular_half_life_days: float
    least_met: int
    least_trust: float
    least_gain: float


@dataclass(frozen=True, slots=True)
class Choosing:
    """When a brand's own mixes are chosen: from this many questions, again when it has grown by the factor."""

    least: int
    growth: float


@dataclass(frozen=True, slots=True)
class Refit:
    """When to fit again by itself: after this share of all interactions is new, and at least this many."""

    share: float
    least: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream was learnt; `created_at` tells it from a later stream of the same name."""

    stream: str
    created_at: str
    sequence: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be learnt, sealed as it came."""

    sequence: int
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large the sums of one brand may grow, and of how many personas the newest lessons are kept in memory."""

    items: int
    waiting: int
    topics: int
    sampled: int = 1_000
