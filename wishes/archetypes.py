"""What groups of customers wish for, market by market: packs whose cells say what they rest on, and until when."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from kit import packs
from kit.packs import Label, Pack, Words

PACKS = Path(__file__).parent / "packs"
#: Of fewer people nothing is said.
LEAST_PEOPLE = 20
_Id = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
_Share = Annotated[float, Meta(ge=0, le=1)]


class Archetype(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One group in one market: shares of its people who wish for a topic, how many were asked, when, and by whom."""

    wishes: dict[_Id, _Share]
    people: Annotated[int, Meta(ge=LEAST_PEOPLE)]
    asked_on: dt.date
    expires_on: dt.date
    source: Words


class ArchetypePack(Pack, frozen=True, kw_only=True):
    """The file. A cell that is not there is empty: nothing is known, and nothing is taken from the next one."""

    source: Words
    groups: dict[_Id, Label]
    markets: dict[_Id, Label]
    #: By market, then by group.
    cells: dict[_Id, dict[_Id, Archetype]]

    def archetype(self, market: str, group: str, on: dt.date) -> Archetype | None:
        """Return what is known of a group in a market on a day; None where nothing is, or where it has expired."""
        found = self.cells.get(market, {}).get(group)
        return found if found is not None and found.asked_on <= on < found.expires_on else None


def read_pack(path: Path) -> ArchetypePack:
    """Return the pack in a file; raises PackError that names the field and the limit."""
    return packs.checked(path, ArchetypePack, _problems)


def named_pack(name: str) -> ArchetypePack:
    """Return a pack that ships with the platform."""
    return read_pack(packs.named(PACKS, name))


def shipped() -> tuple[str, ...]:
    """Return the names of those."""
    return packs.shipped(PACKS)


def _problems(pack: ArchetypePack) -> Iterator[str]:
    for market, groups in pack.cells.items():
        if market not in pack.markets:
            yield f"cells.{market}: it is not among markets"
        for group, cell in groups.items():
            if group not in pack.groups:
                yield f"cells.{market}.{group}: it is not among groups"
            if not cell.wishes:
                yield f"cells.{market}.{group}.wishes: an empty cell is left out"
            if cell.expires_on <= cell.asked_on:
                yield f"cells.{market}.{group}.expires_on: it must be after asked_on, {cell.asked_on}"
