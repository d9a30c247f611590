"""The sums that shared models learn from: exact integers over all personas, no row of any of them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Bounds, Learnt, Lesson

Counts = NDArray[np.int32]
Slots = NDArray[np.intp]
Number = TypeVar("Number", np.int32, np.int64)
Kept = TypeVar("Kept", np.bool_, np.float32, np.float64)

#: Weeks of popularity that are kept, newest last: two half-lives of 30 days fit six times.
WEEKS = 52
WEEK_MS = 7 * 86_400_000
#: An item following another at distance d counts 60 / d, rounded, for d up to 20.
DISTANCES = tuple(round(60 / distance) for distance in range(1, 21))
_COUNTED = np.array(DISTANCES, dtype=np.int32)

_FIRST_CAPACITY = 64


class ItemRow(NamedTuple):
    """One item's own sums, as they are kept: `slot` is None while it waits for a place in the dense sums."""

    item: str
    slot: int | None
    met: int
    weeks: dict[int, int]
    topics: dict[str, int]


class Sums:
    """All that one brand's personas taught. Dense arrays grow by doubling up to `bounds.items` slots."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.interactions = 0
        self.items: list[str] = []
        self.slots: dict[str, int] = {}
        self.topics: list[str] = []
        self.waiting: dict[str, int] = {}
        self.newest_week = 0
        #: What was worked out of these sums, by what it is, with the question that it answers; gone when they change.
        self.derived: dict[Hashable, tuple[Hashable, NDArray[Any]]] = {}
        self.changed_items: set[str] = set()
        self.changed_slots: set[int] = set()
        self._topic_slots: dict[str, int] = {}
        self._met = np.zeros(0, np.int64)
        self._together = np.zeros((0, 0), np.int32)
        self._followed = np.zeros((0, 0), np.int32)
        self._weeks = np.zeros((0, WEEKS), np.int32)
        self._about = np.zeros((0, bounds.topics), np.int32)
        self._allocate(min(_FIRST_CAPACITY, bounds.items))

    @property
    def size(self) -> int:
        """Number of slots in use."""
        return len(self.items)

    @property
    def met(self) -> NDArray[np.int64]:
        """How often each item was newly met."""
        return self._met[: self.size]

    @property
    def together(self) -> Counts:
        """Symmetric: personas that met both items; on the diagonal, personas that met the item."""
        return self._together[: self.size, : self.size]

    @property
    def followed(self) -> Counts:
        """Row then column: how often and how closely the second followed the first, in sixtieths."""
        return self._followed[: self.size, : self.size]

    @property
    def weeks(self) -> Counts:
        """Interactions of each item by week; column w % WEEKS holds week w."""
        return self._weeks[: self.size]

    @property
    def about(self) -> Counts:
        """Interactions of each item by topic, columns as in `topics`."""
        return self._about[: self.size, : len(self.topics)]

    def derive(self, name: Hashable, question: Hashable, work: Callable[[], NDArray[Kept]]) -> NDArray[Kept]:
        """Return what `work` makes of these sums: made anew when they have changed, or another question was asked."""
        held = self.derived.get(name)
        if held is None or held[0] != question:
            held = self.derived[name] = question, work()
        return held[1]

    def __getstate__(self) -> dict[str, Any]:
        # A copy is made in a thread: answers may derive more meanwhile, and it works its own out.
        return {**self.__dict__, "derived": {}}

    def learn(self, lesson: Lesson) -> None:
        """Add what one persona newly did. Whatever it did not want is no evidence of taste and adds nothing."""
        self._add(lesson, self._place, 1)

    def unlearn(self, lesson: Lesson) -> None:
        """Take back what `learn` has added, or will add: sums may be less than nothing until it has.

        Exact while every item finds a slot at once. An item that had none when it was learnt, and has one now, gives
        back pairs that it never brought.
        """
        self._add(lesson, self._find, -1)

    def _add(self, lesson: Lesson, place: Callable[[str], int | None], sign: int) -> None:
        self.derived.clear()
        wanted = [learnt for learnt in lesson.learnt if learnt.weight > 0]
        if not wanted:
            return
        placed = [(learnt, slot) for learnt in wanted if (slot := place(learnt.item)) is not None]
        for learnt, slot in placed:
            self._count(learnt, slot, sign)
        self.interactions += sign * len(wanted)
        before = [slot for slot in map(self.slots.get, lesson.before) if slot is not None]
        self._pair(before, [slot for _, slot in placed], sign)
        self._follow(before, [slot for _, slot in placed], sign)

    def make_room(self) -> list[int]:
        """Give the slots of the least met items to waiting items met more than twice as often; return those slots."""
        waiting = sorted(self.waiting, key=lambda item: (-self.waiting[item], item))
        least = np.argsort(self.met, kind="stable")
        taken = []
        for item, slot in zip(waiting, least.tolist(), strict=False):
            if self.waiting[item] <= 2 * int(self.met[slot]):
                break
            self._hand_over(slot, item)
            taken.append(slot)
        return taken

    def row(self, item: str) -> ItemRow:
        """Return the item's own sums."""
        slot = self.slots.get(item)
        if slot is None:
            return ItemRow(item, None, self.waiting.get(item, 0), {}, {})
        weeks = {week: count for week in self._kept_weeks() if (count := int(self._weeks[slot, week % WEEKS]))}
        topics = {topic: count for i, topic in enumerate(self.topics) if (count := int(self._about[slot, i]))}
        return ItemRow(item, slot, int(self._met[slot]), weeks, topics)

    def restore(self, rows: Sequence[ItemRow]) -> None:
        """Take up the rows of `row`; pairs are put into `together` and `followed` afterwards."""
        placed = sorted((row for row in rows if row.slot is not None), key=lambda row: row.slot or 0)
        self.waiting = {row.item: row.met for row in rows if row.slot is None and row.met > 0}
        self.newest_week = max((week for row in placed for week in row.weeks), default=0)
        for row in placed:
            slot = self._append(row.item)
            self._met[slot] = row.met
            for week, count in row.weeks.items():
                if week in self._kept_weeks():
                    self._weeks[slot, week % WEEKS] = count
            self._add_topics(slot, row.topics.items())

    def _kept_weeks(self) -> range:
        return range(self.newest_week - WEEKS + 1, self.newest_week + 1)

    def _place(self, item: str) -> int | None:
        slot = self.slots.get(item)
        if slot is not None:
            return slot
        if self.size < self.bounds.items:
            return self._append(item)
        if item in self.waiting or len(self.waiting) < self.bounds.waiting:
            self.waiting[item] = self.waiting.get(item, 0) + 1
            self.changed_items.add(item)
        return None

    def _find(self, item: str) -> int | None:
        slot = self.slots.get(item)
        if slot is None and self.size < self.bounds.items:
            # Its lesson is still on its way.
            return self._append(item)
        if slot is None and item in self.waiting:
            self.waiting[item] -= 1
            self.changed_items.add(item)
        return slot

    def _append(self, item: str) -> int:
        if self.size == len(self._met):
            self._allocate(min(2 * self.size, self.bounds.items))
        slot = len(self.items)
        self.items.append(item)
        self.slots[item] = slot
        return slot

    def _count(self, learnt: Learnt, slot: int, sign: int) -> None:
        self.changed_items.add(learnt.item)
        week = learnt.at_ms // WEEK_MS
        if week > self.newest_week:
            gone = range(max(self.newest_week + 1, week - WEEKS + 1), week + 1)
            self._weeks[:, [past % WEEKS for past in gone]] = 0
            self.newest_week = week
        if week in self._kept_weeks():
            self._weeks[slot, week % WEEKS] += sign
        self._add_topics(slot, ((topic, sign) for topic in learnt.topics))

    def _add_topics(self, slot: int, counts: Iterable[tuple[str, int]]) -> None:
        for topic, count in counts:
            column = self._topic_slots.get(topic)
            if column is None:
                if len(self.topics) == self.bounds.topics:
                    continue
                column = self._topic_slots[topic] = len(self.topics)
                self.topics.append(topic)
            self._about[slot, column] += count

    def _pair(self, before: list[int], learnt: list[int], sign: int) -> None:
        known = set(before)
        new = np.array([slot for slot in dict.fromkeys(learnt) if slot not in known], dtype=np.intp)
        if not len(new):
            return
        old = np.array(list(known), dtype=np.intp)
        # Slots are distinct on each axis, so that plain fancy addition counts every pair.
        self._together[new[:, None], old] += sign
        self._together[old[:, None], new] += sign
        self._together[new[:, None], new] += sign
        self._met[new] += sign
        self.changed_slots.update(new.tolist(), known)
        self.changed_items.update(self.items[slot] for slot in new.tolist())

    def _follow(self, before: list[int], learnt: list[int], sign: int) -> None:
        nearest = before[-len(DISTANCES) :]
        firsts, seconds, amounts = followers(np.array(nearest + learnt, dtype=np.intp), len(nearest))
        # Flat, which is ten times as fast; one pair may come more than once.
        np.add.at(self._followed.reshape(-1), firsts * len(self._followed) + seconds, sign * amounts)
        self.changed_slots.update(firsts.tolist())

    def _hand_over(self, slot: int, item: str) -> None:
        leaving = self.items[slot]
        self.waiting[leaving] = int(self._met[slot])
        self._met[slot] = self.waiting.pop(item)
        for sums in (self._together, self._followed):
            sums[slot, :] = 0
            sums[:, slot] = 0
        self._weeks[slot] = 0
        self._about[slot] = 0
        del self.slots[leaving]
        self.items[slot] = item
        self.slots[item] = slot
        self.derived.clear()
        self.changed_items.update((leaving, item))
        self.changed_slots.update(range(self.size))

    def _allocate(self, capacity: int) -> None:
        self._met = _grown(self._met, capacity)
        self._together = _grown(self._together, capacity, capacity)
        self._followed = _grown(self._followed, capacity, capacity)
        self._weeks = _grown(self._weeks, capacity, WEEKS)
        self._about = _grown(self._about, capacity, self.bounds.topics)


def followers(path: Slots, known: int) -> tuple[Slots, Slots, Counts]:
    """Return which slot was followed by which, and how much that counts, for all of a path behind the first `known`."""
    ends = np.arange(known, len(path))[:, np.newaxis]
    places = ends - np.arange(1, len(DISTANCES) + 1)
    firsts, seconds = path[np.maximum(places, 0)], np.broadcast_to(path[ends], places.shape)
    counts = (places >= 0) & (firsts != seconds)
    return firsts[counts], seconds[counts], np.broadcast_to(_COUNTED, places.shape)[counts]


def _grown(old: NDArray[Number], *shape: int) -> NDArray[Number]:
    new = np.zeros(shape, old.dtype)
    new[tuple(slice(length) for length in old.shape)] = old
    return new
