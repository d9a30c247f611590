"""Which relationship a persona wants with the brand: derived from traits while reading, by the pack of the brand."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from relationships.evidence import evidence
from relationships.pack import UNKNOWN, RelationshipPack, named_pack
from relationships.state import NOTHING_KNOWN, Action, Declared, Evidence, Relationship, relationship
from services.profile.brands import ByBrand, load_by_brand
from services.profile.choices import Choices, Declaration
from services.profile.domain import KIND_NAMES, Kind
from services.profile.domain.errors import AssumptionRefusedError, RelationshipUnknownError
from services.profile.traits import Traits
from services.profile.views import View, view

PACK = Path(__file__).parent / "packs" / "relationships.yaml"
# Shares are told in whole percent.
_ABOUT = 0.02


RelationshipPacks = ByBrand[RelationshipPack]


@lru_cache(maxsize=4)
def load_packs(path: Path = PACK) -> RelationshipPacks:
    """Return the packs that are named in `path`; raises PackError."""
    return load_by_brand(path, named_pack)


def relationship_of(pack: RelationshipPack, traits: Traits, chosen: Choices, at_ms: int) -> Relationship:
    """Return what may be acted upon. Whoever objects to it is known by what they declared alone."""
    said = chosen.declared
    declared = None if said is None else Declared(said.type, said.family)
    if "relationship" in chosen.objections:
        return NOTHING_KNOWN if declared is None else relationship(pack, (), at_ms, declared=declared)
    return relationship(pack, heard(traits), at_ms, actions=actions(traits), declared=declared)


def worded(pack: RelationshipPack, traits: Traits, chosen: Choices, at_ms: int) -> Relationship:
    """Return what follows from words and declaration alone, to be compared with what was done."""
    said = chosen.declared
    declared = None if said is None else Declared(said.type, said.family)
    return relationship(pack, heard(traits), at_ms, declared=declared)


def seen(pack: RelationshipPack, traits: Traits, chosen: Choices, at_ms: int) -> View:
    """Return the view with the family of the relationship, which is all of it that an audience may be told."""
    family = relationship_of(pack, traits, chosen, at_ms).family
    return replace(chosen.told(view(traits, at_ms)), relationship="" if family == UNKNOWN else family)


def declaration(pack: RelationshipPack, type_id: str, at_ms: int) -> Declaration | None:
    """Return what a person declares, None for nothing; raises RelationshipUnknownError."""
    if not type_id:
        return None
    if type_id not in pack.types:
        raise RelationshipUnknownError("the brand's pack has no such type", field="type", limit=", ".join(pack.types))
    return Declaration(type_id, pack.types[type_id].family, at_ms)


def heard(traits: Traits) -> list[Evidence]:
    """Return what was said in words."""
    return [evidence(each.at, each.mid, each.stances) for each in traits.heard]


def actions(traits: Traits) -> list[Action]:
    """Return what was done of late."""
    done = [Action(each.at, each.mid, KIND_NAMES[each.kind]) for each in traits.last]
    return done + [Action(each.at, each.group, KIND_NAMES[Kind.JOINED]) for each in traits.groups]


def assumption(pack: RelationshipPack, told: Mapping[str, float]) -> dict[str, float]:
    """Return what a brand assumes of each type, which adds up to 1: what it says, or what the pack does.

    Raises AssumptionRefusedError.
    """
    if unknown := sorted(told.keys() - pack.types.keys()):
        raise AssumptionRefusedError(f"there is no type {unknown[0]}", field="assumed", limit=", ".join(pack.types))
    shares = {name: told.get(name, 0.0) if told else each.prior.share for name, each in pack.types.items()}
    total = math.fsum(shares.values())
    if min(shares.values()) < 0 or (told and abs(total - 1) > _ABOUT) or not total > 0:
        raise AssumptionRefusedError("shares are from 0 on, and add up to 1", field="assumed", limit="1")
    return {name: share / total for name, share in shares.items()}
