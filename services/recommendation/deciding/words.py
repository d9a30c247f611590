"""Acts, moments, limits, outcomes, and what a decision consists of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple

#: What was ignored and could be seen for less says nothing.
VISIBLE_MS = 2_000


class Act(StrEnum):
    """What can be done."""

    OFFER = "offer"
    HELLO = "hello"
    ASK = "ask"
    SILENT = "silent"


class Initiative(StrEnum):
    """Who begins."""

    BRAND = "brand"
    PERSONA = "persona"


class Policy(StrEnum):
    """How one of several acts is drawn: by the reference, or by what the bandit has learnt."""

    SOFTMAX = "softmax"
    BANDIT = "bandit"

    @property
    def other(self) -> "Policy":
        """The one that it is compared with."""
        return Policy.BANDIT if self is Policy.SOFTMAX else Policy.SOFTMAX


class Silence(StrEnum):
    """Why nothing is done."""

    NOTHING_OPEN = "NOTHING_OPEN"
    NOT_WORTH_IT = "NOT_WORTH_IT"
    CHANCE = "CHANCE"
    COMPLAINED = "COMPLAINED"
    CONTACTS_SPENT = "CONTACTS_SPENT"
    TOO_SOON = "TOO_SOON"
    QUIET_HOURS = "QUIET_HOURS"
    INTERRUPTS = "INTERRUPTS"
    UNWELCOME = "UNWELCOME"
    SWITCHING = "SWITCHING"


class Outcome(IntEnum):
    """What became of a decision; each says more than those before it. The numbers are kept: never change them."""

    NONE = 0
    IGNORED = 1
    ACCEPTED = 2
    DISMISSED = 3
    REMOVED = 4
    COMPLAINED = 5

    @property
    def reward(self) -> float:
        """What a decision is worth that ends so."""
        return _REWARDS[self]


_REWARDS = {
    Outcome.NONE: 0.0,
    Outcome.IGNORED: -0.05,
    Outcome.ACCEPTED: 1.0,
    Outcome.DISMISSED: -0.5,
    Outcome.REMOVED: -1.0,
    Outcome.COMPLAINED: -3.0,
}


@dataclass(frozen=True, slots=True)
class Treatment:
    """How to meet a persona: contacts the brand may begin in 30 days, the gap between two, its quiet hours."""

    contacts: int
    least_gap_ms: int
    quiet: frozenset[int]
    style: str = ""
    content: str = ""
    #: A protective type is never explored with.
    is_protective: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where, and what the caller can do there."""

    at_ms: int
    channel: str
    acts: frozenset[Act] = frozenset({Act.OFFER})
    initiative: Initiative = Initiative.BRAND
    #: Age that somebody vouches for; 0 for nobody.
    least_age: int = 0
    #: How much it would disturb, 0 to 1.
    interruption: float = 0.0
    utc_offset_minutes: int = 0
    #: Items to name, the one decided for first.
    count: int = 1
    #: What the persona is doing, of those that manners know; "" for asking where it begins, else for looking.
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What acts are worth and how they are drawn; see packs/deciding.yaml."""

    #: How many of the best are weighed.
    shortlist: int
    #: What being accepted is worth where no terms say so: hello and ask.
    benefits: dict[str, float]
    #: What annoying somebody costs.
    annoyed: float
    #: Chance to annoy somebody at rest, by who begins.
    annoys: dict[str, float]
    #: Acceptance until enough is known: of hello and ask, and of offers by how far above the average they score.
    accepts: dict[str, float]
    accepts_by_score: tuple[float, ...]
    #: How many answers these stand for.
    strength: float
    #: How many answers of its own it takes until a persona counts as much as all others.
    own_strength: float
    #: Standard errors to the lower bound.
    errors: float
    #: How far apart values must be to make a difference.
    temperature: float
    #: Share that is drawn evenly among what is eligible.
    explored: float
    #: Nothing is begun when it would disturb so much.
    interrupts: float
    #: Score of an item that nobody has met, and what each liked topic adds.
    unmet: float
    unmet_topic: float
    #: Items are too alike to be named together when their topics are.
    alike: float


class Verdict(NamedTuple):
    """Whether to speak unasked, and why: the lower bound of the value has to be positive."""

    speaks: bool
    value: float
    value_at_least: float
    chance: float
    annoys: float


class Candidate(NamedTuple):
    """An act that passed the gates. Parts of its score (kind, what it names, how much) add up to it."""

    act: Act
    item: str = ""
    score: float = 0.0
    benefit: float = 1.0
    parts: tuple[tuple[str, str, float], ...] = ()
    #: What it is about as manners see it; "" where that must not choose.
    topic: str = ""


class Weighed(NamedTuple):
    """A candidate with what is expected of it."""

    candidate: Candidate
    bucket: int
    p_accept: float
    p_accept_low: float
    value: float
    value_low: float
    #: Where it is counted, and the chance that the bandit promised before calibration.
    cell: int = 0
    promised: float = 0.0
    propensity: float = 0.0
    #: The chance that the other policy would have given it.
    instead: float = 0.0


class Decided(NamedTuple):
    """What is done, why, and why nothing else."""

    act: Act
    chosen: Weighed | None = None
    silence: Silence | None = None
    propensity: float = 1.0
    policy: Policy = Policy.SOFTMAX
    #: Until when limits forbid the brand to begin, 0 for not at all, or for ever where that is why it is silent.
    quiet_until_ms: int = 0
    #: All that were weighed, most valuable first.
    weighed: Sequence[Weighed] = ()
    #: Items that each gate closed, and how many stayed open.
    gates: Mapping[str, int] = MappingProxyType({})
    candidates_hash: bytes = b""
    p_annoy: float = 0.0
    #: What annoying may cost: the chance, times what it costs then.
    cost: float = 0.0
    #: What would have been decided had the person removed the item: "" for silence, None when nothing was decided for.
    otherwise: str | None = None
    #: Items besides the one decided for.
    also: tuple[Weighed, ...] = ()
    #: What it is about as manners see it, and what they say: of the act that is done, else of the most welcome one.
    topic: str = ""
    verdict: Verdict | None = None
