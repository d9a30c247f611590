"""What an audience may see of traits: derived while reading, coarse, in an order that tells nothing."""

from dataclasses import dataclass

from services.profile.decay import DAY_MS, Strength
from services.profile.domain import KIND_NAMES, Kind
from services.profile.traits import THOUSAND, Recent, Traits
from services.profile.wanting import NEITHER, Want, wants

TOP = 3
PERIOD_MS = 30 * DAY_MS
#: Weight that must speak for a topic, in units of one purchase, before it is called liked or disliked.
_LEAST_EVIDENCE = 0.4
#: What is left of a wish, in units of one entry on a wish list.
_LEAST_WISH = 0.1
#: A part of the day stands out with this share of at least this many interactions.
_SHARE = 0.4
_LEAST_HOURS = 4
#: Beyond any score or strength.
_STATED = 1_000.0
_DAY_PARTS = ("night", "morning", "afternoon", "evening")


@dataclass(frozen=True, slots=True)
class Wish:
    """Something wished for and the kinds of evidence, strongest first."""

    ref: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Closed vocabulary and buckets, nothing else."""

    likes: tuple[str, ...] = ()
    dislikes: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()
    recency_periods: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    channels: tuple[str, ...] = ()
    day_part: str = ""
    #: Fields that say less than is known, or nothing: too few others would say the same.
    withheld: tuple[str, ...] = ()
    #: Family of the relationship that the persona wants; empty while nothing may be acted upon.
    relationship: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """One recent interaction with an item; weight from -1 to 1."""

    item: str
    at_ms: int
    weight: float
    topics: tuple[str, ...] = ()


def view(traits: Traits, at_ms: int) -> View:
    """Return the view as of `at_ms`."""
    likes, dislikes = leanings(traits, at_ms)
    behaviour = {kind: tally for kind, tally in traits.kinds.items() if kind < Kind.IDENTIFIED}
    last_at = max((tally.last_at for tally in behaviour.values()), default=at_ms)
    return View(
        likes=likes,
        dislikes=dislikes,
        wishes=_wishes(traits, at_ms),
        recency_periods=max(0, at_ms - last_at) // PERIOD_MS,
        kinds=tuple(sorted((KIND_NAMES[kind], _bucket(tally.count)) for kind, tally in behaviour.items())),
        channels=_channels(traits, at_ms),
        day_part=_day_part(traits),
    )


def leanings(traits: Traits, at_ms: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return up to three liked and up to three disliked topics, alphabetical, so that the order tells nothing."""
    scores = {}
    stated = {each.ref: each.value for each in traits.stated}
    for topic in traits.likes.keys() | traits.dislikes.keys():
        if topic in stated:
            # What the person says outranks what was inferred. Of what it never met it may say anything: that is kept,
            # and not told, for words of its own would tell who it is.
            scores[topic] = (_STATED * (stated[topic] - NEITHER), _STATED, _STATED)
            continue
        liked, disliked = _at(traits.likes.get(topic), at_ms), _at(traits.dislikes.get(topic), at_ms)
        # Mean of a Beta(1 + liked, 1 + disliked), from -1 to 1: little evidence says little.
        scores[topic] = (liked - disliked) / (liked + disliked + 2), liked, disliked
    likes = [(-score, topic) for topic, (score, liked, _) in scores.items() if score > 0 and liked >= _LEAST_EVIDENCE]
    dislikes = [(score, topic) for topic, (score, _, dis) in scores.items() if score < 0 and dis >= _LEAST_EVIDENCE]
    return _top(likes), _top(dislikes)


def signals(traits: Traits) -> list[Signal]:
    """Return the last interactions with items, oldest first."""
    return [signal_of(recent) for recent in traits.last if recent.item]


def signal_of(recent: Recent) -> Signal:
    return Signal(recent.item, recent.at, recent.weight / THOUSAND, recent.topics)


def _at(strength: Strength | None, at_ms: int) -> float:
    return 0.0 if strength is None else strength.at(at_ms)


def _top(ranked: list[tuple[float, str]]) -> tuple[str, ...]:
    return tuple(sorted(name for _, name in sorted(ranked)[:TOP]))


def _wishes(traits: Traits, at_ms: int) -> tuple[Wish, ...]:
    told = [want for want in wants(traits, at_ms) if want.strength >= _LEAST_WISH][:TOP]
    return tuple(Wish(want.ref, tuple(kind for kind, _ in want.evidence)) for want in sorted(told, key=_by_ref))


def _by_ref(want: Want) -> str:
    return want.ref


def _bucket(count: int) -> int:
    return int(1 << (count.bit_length() - 1))


def _channels(traits: Traits, at_ms: int) -> tuple[str, ...]:
    ranked = sorted((-use.strength.at(at_ms), name) for name, use in traits.channels.items())
    return tuple(name for _, name in ranked[:TOP])


def _day_part(traits: Traits) -> str:
    parts = [0, 0, 0, 0]
    for use in traits.channels.values():
        for hour, count in use.hours.items():
            parts[hour // 6] += count
    best = max(range(4), key=parts.__getitem__)
    stands_out = parts[best] >= _LEAST_HOURS and parts[best] >= _SHARE * sum(parts)
    return _DAY_PARTS[best] if stands_out else ""
