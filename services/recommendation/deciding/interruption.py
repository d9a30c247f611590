"""When to speak unasked and when to be silent: help yes, imposing no. Plain functions over plain values.

An offer helps when everything fits: what the persona is doing, the topic, the hour, the channel, and that it has not
been strained by offers it did not want. Each of these is learnt per persona from answers, and from how often it turns
up that way, which silence teaches too. What strain does to answers is learnt from everybody of the brand.

`meet` in every moment, then `judge`; `told` when the answer is known. Removals are the business of the gates.
"""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.recommendation.deciding import stretches
from services.recommendation.deciding.habits import Customs, Habits, Occasion
from services.recommendation.deciding.manners import Aspect, Aspects, Manners
from services.recommendation.deciding.words import Outcome, Verdict

#: Topics and bands of hours, as habits name them.
_TOPIC, _HOURS = "topic", "hours"
#: Strain is told in steps of unwanted offers, of which those of a day and those of ten days are summed.
_STRAIN_STEPS = (0.5, 1.5, 3.0, 5.0)
_STRAIN_DAYS = {"fast": 1.0, "slow": 10.0}
_RELIEF = 0.5
#: Nothing is believed more firmly than this, in log odds: minds change.
_FIRMEST = 4.0
#: Turning up says less than answers do.
_FIRMEST_UNSAID = 2.5
#: A persona's own refusals count as many as these of everybody, and tell of its mood of these days.
_OWN = 6.0
_MOOD_DAYS = 5.0
_CONTACTS_DAYS = 60.0
#: What is known of one aspect before anybody answered is worth so many answers.
_ASSUMED = 5.0


class _Part(NamedTuple):
    """What is believed of one aspect: that it fits, and that it lets an offer help."""

    key: str
    aspect: Aspect
    fits: float
    helps: float = 0.0
    helps_at_least: float = 0.0


class _Price(NamedTuple):
    """What speaking costs, and how likely an offer that does not help is refused."""

    amount: float
    annoys: float


def meet(pack: Manners, habits: Habits, occasion: Occasion) -> None:
    """Note that a persona turned up, whether it is spoken to or not; the topic only of a moment that has one."""
    for name, value, aspect in _values(pack.aspects, occasion):
        if not value:
            continue
        for key in (f"{name} {value}", name):
            habits.presence.add(key, 1.0, occasion.at_ms, aspect.presence_days)


