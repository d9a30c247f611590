"""What personas become by their new interactions: opened, folded, and sealed again."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kit.keyring import KeyRing
from services.profile import sealed
from services.profile.folding import Lesson, Share, lesson_of
from services.profile.repository.facets import Block, Sealed
from services.profile.traits import Traits, absorb
from services.profile.weights import Weights

# Sealing thousands of facets takes a good part of a second; the fold before this one and keep-alives want their turn.
_TURN = 32


@dataclass(slots=True)
class Grown:
    """What a fold has made of its shares; the traits and their sizes sealed are for the folds behind it."""

    facets: list[Sealed] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    traits: dict[bytes, tuple[Traits, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """What shares grow on: the traits that are at hand, the facets that lie sealed, and who may be learnt from."""

    traits: Mapping[bytes, Traits]
    facets: Mapping[bytes, Sealed]
    researching: frozenset[bytes]


def in_order(shares: Iterable[Share]) -> list[Share]:
    """Return the shares in the order of their keys: neighbours share pages, and writers cannot wait for each other."""
    return sorted(shares, key=lambda share: (share.bound.persona.shard, share.bound.persona.pid))


async def grow(keyring: KeyRing, weights: Weights, shares: Sequence[Share], ground: Ground, block_id: bytes) -> Grown:
    """Fold every share into the traits of its persona."""
    grown, keys = Grown(), sealed.DataKeys(keyring)
    for number, share in enumerate(shares):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        persona, key_id = share.bound.persona, share.bound.key_id
        key = keys.of(share.bound)
        traits = ground.traits.get(persona.pid)
        if traits is None:
            known = ground.facets.get(persona.pid)
            traits = Traits() if known is None else sealed.open_facet(key, persona, known.body)
        if persona.pid in ground.researching and (lesson := lesson_of(traits, share.interactions, weights)):
            grown.lessons.append(lesson)
        absorb(traits, share.interactions, weights)
        facet = sealed.seal_facet(key, persona, traits)
        block = sealed.seal_block(key, persona, block_id, share.interactions)
        grown.traits[persona.pid] = traits, len(facet)
        grown.facets.append(Sealed(persona.shard, persona.pid, facet, key_id, sealed.CODEC))
        grown.blocks.append(
            Block(Sealed(persona.shard, persona.pid, block, key_id, sealed.CODEC), len(share.interactions))
        )
    return grown
