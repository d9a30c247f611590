"""Relationship packs: taxonomies as configuration, checked as a whole when they are read.

A pack's types map to families, which all packs share, and to stances, which texts are scored for: so a brand may switch
packs without losing what was learnt.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kit import packs
from kit.packs import Label, Pack, Words

PACKS = Path(__file__).parent / "packs"
#: What is told of a type or a family while nothing may be acted upon.
UNKNOWN = "unknown"
Family = Literal["exchange", "partnership", "power", "affection", "distance"]
#: What a text can say. `none` says nothing of a relationship, and no type has it.
Stance = Literal["buyer_seller", "partner", "ruler", "fan", "adversary"]
Language = Literal["de", "en"]
_Signed = Annotated[float, Meta(ge=-1, le=1)]
_Ratio = Annotated[float, Meta(ge=-3, le=3)]
_Hour = Annotated[int, Meta(ge=0, le=23)]
_MOST_PROBABLE = 1.0 + 1e-6


class Prior(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How common a type was assumed to be, and when. Weak: a few messages outweigh it."""

    share: Annotated[float, Meta(gt=0, lt=1)]
    at: dt.date


class Coordinates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a type lies: hostile … friendly, faint … intense, brand … person has the power, exchange … communal."""

    valence: _Signed
    intensity: Annotated[float, Meta(ge=0, le=1)]
    power: _Signed
    communal: _Signed


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that speak for a type; behind a negation they speak half as strongly against it."""

    lang: Language
    match: Words
    weight: Annotated[float, Meta(gt=0, le=3)]


class Treatment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to meet a persona: contacts the brand may start in 30 days, hours between them, quiet hours [from, to)."""

    contacts: Annotated[int, Meta(ge=0, le=30)]
    least_gap_hours: Annotated[int, Meta(ge=1, le=720)]
    quiet_hours: tuple[_Hour, _Hour]
    style: Words
    content: Words
    timing: Words

    @property
    def quiet(self) -> frozenset[int]:
        """The hours of the day in which the brand starts nothing; equal ends mean all day."""
        start, end = self.quiet_hours
        return frozenset((start + hour) % 24 for hour in range((end - start) % 24 or 24))


class RelationshipType(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One type of the taxonomy."""

    label: Label
    family: Family
    stance: Stance
    provenance: str
    coordinates: Coordinates
    prior: Prior
    prototypes: dict[Language, Annotated[tuple[Words, ...], Meta(min_length=1)]]
    patterns: tuple[Pattern, ...] = ()
    #: Log-likelihood ratio of one interaction of a kind.
    behaviours: dict[str, _Ratio] = {}
    treatment: str
    protective: bool = False
    becomes: tuple[str, ...] = ()


class RelationshipPack(Pack, frozen=True, kw_only=True):
    """The file."""

    source: Words
    #: Who can have named a type; each type says which.
    provenances: dict[str, Words]
    #: What is done while nothing is known: the most reserved treatment but those of protective types.
    unknown: str
    treatments: dict[str, Treatment]
    types: dict[str, RelationshipType]

    def treatment_of(self, type_id: str, family: str = UNKNOWN) -> Treatment:
        """Return how to meet a persona of this type; `unknown` is a type, too.

        Of an unknown type and a known family it is the most reserved treatment that the family has here.
        """
        if type_id != UNKNOWN:
            return self.treatments[self.types[type_id].treatment]
        of_family = [self.treatments[each.treatment] for each in self.types.values() if each.family == family]
        return max(of_family, key=_reserve, default=self.treatments[self.unknown])


def _reserve(treatment: Treatment) -> tuple[int, int, int]:
    return -treatment.contacts, treatment.least_gap_hours, len(treatment.quiet)


def read_pack(path: Path) -> RelationshipPack:
    """Return the pack in a file; raises PackError that names the field and the limit."""
    return packs.checked(path, RelationshipPack, _problems)


def named_pack(name: str) -> RelationshipPack:
    """Return a pack that ships with the platform."""
    return read_pack(packs.named(PACKS, name))


def shipped() -> tuple[str, ...]:
    return packs.shipped(PACKS)


def _problems(pack: RelationshipPack) -> Iterator[str]:
    if not pack.types:
        yield "types: at least one is needed"
    if pack.unknown not in pack.treatments:
        yield f"unknown: treatment {pack.unknown!r} is not among treatments"
        return
    if (total := sum(each.prior.share for each in pack.types.values())) > _MOST_PROBABLE:
        yield f"types.*.prior.share: they sum to {total:.3f}, at most 1 is possible"
    for name, each in pack.types.items():
        yield from _problems_of(name, each, pack)


def _problems_of(name: str, each: RelationshipType, pack: RelationshipPack) -> Iterator[str]:
    at = f"types.{name}"
    if name in {"none", UNKNOWN}:
        yield f"{at}: the name is taken"
    if missing := {"de", "en"} - set(each.prototypes):
        yield f"{at}.prototypes: {', '.join(sorted(missing))} is missing"
    for number, pattern in enumerate(each.patterns):
        try:
            re.compile(pattern.match)
        except re.error as error:
            yield f"{at}.patterns[{number}].match: {error}"
    if each.provenance not in pack.provenances:
        yield f"{at}.provenance: {each.provenance!r} is not among provenances"
    for other in each.becomes:
        if other not in pack.types:
            yield f"{at}.becomes: {other!r} is not a type of this pack"
    if each.treatment not in pack.treatments:
        yield f"{at}.treatment: {each.treatment!r} is not among treatments"
    elif each.protective:
        yield from _louder(f"{at}.treatment", pack.treatments[each.treatment], pack.treatments)


def _louder(at: str, treatment: Treatment, others: Mapping[str, Treatment]) -> Iterator[str]:
    """Tell where a protective type would be contacted more than anybody else of the pack."""
    for name, other in others.items():
        if treatment.contacts > other.contacts:
            yield (
                f"{at}: contacts is {treatment.contacts}, a protective type may have at most {other.contacts} ({name})"
            )
        if treatment.least_gap_hours < other.least_gap_hours:
            yield (
                f"{at}: least_gap_hours is {treatment.least_gap_hours}, a protective type needs at least "
                f"{other.least_gap_hours} ({name})"
            )
        if not treatment.quiet >= other.quiet:
            yield f"{at}: quiet_hours of a protective type must hold those of {name}"
