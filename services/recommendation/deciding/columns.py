"""Acts in columns: what is worked out for fifty is worked out at once, and told of the few that are looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from services.recommendation.deciding.words import Act, Candidate, Weighed

Numbers = NDArray[np.float64]
#: Where candidates are among all of them.
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Acts that passed the gates."""

    acts: list[Act]
    items: list[str]
    scores: Numbers
    benefits: Numbers
    topics: list[str]
    #: Slots of the model; -1 for what it does not know.
    slots: Places

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Candidate]:
        return map(self.at, range(len(self)))

    def at(self, place: int) -> Candidate:
        """Return one of them."""
        score, benefit = float(self.scores[place]), float(self.benefits[place])
        return Candidate(self.acts[place], self.items[place], score, benefit, topic=self.topics[place])

    def among(self, places: list[int]) -> "Candidates":
        """Return these of them."""
        return Candidates(
            [self.acts[place] for place in places],
            [self.items[place] for place in places],
            self.scores[places],
            self.benefits[places],
            [self.topics[place] for place in places],
            self.slots[places],
        )

    def times(self, factor: float) -> "Candidates":
        """Return them with what they are worth to begin with, times a factor."""
        return self if factor == 1.0 else replace(self, benefits=factor * self.benefits)

    def beside(self, acts: Sequence[Candidate]) -> "Candidates":
        """Return them, and behind them acts of which the model knows nothing."""
        if not acts:
            return self
        return Candidates(
            [*self.acts, *(each.act for each in acts)],
            [*self.items, *(each.item for each in acts)],
            np.append(self.scores, [each.score for each in acts]),
            np.append(self.benefits, [each.benefit for each in acts]),
            [*self.topics, *(each.topic for each in acts)],
            np.append(self.slots, [-1] * len(acts)),
        )


class Worth(NamedTuple):
    """What is expected of acts: that they are accepted, what that is worth, and the lower bound of each."""

    p_accept: Numbers
    p_accept_low: Numbers
    value: Numbers
    value_low: Numbers


class Signs(NamedTuple):
    """Where acts are counted by what is alike, and what the bandit promised of each before calibration."""

    buckets: Places
    cells: Places
    promised: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Pool(Sequence[Weighed]):
    """Candidates, most valuable first, with the chances of those that were drawn from, which come before the others."""

    candidates: Candidates
    worth: Worth
    signs: Signs
    places: Places
    chances: Numbers

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Weighed: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Weighed, ...]: ...
    def __getitem__(self, index: int | slice) -> Weighed | tuple[Weighed, ...]:
        if isinstance(index, slice):
            return tuple(self._at(each) for each in range(*index.indices(len(self))))
        return self._at(range(len(self))[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pool) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # told by what it holds, like a list

    def _at(self, index: int) -> Weighed:
        place = int(self.places[index])
        p_accept, p_accept_low, value, value_low = (float(each[place]) for each in self.worth)
        return Weighed(
            self.candidates.at(place),
            int(self.signs.buckets[place]),
            p_accept,
            p_accept_low,
            value,
            value_low,
            int(self.signs.cells[place]),
            float(self.signs.promised[place]),
            float(self.chances[index]) if index < len(self.chances) else 0.0,
        )

    def eligible(self, worth: Worth, signs: Signs) -> "Pool":
        """Return those of which an estimate expects something at its lower bound, most valuable by it first."""
        places = by_value(worth, self.places[worth.value_low[self.places] > 0])
        return Pool(self.candidates, worth, signs, places, self.chances)

    def before(self, every: "Pool", chances: Numbers) -> "Pool":
        """Return all, these first, with the chances that they had when one of them was drawn."""
        is_mine = np.zeros(len(self.candidates), np.bool_)
        is_mine[self.places] = True
        places = np.concatenate([self.places, every.places[~is_mine[every.places]]])
        pairs = zip(self.worth, every.worth, strict=True)
        worth = self.worth if self.worth is every.worth else Worth(*(np.where(is_mine, *pair) for pair in pairs))
        return Pool(self.candidates, worth, self.signs, places, chances)


def by_value(worth: Worth, places: Places) -> Places:
    """Return places, most valuable first; what is worth the same stays in order."""
    return places[np.argsort(-worth.value[places], kind="stable")]
