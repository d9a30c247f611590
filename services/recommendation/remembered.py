"""What is kept of personas that were decided about a moment ago, in memory as it lies in the database: sealed.

It is a guess: whoever decides by it has the database say, as the decision is noted, whether it still holds.
"""

from collections.abc import Iterable, Mapping

from services.recommendation.domain import Circle, Persona
from services.recommendation.repository.decisions import HeldState


class Remembered:
    """Bounded: beyond `most` personas those are forgotten that were decided about longest ago."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Persona, HeldState] = {}

    def of(self, circle: Circle) -> dict[bytes, HeldState]:
        """Return what is remembered of each of a circle, by pid; nothing unless it is all of them."""
        found = {each.persona.pid: held for each in circle if (held := self._held.get(each.persona))}
        return found if len(found) == len(circle) else {}

    def keep(self, circle: Circle, held: Mapping[bytes, HeldState]) -> None:
        """Remember what stands of a circle, also that there is nothing."""
        self.forget(each.persona for each in circle)
        self._held.update((each.persona, held[each.persona.pid]) for each in circle)
        while len(self._held) > self._most:
            del self._held[next(iter(self._held))]

    def forget(self, personas: Iterable[Persona]) -> None:
        """Have them be looked up again."""
        for each in personas:
            self._held.pop(each, None)
