"""Answers that were given a moment ago, given again while no hint has named what they are about.

A fence says what is allowed and forgets nothing; what an answer is made of may change without it. Whoever changes that
hints whose it is, by names, and a hint may be lost: so nothing is older than ten seconds, and nothing outlives the
connection on which hints come.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
V = TypeVar("V")
_MOST_AGE_MS = 10_000
#: Names hinted of late, so that an answer that was begun before its hint is told from the others.
_MOST_HINTED = 20_000


@dataclass(frozen=True, slots=True)
class Known(Generic[V]):
    """An answer, the names under which hints drop it, and when it was read."""

    names: tuple[bytes, ...]
    answer: V
    at_ms: int


class Familiar(Generic[Q, V]):
    """Answers by question, at most `most` of them; those used longest ago go.

    `connection` numbers the connection on which hints come, None while there is none.
    """

    def __init__(self, most: int, connection: Callable[[], int | None]) -> None:
        self._most = most
        self._connection = connection
        self._connected = connection()
        self._known: OrderedDict[Q, Known[V]] = OrderedDict()
        self._asked_of: dict[bytes, set[Q]] = {}
        self._hints = 0
        self._hinted: dict[bytes, int] = {}
        #: Of reads that began before so many hints nobody knows whether they were named.
        self._remembers_from = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def hints(self) -> int:
        """How many hints were heard: to be noted before what is to be kept is read."""
        connected = self._connection()
        if connected is None or connected != self._connected:
            self._connected = connected
            self._known.clear()
            self._asked_of.clear()
            self._begin_again()
        return self._hints

    def get(self, question: Q, now_ms: int) -> V | None:
        """Return what is known; to be asked behind `hints`."""
        known = self._known.get(question)
        if known is None:
            return None
        if now_ms - known.at_ms > _MOST_AGE_MS:
            self._drop(question)
            return None
        self._known.move_to_end(question)
        return known.answer

    def keep(self, question: Q, known: Known[V], hints: int) -> None:
        """Keep an answer whose reading began when there were so many hints, unless one has named it since."""
        if self.hints < hints or self._connected is None or hints < self._remembers_from:
            return
        if any(self._hinted.get(name, 0) > hints for name in known.names):
            return
        self._drop(question)
        self._known[question] = known
        for name in known.names:
            self._asked_of.setdefault(name, set()).add(question)
        while len(self._known) > self._most:
            self._drop(next(iter(self._known)))

    def hint(self, names: Iterable[bytes]) -> None:
        """Drop what is known under these names."""
        self._hints += 1
        for name in names:
            self._hinted[name] = self._hints
            for question in list(self._asked_of.get(name, ())):
                self._drop(question)
        if len(self._hinted) > _MOST_HINTED:
            self._begin_again()

    def _begin_again(self) -> None:
        self._hints += 1
        self._hinted.clear()
        self._remembers_from = self._hints

    def _drop(self, question: Q) -> None:
        known = self._known.pop(question, None)
        if known is None:
            return
        for name in known.names:
            asked = self._asked_of[name]
            asked.discard(question)
            if not asked:
                del self._asked_of[name]
