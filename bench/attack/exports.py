"""What two audiences hold of their visitors: the platform's own views and offers, and the same with nothing coarse."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from bench.attack.worlds import SECOND_MS, Stay, value_of
from kit.keyring import KeyRing
from maskenball.demo.dataset import Dataset
from services.profile import handles
from services.profile.boundary import Crowding, gather
from services.profile.domain import Kind
from services.profile.views import View, leanings, signals, view
from services.profile.weights import Weights
from services.recommendation.apart import MOST_OFFERS, rank_apart
from services.recommendation.domain import Blend, Bounds, Learnt, Lesson, Met, Ranking, Situation
from services.recommendation.fitting import fit
from services.recommendation.ranking import Fitted, rank
from services.recommendation.sums import Sums

_HOUR_S = 3600
_LESSON = 20
_BEFORE = 128

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """All that is told of one persona: tokens are what can be equal elsewhere, the rest compares by size or order."""

    handle: str
    view: View
    offers: tuple[str, ...]
    times: frozenset[int] = frozenset()
    scores: dict[str, float] = field(default_factory=dict)
    #: What was met, oldest first.
    sequence: tuple[str, ...] = ()

    def tokens(self) -> frozenset[Token]:
        """Return every fact of the view by itself, and all of it as one."""
        told = msgspec.to_builtins(self.view)
        facts = {(name, str(each)) for name, value in told.items() for each in _each(value)}
        return frozenset(facts | {("view", str(told))})


@dataclass(frozen=True, slots=True)
class Ranker:
    """The recommendation service's model of the brand, learnt from both worlds."""

    sums: Sums
    fitted: Fitted
    blend: Blend

    def whole(self, stay: Stay, at_ms: int) -> tuple[str, ...]:
        """Return the offers of a brand whose audiences nobody compares."""
        likes, _ = leanings(stay.traits, at_ms)
        return _items(rank(self.sums, self.fitted, Situation(_met(stay), at_ms, MOST_OFFERS, likes), self.blend))

    def apart(self, stay: Stay, at_ms: int, likes: tuple[str, ...], draw_key: bytes) -> tuple[str, ...]:
        """Return the offers of a brand with several audiences."""
        situation = Situation(_met(stay), at_ms, MOST_OFFERS, likes, draw_key=draw_key)
        return _items(rank_apart(self.sums, self.fitted, situation, self.blend))


@dataclass(frozen=True, slots=True)
class Audience:
    """One audience as the profile service sees it when it renders."""

    name: str
    keyring: KeyRing
    at_ms: int
    pids: Sequence[bytes]

    def coarse(self, world: Sequence[Stay], crowding: Crowding, ranker: Ranker) -> list[Export]:
        """Return what leaves the platform."""
        whole = [view(stay.traits, self.at_ms) for stay in world]
        crowd = gather(Counter(whole), crowding)
        exports = []
        for pid, stay, known in zip(self.pids, world, whole, strict=True):
            told = crowd.publish(known)
            key = handles.draw_key(self.keyring, self.name, pid, 1)
            offers = ranker.apart(stay, self.at_ms, told.likes, key)
            exports.append(Export(handles.render(self.keyring, self.name, pid, 1), told, offers))
        return exports

    def uncoarsened(self, world: Sequence[Stay], ranker: Ranker) -> list[Export]:
        """Return what would leave with nothing coarse: exact hours, strengths, order and offers."""
        return [self._whole(pid, stay, ranker) for pid, stay in zip(self.pids, world, strict=True)]

    def _whole(self, pid: bytes, stay: Stay, ranker: Ranker) -> Export:
        leaning = {**stay.traits.likes, **{f"not {topic}": each for topic, each in stay.traits.dislikes.items()}}
        return Export(
            handles.render(self.keyring, self.name, pid, 1),
            view(stay.traits, self.at_ms),
            ranker.whole(stay, self.at_ms),
            frozenset(int(rating.at) // _HOUR_S for rating in stay.ratings),
            {topic: strength.at(self.at_ms) for topic, strength in leaning.items()},
            tuple(rating.item for rating in stay.ratings),
        )


def teach(dataset: Dataset, stays: Iterable[Stay], weights: Weights, pack: tuple[Blend, Bounds]) -> Ranker:
    """Learn as the recommendation service does, each stay as lessons of its own."""
    blend, bounds = pack
    sums = Sums(bounds)
    for stay in stays:
        learnt = [
            Learnt(
                each.item,
                int(each.at * SECOND_MS),
                weights[Kind.RATED].of(value_of(each)),
                dataset.films[each.item].topics,
            )
            for each in stay.ratings
        ]
        for start in range(0, len(learnt), _LESSON):
            before = tuple(each.item for each in learnt[max(0, start - _BEFORE) : start])
            sums.learn(Lesson(before, tuple(learnt[start : start + _LESSON])))
    return Ranker(sums, Fitted(fit(sums.together, sums.followed, blend.regularisation, blend.nearness), 1), blend)


def _each(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _met(stay: Stay) -> tuple[Met, ...]:
    return tuple(Met(each.item, each.weight) for each in signals(stay.traits))


def _items(ranking: Ranking) -> tuple[str, ...]:
    return tuple(offer.item for offer in ranking.offers)
