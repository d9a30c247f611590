"""What personas become by their new interactions: a block each, and a facet anew for whoever is far behind."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kit.sealing import SealingKey
from services.profile import sealed
from services.profile.domain import Interaction, Persona
from services.profile.folding import Lesson, Share, lesson_of
from services.profile.hot import Open
from services.profile.repository.facets import Block, Facet, Sealed
from services.profile.segments import Decided
from services.profile.tails import NOWHERE, Standing, Tailed, whole
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

# Sealing thousands of blocks takes a good part of a second; the fold before this one and keep-alives want their turn.
_TURN = 32


@dataclass(slots=True)
class Grown:
    """What a fold has made of its shares: to be written, and by pid for the folds behind it."""

    facets: list[Facet] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    #: The traits of those that models learn from.
    traits: dict[bytes, Open] = field(default_factory=dict)
    standings: dict[bytes, Standing] = field(default_factory=dict)
    interactions: dict[bytes, list[Interaction]] = field(default_factory=dict)
    #: The traits of those whose memberships are to be decided, as they are now.
    wishing: dict[bytes, Traits] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ground:
    """What shares grow on: how facets stand, the traits that are at hand, and who may be learnt from."""

    standings: Mapping[bytes, Standing]
    traits: Mapping[bytes, Open]
    researching: frozenset[bytes]
    #: Whose wishes may be others now, and who may be counted among those who share them.
    wishing: frozenset[bytes] = frozenset()

    def standing(self, share: Share) -> Standing:
        """Return how the facet stands with the block of this share."""
        return self.standings.get(share.bound.persona.pid, NOWHERE).appended(len(share.interactions))

    def unopened(self, shares: Iterable[Share]) -> list[Persona]:
        """Return those whose facet is there and has to be opened."""
        personas = ((share.bound.persona, share) for share in shares)
        return [
            persona
            for persona, share in personas
            if persona.pid in self.standings
            and persona.pid not in self.traits
            and (persona.pid in self.researching or persona.pid in self.wishing or self.standing(share).is_due)
        ]


def in_order(shares: Iterable[Share]) -> list[Share]:
    """Return the shares in the order of their keys: neighbours share pages, and writers cannot wait for each other."""
    return sorted(shares, key=lambda share: (share.bound.persona.shard, share.bound.persona.pid))


class Growth:
    """Grows the shares of one fold."""

    def __init__(self, keys: sealed.DataKeys, weights: Weights, ground: Ground, block_id: bytes) -> None:
        self._keys = keys
        self._weights = weights
        self._ground = ground
        self._block_id = block_id
        self._grown = Grown()

    async def grow(self, shares: Sequence[Share], loaded: Mapping[bytes, Tailed], before: Grown) -> Grown:
        """Return what becomes of all shares.

        `loaded` are the facets of `ground.unopened`; the fold `before` may not have committed when they were read.
        """
        for number, share in enumerate(shares):
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            key, pid = self._keys.of(share.bound), share.bound.persona.pid
            opened = self._ground.traits.get(pid)
            if opened is None and (pid in loaded or pid not in self._ground.standings):
                opened = self._open(key, share.bound.persona, loaded.get(pid), before)
            self._grow(key, share, opened)
        return self._grown

    def _open(self, key: SealingKey, persona: Persona, lying: Tailed | None, before: Grown) -> Open:
        traits = Traits() if lying is None else whole(key, persona, lying, self._weights)
        standing = before.standings.get(persona.pid)
        if standing is not None and (lying is None or lying.last < standing.last):
            absorb(traits, before.interactions[persona.pid], self._weights)
        return Open(traits, 0 if lying is None else len(lying.body))

    def _grow(self, key: SealingKey, share: Share, opened: Open | None) -> None:
        grown, persona = self._grown, share.bound.persona
        standing, taught = self._ground.standing(share), len(grown.lessons)
        if opened is not None:
            is_learnt_from = persona.pid in self._ground.researching
            if is_learnt_from and (lesson := lesson_of(opened.traits, share.interactions, self._weights)):
                grown.lessons.append(lesson)
            absorb(opened.traits, share.interactions, self._weights)
            if persona.pid in self._ground.wishing:
                grown.wishing[persona.pid] = opened.traits
            if standing.is_due:
                facet = sealed.seal_facet(key, persona, opened.traits)
                grown.facets.append(Facet(self._sealed(share, facet), standing.last))
                opened, standing = Open(opened.traits, len(facet)), standing.settled
            if is_learnt_from:
                grown.traits[persona.pid] = opened
        block = sealed.seal_block(key, persona, self._block_id, share.interactions)
        is_taught = len(grown.lessons) > taught
        grown.blocks.append(Block(self._sealed(share, block), standing.last, len(share.interactions), is_taught))
        grown.standings[persona.pid] = standing
        grown.interactions[persona.pid] = share.interactions

    def _sealed(self, share: Share, body: bytes) -> Sealed:
        persona = share.bound.persona
        return Sealed(persona.shard, persona.pid, body, share.bound.key_id, sealed.CODEC)
