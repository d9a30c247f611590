"""What a brand can offer, as arrays: first the slots of the model, behind them items that it does not know."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.deciding.words import Moment

Mask = NDArray[np.bool_]
#: Ascending.
Places = NDArray[np.intp]
_NOWHERE: Places = np.zeros(0, np.intp)
_FOR_EVER = np.iinfo(np.int64).max
#: A byte an item each.
_MOST_GATES = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """To whom and when an item may be offered; times are milliseconds since 1970 UTC, `until_ms` 0 for ever."""

    item: str
    from_ms: int = 0
    until_ms: int = 0
    is_sold_out: bool = False
    least_age: int = 0
    channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    benefit: float = 1.0


class Gate(NamedTuple):
    """Where all terms let an item be offered, and how many items each of them closes."""

    open: Mask
    closed: dict[str, int]


class Shelf:
    """Items of one brand by place, with their terms; made anew when terms change or places change hands."""

    def __init__(self, learnt: Sequence[str], terms: Mapping[str, Terms]) -> None:
        known = frozenset(learnt)
        self.items: tuple[str, ...] = (*learnt, *(item for item in terms if item not in known))
        self.learnt = len(learnt)
        self.has_terms = bool(terms)
        said = [terms.get(item) or Terms(item) for item in self.items]
        self._from = np.array([each.from_ms for each in said], dtype=np.int64)
        self._until = np.array([each.until_ms or _FOR_EVER for each in said], dtype=np.int64)
        self._in_stock = np.array([not each.is_sold_out for each in said], dtype=np.bool_)
        self._least_age = np.array([each.least_age for each in said], dtype=np.uint8)
        self._everywhere = np.array([not each.channels for each in said], dtype=np.bool_)
        self._in = _places(each.channels for each in said)
        #: By place: what accepting an item is worth, and what its terms say first that it is about, "" for nothing.
        self.benefits = np.array([each.benefit for each in said], dtype=np.float32)
        self.first_topics = tuple(next(iter(each.topics), "") for each in said)
        self._behind = {item: place for place, item in enumerate(self.items[self.learnt :], start=self.learnt)}
        self._topics = {each.item: each.topics for each in said if each.topics}
        self._about = _places(each.topics for each in said)
        self._ages = np.unique(self._least_age).tolist()
        self._times = np.unique(np.concatenate([self._from, self._until])).tolist()
        self._gates: dict[tuple[str, int, int], Gate] = {}

    def __len__(self) -> int:
        return len(self.items)

    def topics(self, item: str) -> frozenset[str]:
        """Return what the terms say the item is about."""
        return frozenset(self._topics.get(item, ()))

    def behind(self, names: Iterable[str]) -> list[int]:
        """Return the places of those of these items that the model does not know."""
        return [self._behind[name] for name in names if name in self._behind]

    def about(self, *topics: str) -> Places:
        """Return the places of items whose terms name all of these topics."""
        found = [self._about.get(topic, _NOWHERE) for topic in topics]
        return reduce(np.intersect1d, found) if found else _NOWHERE

    def unmet_about(self, topic: str) -> Places:
        """Return the same, of items that the model does not know."""
        found = self._about.get(topic, _NOWHERE)
        return found[np.searchsorted(found, self.learnt) :]

    def gate(self, moment: Moment) -> Gate:
        """Return what terms leave open at a moment; kept, for most moments are alike. Not to be changed."""
        # Two moments differ only where some terms do.
        channel = moment.channel if moment.channel in self._in else ""
        alike = channel, bisect_right(self._ages, moment.least_age), bisect_right(self._times, moment.at_ms)
        found = self._gates.get(alike)
        if found is None:
            if len(self._gates) >= _MOST_GATES:
                self._gates.clear()
            found = self._gates[alike] = self._gate(moment)
        return found

    def _gate(self, moment: Moment) -> Gate:
        here = self._everywhere.copy()
        here[self._in.get(moment.channel, _NOWHERE)] = True
        gates = {
            "stock": self._in_stock,
            "age": self._least_age <= min(moment.least_age, 255),
            "channel": here,
            "validity": (self._from <= moment.at_ms) & (moment.at_ms < self._until),
        }
        closed = {name: len(self) - int(np.count_nonzero(gate)) for name, gate in gates.items()}
        return Gate(np.logical_and.reduce(list(gates.values())), closed)


def _places(said: Iterable[Sequence[str]]) -> dict[str, Places]:
    found: dict[str, list[int]] = {}
    for place, names in enumerate(said):
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(place)
    return {name: np.array(places, dtype=np.intp) for name, places in found.items()}
