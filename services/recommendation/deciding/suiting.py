"""What suits a persona at a moment: by where it stands and when it bought, by how it plays, by what its like wish for.

The first two say what an offer is worth that the brand begins, whichever it is; the others speak for topics.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from kit.packs import Pack
from services.recommendation.deciding.state import DAY_MS
from services.recommendation.deciding.words import Initiative, Moment, Treatment
from services.recommendation.domain import Bearing, Bought, JourneyState

_Share = Annotated[float, Meta(ge=0, le=1)]
_Factor = Annotated[float, Meta(gt=0, le=3)]
_Positive = Annotated[float, Meta(gt=0)]
_Gain = Annotated[float, Meta(ge=0, le=5)]
#: A factor so near to 1 says nothing.
_NOTHING = 0.005
#: What speaks for a topic: by how the persona plays, and by what its like wish for.
PLAYS, LIKE = "suits_play", "wished_by_like"


class JustBought(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an offer is worth on the day of a purchase; what it lacks halves in so many days."""

    worth: _Factor
    half_life_days: _Positive


class Suiting(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """packs/suiting.yaml."""

    serves_from: _Share
    journey: dict[JourneyState, _Factor]
    just_bought: JustBought
    #: Least and most.
    buys_again: tuple[_Factor, _Factor]
    play: _Gain
    like: _Gain
    known_after: _Positive


class Play(NamedTuple):
    """What suits a way to play."""

    style: str
    topics: tuple[str, ...]


class Facts(NamedTuple):
    """What is known of a persona, and of people like it, for this."""

    bearing: Bearing = Bearing()
    bought: Bought | None = None
    #: How much likelier than usual it is to buy again; None where nobody can say.
    again: float | None = None
    #: By name, the strongest first.
    plays: tuple[tuple[str, Play], ...] = ()
    #: "<market>.<group>" that the caller vouches for, and shares of such people who wish for a topic.
    like: str = ""
    wishes: Mapping[str, float] = MappingProxyType({})
    #: Items that the persona met; none where others compare, for what it met must choose nothing there.
    met: int = 0
    #: Others could compare what it is offered.
    is_compared: bool = False


class Suits(NamedTuple):
    """What is made of it: kind, what it names, how much."""

    facts: Facts = Facts()
    #: What an offer is worth, times each of these.
    factors: tuple[tuple[str, str, float], ...] = ()
    topics: tuple[tuple[str, str, float], ...] = ()
    is_sold_to: bool = True
    style: str = ""

    @property
    def factor(self) -> float:
        """By what the worth of an offer is multiplied."""
        return math.prod(amount for _, _, amount in self.factors)

    def treated(self, treatment: Treatment) -> Treatment:
        """Return a treatment with the style that suits, too."""
        return replace(treatment, style=f"{treatment.style}; {self.style}") if self.style else treatment


NEUTRAL = Suits()


def suits(pack: Suiting, facts: Facts, moment: Moment) -> Suits:
    """Return what suits: nothing is held against whoever asks, and no item is chosen by play where others compare."""
    topics = [(LIKE, topic, amount) for topic, amount in _wished(pack, facts)]
    style = ""
    if facts.plays and not facts.is_compared:
        named = dict.fromkeys(topic for _, play in facts.plays for topic in play.topics)
        topics += [(PLAYS, topic, pack.play) for topic in named]
        # One is enough to speak by, and says least.
        style = facts.plays[0][1].style
    if moment.initiative is Initiative.PERSONA:
        return Suits(facts, (), tuple(topics), is_sold_to=True, style=style)
    risk = facts.bearing.switching_risk
    factors = tuple(each for each in _factors(pack, facts, moment.at_ms) if abs(each[2] - 1.0) > _NOTHING)
    return Suits(facts, factors, tuple(topics), risk is None or risk < pack.serves_from, style)


def _factors(pack: Suiting, facts: Facts, at_ms: int) -> Iterator[tuple[str, str, float]]:
    state = facts.bearing.journey
    yield "journey", state, pack.journey.get(state, 1.0)
    if facts.bought is not None:
        days = max(0, at_ms // DAY_MS - facts.bought.last_day)
        lacks = (1.0 - pack.just_bought.worth) * math.exp2(-days / pack.just_bought.half_life_days)
        yield "just_bought", "", 1.0 - lacks
    if facts.again is not None:
        least, most = pack.buys_again
        yield "buys_again", "", min(most, max(least, facts.again))


def _wished(pack: Suiting, facts: Facts) -> Iterator[tuple[str, float]]:
    # A first guess, which gives way to what the persona did itself.
    strength = pack.like * math.exp2(-facts.met / pack.known_after)
    return ((topic, strength * share) for topic, share in facts.wishes.items() if share > 0)
