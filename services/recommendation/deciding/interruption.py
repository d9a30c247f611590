"""When to speak unasked and when to be silent: help yes, imposing no. Plain functions over plain values.

An offer helps when everything fits: what the persona is doing, the topic, the hour, the channel, and that it has not
been strained by offers it did not want. Each of these is learnt per persona from answers, beginning with how often the
persona turns up that way, which silence teaches too. What that is a sign of is learnt from everybody of the brand.

`meet` in every moment, then `judge`; `told` when the answer is known. Removals are the business of the gates.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.recommendation.deciding.habits import Customs, Habits, Occasion
from services.recommendation.deciding.manners import Aspect, Aspects, Manners
from services.recommendation.deciding.words import Outcome, Verdict

#: Hours count in bands of three, and a little in the bands beside.
_BAND_HOURS = 3
_TOPIC = "topic"
_BANDS = 24 // _BAND_HOURS
#: Presence is told in steps of the share that is expected of it; newcomers count as expected for so many moments.
_PRESENCE_STEPS = (0.3, 0.6, 1.0, 1.6, 2.4)
_NEWCOMER = 6.0
#: How many values an aspect is taken to have when a share is expected.
_VALUES = {"topic": 12, "hour": _BANDS, "channel": 3}
#: Strain is told in steps of unwanted offers, of which those of a day and those of ten days are summed.
_STRAIN_STEPS = (0.5, 1.5, 3.0, 5.0)
_STRAIN_DAYS = {"fast": 1.0, "slow": 10.0}
_RELIEF = 0.5
#: Nothing is believed more firmly than this, in log odds: minds change.
_FIRMEST = 4.0
#: A persona's own refusals count as many as these of everybody.
_OWN = 4.0
_REFUSALS_DAYS = 60.0
#: What is known of one aspect before anybody answered is worth so many answers.
_ASSUMED = 5.0


class _Part(NamedTuple):
    """What is believed of one aspect: the custom it begins with, that it fits, and that it lets an offer help."""

    key: str
    custom: str
    aspect: Aspect
    fits: float = 0.0
    helps: float = 0.0
    helps_at_least: float = 0.0


def meet(pack: Manners, habits: Habits, occasion: Occasion) -> None:
    """Note that a persona turned up, whether it is spoken to or not; the topic only of a moment that has one."""
    for name, value, aspect in _values(pack.aspects, occasion):
        if not value:
            continue
        for key in (f"{name} {value}", name):
            habits.presence.add(key, 1.0, occasion.at_ms, aspect.presence_days)


def judge(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> Verdict:
    """Tell whether to speak; nobody who complained is spoken to."""
    parts = _parts(pack, customs, habits, occasion)
    doing = _doing(pack, customs, occasion)
    chance = doing * math.prod(part.helps for part in parts)
    at_least = doing * math.prod(part.helps_at_least for part in parts)
    annoys = _annoys(pack, customs, habits, occasion)
    contacts = habits.refusals.at("contacts", occasion.at_ms, _REFUSALS_DAYS)
    known = contacts / (contacts + pack.curiosity) if contacts else 0.0
    price = known * pack.contact_cost + annoys * pack.annoyance_cost
    speaks = not habits.is_silenced and at_least - price > 0.0
    return Verdict(speaks, chance - price, at_least - price, chance, annoys)


def leanings(pack: Manners, habits: Habits, occasion: Occasion) -> tuple[tuple[float, ...], int]:
    """Return how answers lean about hour and channel, in log odds, and the step of what the persona bears."""
    at_ms = occasion.at_ms
    evidence = tuple(
        habits.evidence.at(f"{name} {value}", at_ms, aspect.half_life_days)
        for name, value, aspect in _values(pack.aspects, occasion)
        if name != _TOPIC
    )
    return evidence, _strain(habits, at_ms)


def leaning(pack: Manners, habits: Habits, topic: str, at_ms: int) -> float:
    """Return how answers lean about a topic, in log odds."""
    return habits.evidence.at(f"{_TOPIC} {topic}", at_ms, pack.aspects.topic.half_life_days)


def channel_of_the_moment(
    pack: Manners, customs: Customs, habits: Habits, occasion: Occasion, channels: Sequence[str]
) -> str | None:
    """Return on which channel speaking is worth most, by its lower bound; None where it is on none."""
    verdicts = {name: judge(pack, customs, habits, occasion._replace(channel=name)) for name in channels}
    worth = {name: verdict.value_at_least for name, verdict in verdicts.items() if verdict.speaks}
    return max(worth, key=worth.__getitem__, default=None)


def told(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion, outcome: Outcome) -> Customs:
    """Learn from an answer, which the next judgement knows; return what it says of everybody of the brand."""
    parts = _parts(pack, customs, habits, occasion)
    doing = _doing(pack, customs, occasion)
    others = math.prod(part.helps for part in parts)
    has_helped = outcome is Outcome.ACCEPTED
    taught = Customs()
    # When an offer did not help, whatever fitted least is to blame: each aspect by how likely it was the one.
    blameless = 1.0 if has_helped else doing * (1.0 - others) / (1.0 - doing * others)
    taught.add(_activity(pack, occasion), blameless)
    for part in parts:
        _learn(part, taught, habits, occasion.at_ms, rest=doing * others / part.helps, has_helped=has_helped)
    _bear(taught, habits, occasion, outcome)
    return taught


def _learn(  # noqa: PLR0913  # one equation
    part: _Part, taught: Customs, habits: Habits, at_ms: int, *, rest: float, has_helped: bool
) -> None:
    fitting, other = (rest * share if has_helped else 1.0 - rest * share for share in part.aspect.helps)
    believed = part.fits * fitting / (part.fits * fitting + (1.0 - part.fits) * other)
    taught.add(part.custom, believed)
    known = habits.evidence.at(part.key, at_ms, part.aspect.half_life_days)
    # Bounded here, so that a change of mind takes a few answers and not as many as there were before.
    wanted = max(-_FIRMEST, min(_FIRMEST, known + math.log(fitting / other)))
    habits.evidence.add(part.key, wanted - known, at_ms, part.aspect.half_life_days)
    habits.heard.add(part.key, 1.0, at_ms, part.aspect.half_life_days)


def _bear(taught: Customs, habits: Habits, occasion: Occasion, outcome: Outcome) -> None:
    refused = float(outcome in {Outcome.DISMISSED, Outcome.REMOVED, Outcome.COMPLAINED})
    taught.add(f"annoys {_strain(habits, occasion.at_ms)}", refused)
    habits.refusals.add("refused", refused, occasion.at_ms, _REFUSALS_DAYS)
    habits.refusals.add("contacts", 1.0, occasion.at_ms, _REFUSALS_DAYS)
    for name, days in _STRAIN_DAYS.items():
        borne = habits.strain.at(name, occasion.at_ms, days)
        added = -_RELIEF * borne if outcome is Outcome.ACCEPTED else 1.0
        habits.strain.add(name, added, occasion.at_ms, days)
    habits.is_silenced = habits.is_silenced or outcome is Outcome.COMPLAINED


def _parts(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> list[_Part]:
    at_ms = occasion.at_ms
    strain = f"strain {_strain(habits, at_ms)}"
    parts = [_Part(strain, strain, pack.aspects.strain)]
    for name, value, aspect in _values(pack.aspects, occasion):
        custom = f"{name} {_presence(habits, (name, value), at_ms, aspect)}"
        parts.append(_Part(f"{name} {value}", custom, aspect))
    return [_believed(part, customs, habits, at_ms, pack.deviations) for part in parts]


def _believed(part: _Part, customs: Customs, habits: Habits, at_ms: int, deviations: float) -> _Part:
    aspect = part.aspect
    share = customs.share(part.custom, (_ASSUMED * aspect.fits, _ASSUMED * (1.0 - aspect.fits)))
    odds = math.log(share / (1.0 - share)) + habits.evidence.at(part.key, at_ms, aspect.half_life_days)
    error = deviations / math.sqrt(1.0 + habits.heard.at(part.key, at_ms, aspect.half_life_days))
    fits = _logistic(odds)
    return part._replace(fits=fits, helps=aspect.chance(fits), helps_at_least=aspect.chance(_logistic(odds - error)))


def _presence(habits: Habits, turned_up: tuple[str, str], at_ms: int, aspect: Aspect) -> int:
    """Return the step of how often the persona turns up so, against what is expected of a value among that many."""
    name, value = turned_up
    counted = habits.presence.at(f"{name} {value}", at_ms, aspect.presence_days)
    if name == "hour":
        beside = (f"hour {(int(value) + step) % _BANDS}" for step in (-1, 1))
        counted = (counted + 0.5 * sum(habits.presence.at(key, at_ms, aspect.presence_days) for key in beside)) / 2.0
    every = habits.presence.at(name, at_ms, aspect.presence_days)
    ratio = (counted * _VALUES[name] + _NEWCOMER) / (every + _NEWCOMER)
    return sum(ratio > step for step in _PRESENCE_STEPS)


def _values(aspects: Aspects, occasion: Occasion) -> Iterator[tuple[str, str, Aspect]]:
    yield _TOPIC, occasion.topic, aspects.topic
    yield "hour", str(occasion.hour // _BAND_HOURS), aspects.hour
    yield "channel", occasion.channel, aspects.channel


def _activity(pack: Manners, occasion: Occasion) -> str:
    return f"activity {occasion.activity if occasion.activity in pack.activities else 'other'}"


def _doing(pack: Manners, customs: Customs, occasion: Occasion) -> float:
    name = _activity(pack, occasion)
    return customs.share(name, pack.activities[name.removeprefix("activity ")])


def _strain(habits: Habits, at_ms: int) -> int:
    borne = sum(habits.strain.at(name, at_ms, days) for name, days in _STRAIN_DAYS.items())
    return sum(borne > step for step in _STRAIN_STEPS)


def _annoys(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> float:
    common = customs.share(f"annoys {_strain(habits, occasion.at_ms)}", pack.annoys)
    own, contacts = (habits.refusals.at(name, occasion.at_ms, _REFUSALS_DAYS) for name in ("refused", "contacts"))
    return (own + _OWN * common) / (contacts + _OWN)


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
