"""A facet and the blocks behind it, read as one: traits are a monoid, so what a facet has not taken in is added."""

from collections.abc import Iterable
from typing import NamedTuple

from kit.sealing import SealingKey
from services.profile import sealed, stored
from services.profile.domain import Interaction, Persona
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

# At one of these a facet takes its tail in; a read opens and folds less than that.
MOST_BLOCKS = 64
MOST_EVENTS = 256


class Standing(NamedTuple):
    """How a facet stands: the number of its last block, that of the last one it has taken in, the events behind it."""

    last: int
    taken: int
    behind: int

    def appended(self, events: int) -> "Standing":
        """Return how it stands with one block more."""
        return Standing(self.last + 1, self.taken, self.behind + events)

    @property
    def is_due(self) -> bool:
        """True when the facet is to take in what is behind it; the first block of all makes a facet."""
        return not self.taken or self.last - self.taken >= MOST_BLOCKS or self.behind >= MOST_EVENTS

    @property
    def settled(self) -> "Standing":
        """How it stands once it has."""
        return Standing(self.last, self.last, 0)


#: There is no facet yet.
NOWHERE = Standing(0, 0, 0)


class Tailed(NamedTuple):
    """A facet as it lies: its sealed body, its last block by number; number, id and body of those behind."""

    body: bytes
    blocks: int
    tail: list[tuple[int, bytes, bytes]]

    @property
    def last(self) -> int:
        """Number of the last block there is."""
        return max((number for number, _, _ in self.tail), default=self.blocks)


def whole(key: SealingKey, persona: Persona, lying: Tailed, weights: Weights) -> Traits:
    """Return all that is folded of a facet; raises UnsealableError."""
    traits = sealed.open_facet(key, persona, lying.body)
    if lying.tail:
        absorb(traits, _behind(key, persona, lying), weights)
    return traits


def _behind(key: SealingKey, persona: Persona, lying: Tailed) -> Iterable[Interaction]:
    for _, block_id, body in lying.tail:
        yield from stored.decode(sealed.open_block(key, persona, block_id, body))
