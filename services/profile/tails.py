"""A facet and the blocks behind it, read as one: traits are a monoid, so what a facet has not taken in is added."""

from collections.abc import Iterable
from typing import NamedTuple

from services.profile import sealed, stored
from services.profile.domain import Interaction, Persona
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

#: Events behind it at which a facet takes all of them in. A read folds fewer than that.
MOST_BEHIND = 32


class Standing(NamedTuple):
    """Number of a facet's last block, and the events that the facet has not taken in."""

    blocks: int
    behind: int


class Tailed(NamedTuple):
    """A facet as it lies: its sealed body and the number of the last block in it; number, id and body of those behind."""

    body: bytes
    blocks: int
    tail: list[tuple[int, bytes, bytes]]

    @property
    def last(self) -> int:
        """Number of the last block there is."""
        return max((number for number, _, _ in self.tail), default=self.blocks)


def whole(key: bytes, persona: Persona, lying: Tailed, weights: Weights) -> Traits:
    """Return all that is folded of a facet; raises UnsealableError."""
    traits = sealed.open_facet(key, persona, lying.body)
    if lying.tail:
        absorb(traits, _behind(key, persona, lying), weights)
    return traits


def _behind(key: bytes, persona: Persona, lying: Tailed) -> Iterable[Interaction]:
    for _, block_id, body in lying.tail:
        yield from stored.decode(sealed.open_block(key, persona, block_id, body))
