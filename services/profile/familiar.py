"""Personas that were read a moment ago: read again from memory while their consents stand and their facet is as it was.

What is allowed is asked anew with every read, under the fence. What is kept is what was opened and derived for the
same answers. A hint of the folder drops it; hints may be lost, so nothing is older than ten seconds, and nothing
outlives the connection on which hints come.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from services.profile.domain import Decision, Persona, Subject

T = TypeVar("T")
_MOST_AGE_MS = 10_000


class Question(NamedTuple):
    """What was read of whom, under which purposes; the first is that of the view."""

    subject: Subject
    purposes: tuple[str, ...]
    with_view: bool
    with_signals: bool


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer, whom it is about, what was allowed then, and when it was read."""

    persona: Persona
    decisions: Sequence[Decision]
    answer: T
    at_ms: int


class Familiar(Generic[T]):
    """Answers of type T, at most `most` of them; those used longest ago go.

    `connection` numbers the connection on which hints come, None while there is none.
    """

    def __init__(self, most: int, connection: Callable[[], int | None]) -> None:
        self._most = most
        self._connection = connection
        self._connected = connection()
        self._known: OrderedDict[Question, Known[T]] = OrderedDict()
        self._asked_of: dict[bytes, set[Question]] = {}
        self._hints = 0

    @property
    def hints(self) -> int:
        """How many hints were heard. What was read while one came in may be of before it."""
        connected = self._connection()
        if connected is None or connected != self._connected:
            self._connected = connected
            self._hints += 1
            self._known.clear()
            self._asked_of.clear()
        return self._hints

    def get(self, question: Question, now_ms: int) -> Known[T] | None:
        """Return what is known; to be asked behind `hints`."""
        known = self._known.get(question)
        if known is None:
            return None
        if now_ms - known.at_ms > _MOST_AGE_MS:
            self._drop(question)
            return None
        self._known.move_to_end(question)
        return known

    def keep(self, question: Question, known: Known[T], hints: int) -> None:
        """Keep an answer whose reading began when there were so many hints."""
        if hints != self.hints or self._connected is None:
            return
        self._drop(question)
        self._known[question] = known
        self._asked_of.setdefault(known.persona.pid, set()).add(question)
        while len(self._known) > self._most:
            self._drop(next(iter(self._known)))

    def hint(self, pids: Iterable[bytes]) -> None:
        """Drop what is known of personas whose facets have grown, or whom an id no longer stands for."""
        self._hints += 1
        for pid in pids:
            for question in list(self._asked_of.get(pid, ())):
                self._drop(question)

    def _drop(self, question: Question) -> None:
        known = self._known.pop(question, None)
        if known is None:
            return
        asked = self._asked_of[known.persona.pid]
        asked.discard(question)
        if not asked:
            del self._asked_of[known.persona.pid]