def judge(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> Verdict:
    """Tell whether to speak; nobody who complained is spoken to."""
    return judge_topics(pack, customs, habits, occasion, (occasion.topic,))[occasion.topic]


def judge_topics(
    pack: Manners, customs: Customs, habits: Habits, occasion: Occasion, topics: Iterable[str]
) -> dict[str, Verdict]:
    """Tell of each of these topics whether to speak of it. Those of which nothing is known are judged together."""
    strain, _, *others = _parts(pack, customs, habits, occasion)
    doing, price = _doing(pack, customs, occasion), _price(pack, customs, habits, occasion)
    known = {name for each in (habits.presence, habits.evidence, habits.heard) for name in each.names()}

    def work(topic: str) -> Verdict:
        parts = (strain, _part(pack, habits, (_TOPIC, topic, pack.aspects.topic), occasion.at_ms), *others)
        chance = doing * math.prod(part.helps for part in parts)
        at_least = doing * math.prod(part.helps_at_least for part in parts)
        speaks = not habits.is_silenced and at_least - price.amount > 0.0
        return Verdict(speaks, chance - price.amount, at_least - price.amount, chance, price.annoys)

    alike: dict[str | None, Verdict] = {}
    every = [(topic, topic if f"{_TOPIC} {topic}" in known else None) for topic in dict.fromkeys(topics)]
    return {topic: alike.get(like) or alike.setdefault(like, work(topic)) for topic, like in every}


def leanings(pack: Manners, habits: Habits, occasion: Occasion) -> tuple[tuple[float, ...], int]:
    """Return how answers lean about hour and channel, in log odds, and the step of what the persona bears."""
    at_ms = occasion.at_ms
    evidence = tuple(
        habits.evidence.at(f"{name} {value}", at_ms, aspect.half_life_days)
        for name, value, aspect in _values(pack.aspects, occasion)
        if name != _TOPIC
    )
    return evidence, _strain(habits, at_ms)


def topic_leanings(pack: Manners, habits: Habits, at_ms: int) -> dict[str, float]:
    """Return how answers lean about each topic that was ever answered about, in log odds."""
    half_life_days = pack.aspects.topic.half_life_days
    keys = [key for key in habits.evidence.names() if key.startswith(f"{_TOPIC} ")]
    return {key[len(_TOPIC) + 1 :]: habits.evidence.at(key, at_ms, half_life_days) for key in keys}


def channel_of_the_moment(
    pack: Manners, customs: Customs, habits: Habits, occasion: Occasion, channels: Iterable[str]
) -> str:
    """Return on which channel speaking is worth most, by its lower bound; of those alike the first.

    Whether it is worth it there at all hangs on the topic as well; which channel it is does not.
    """
    named = list(dict.fromkeys(channels))
    said = {name: judge(pack, customs, habits, occasion._replace(channel=name)) for name in named}
    return max(named, key=lambda name: said[name].value_at_least)


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
    fitted = [
        _learn(part, habits, occasion.at_ms, rest=doing * others / part.helps, has_helped=has_helped) for part in parts
    ]
    # Strain, which comes first, does the same to everybody; topics, hours and channels are one's own.
    taught.add(parts[0].key, fitted[0])
    _bear(taught, habits, occasion, outcome)
    return taught


def _learn(part: _Part, habits: Habits, at_ms: int, *, rest: float, has_helped: bool) -> float:
    """Take an answer in; return how likely the aspect fitted."""
    fitting, other = (rest * share if has_helped else 1.0 - rest * share for share in part.aspect.helps)
    known = habits.evidence.at(part.key, at_ms, part.aspect.half_life_days)
    # Bounded here, so that a change of mind takes a few answers and not as many as there were before.
    wanted = max(-_FIRMEST, min(_FIRMEST, known + math.log(fitting / other)))
    habits.evidence.add(part.key, wanted - known, at_ms, part.aspect.half_life_days)
    habits.heard.add(part.key, 1.0, at_ms, part.aspect.half_life_days)
    return part.fits * fitting / (part.fits * fitting + (1.0 - part.fits) * other)


def _bear(taught: Customs, habits: Habits, occasion: Occasion, outcome: Outcome) -> None:
    at_ms, has_helped = occasion.at_ms, outcome is Outcome.ACCEPTED
    refused = float(outcome in {Outcome.DISMISSED, Outcome.REMOVED, Outcome.COMPLAINED})
    if not has_helped:
        taught.add(f"annoys {_strain(habits, at_ms)}", refused)
    habits.refusals.add("contacts", 1.0, at_ms, _CONTACTS_DAYS)
    for name, added in (("refused", refused), ("unwanted", 1.0)):
        relief = -_RELIEF * habits.refusals.at(name, at_ms, _MOOD_DAYS)
        habits.refusals.add(name, relief if has_helped else added, at_ms, _MOOD_DAYS)
    for name, days in _STRAIN_DAYS.items():
        borne = habits.strain.at(name, at_ms, days)
        habits.strain.add(name, -_RELIEF * borne if has_helped else 1.0, at_ms, days)
    habits.is_silenced = habits.is_silenced or outcome is Outcome.COMPLAINED


def _parts(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> list[_Part]:
    strain, aspects = f"strain {_strain(habits, occasion.at_ms)}", pack.aspects
    unstrained = _unstrained(aspects.strain, customs, habits, (strain, occasion.at_ms))
    first = _believed(pack, habits, occasion.at_ms, (strain, aspects.strain, unstrained))
    return [first, *(_part(pack, habits, each, occasion.at_ms) for each in _values(aspects, occasion))]


def _part(pack: Manners, habits: Habits, told: tuple[str, str, Aspect], at_ms: int) -> _Part:
    name, value, aspect = told
    odds = _odds(habits, (name, value), aspect, at_ms)
    return _believed(pack, habits, at_ms, (f"{name} {value}", aspect, odds))


def _believed(pack: Manners, habits: Habits, at_ms: int, said: tuple[str, Aspect, float]) -> _Part:
    key, aspect, odds = said
    error = pack.deviations / math.sqrt(1.0 + habits.heard.at(key, at_ms, aspect.half_life_days))
    fits = _logistic(odds)
    return _Part(key, aspect, fits, aspect.chance(fits), aspect.chance(_logistic(odds - error)))


def _unstrained(aspect: Aspect, customs: Customs, habits: Habits, told: tuple[str, int]) -> float:
    strain, at_ms = told
    share = customs.share(strain, (_ASSUMED * aspect.fits, _ASSUMED * (1.0 - aspect.fits)))
    return _logit(share) + habits.evidence.at(strain, at_ms, aspect.half_life_days)


def _odds(habits: Habits, told: tuple[str, str], aspect: Aspect, at_ms: int) -> float:
    """Return the log odds that a value fits: by how often the persona turns up so, and by its answers."""
    name, value = told
    if name == _HOURS:
        return _in_stretch(habits, int(value), aspect, at_ms)
    met, every = (habits.presence.at(key, at_ms, aspect.presence_days) for key in (f"{name} {value}", name))
    fitting, other = aspect.turns_up
    # A Poisson process: whenever it turns up so speaks for the value, and every other moment against it.
    turned_up = met * math.log(fitting / other) - every * (fitting - other)
    answered = habits.evidence.at(f"{name} {value}", at_ms, aspect.half_life_days)
    return _logit(aspect.fits) + max(-_FIRMEST_UNSAID, min(_FIRMEST_UNSAID, turned_up)) + answered


def _in_stretch(habits: Habits, band: int, aspect: Aspect, at_ms: int) -> float:
    bands = [f"{_HOURS} {each}" for each in range(stretches.BANDS)]
    presence = [habits.presence.at(each, at_ms, aspect.presence_days) for each in bands]
    evidence = [habits.evidence.at(each, at_ms, aspect.half_life_days) for each in bands]
    return _logit(stretches.fits(presence, evidence, band, aspect.turns_up[0]))


def _values(aspects: Aspects, occasion: Occasion) -> Iterator[tuple[str, str, Aspect]]:
    yield _TOPIC, occasion.topic, aspects.topic
    yield _HOURS, str(occasion.hour // stretches.BAND_HOURS), aspects.hour
    yield "channel", occasion.channel, aspects.channel


def _activity(pack: Manners, occasion: Occasion) -> str:
    return f"activity {occasion.activity if occasion.activity in pack.activities else 'other'}"


def _doing(pack: Manners, customs: Customs, occasion: Occasion) -> float:
    name = _activity(pack, occasion)
    return customs.share(name, pack.activities[name.removeprefix("activity ")])


def _strain(habits: Habits, at_ms: int) -> int:
    borne = sum(habits.strain.at(name, at_ms, days) for name, days in _STRAIN_DAYS.items())
    return sum(borne > step for step in _STRAIN_STEPS)


def _price(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> _Price:
    annoys = _annoys(pack, customs, habits, occasion)
    contacts = habits.refusals.at("contacts", occasion.at_ms, _CONTACTS_DAYS)
    # The first contact has a price, too: nobody who is busy is spoken to for a try.
    known = (contacts + 1.0) / (contacts + 1.0 + pack.curiosity)
    return _Price(known * pack.contact_cost + max(0.0, annoys - pack.brushed_off) * pack.annoyance_cost, annoys)


def _annoys(pack: Manners, customs: Customs, habits: Habits, occasion: Occasion) -> float:
    """Return how likely an offer that does not help is refused, which tells how annoyed a persona is."""
    common = customs.share(f"annoys {_strain(habits, occasion.at_ms)}", pack.annoys)
    own, unwanted = (habits.refusals.at(name, occasion.at_ms, _MOOD_DAYS) for name in ("refused", "unwanted"))
    return (own + _OWN * common) / (unwanted + _OWN)


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
