"""The newest lessons of some personas, in memory alone: what a brand's own mixes are chosen by.

Nothing of it is saved. What a persona was taught by is told again when it is taken back, and then leaves here too.
"""

from services.recommendation.domain import Lesson

#: A lesson tells of at most so many items met before; that many at the end of a path tell whose next lesson it is.
_REMEMBERED = 128
#: Newer interactions of one persona than these are enough to ask about.
_MOST_LEARNT = 256


class Sample:
    """One growing lesson for each persona, the one that grew last at the end; bounded."""

    def __init__(self, personas: int) -> None:
        self._personas = personas
        self._lessons: dict[tuple[str, ...], Lesson] = {}

    def lessons(self) -> list[Lesson]:
        """Return what is kept."""
        return list(self._lessons.values())

    def take(self, lesson: Lesson) -> None:
        """Keep a lesson, joined to that of the persona who had met just what came before it."""
        earlier = self._lessons.pop(lesson.before, None) if lesson.before else None
        grown = lesson if earlier is None else _joined(earlier, lesson)
        tail = (*lesson.before, *(learnt.item for learnt in lesson.learnt))[-_REMEMBERED:]
        self._lessons.pop(tail, None)
        self._lessons[tail] = grown
        if len(self._lessons) > self._personas:
            del self._lessons[next(iter(self._lessons))]

    def forget(self, lesson: Lesson) -> None:
        """Drop whatever the lesson may be part of."""
        gone = {learnt.item for learnt in lesson.learnt}
        self._lessons = {
            tail: kept for tail, kept in self._lessons.items() if gone.isdisjoint(each.item for each in kept.learnt)
        }


def _joined(earlier: Lesson, later: Lesson) -> Lesson:
    learnt = earlier.learnt + later.learnt
    before = (*earlier.before, *(each.item for each in learnt[:-_MOST_LEARNT]))[-_REMEMBERED:]
    return Lesson(before, learnt[-_MOST_LEARNT:])
