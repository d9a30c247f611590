"""The purposes there are, read from a pack."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from kit.packs import Pack, load
from services.consent.domain import Purpose, PurposeAlwaysOnError, UnknownPurposeError

PACK = Path(__file__).parent / "packs" / "purposes.yaml"
#: The other side of a purpose that there is per brand or per pair: "link.cross_world@world:mall".
_OTHER_SIDE = {"brand": re.compile(r"brand:[a-z0-9-]{1,64}"), "pair": re.compile(r"(app|world):[A-Za-z0-9._-]{1,74}")}


class PurposeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One purpose in the pack."""

    id: str
    version: int
    floor: int = 1
    default: Literal["off", "always_on"]
    dpv: str
    legal_basis: str
    gpc: Literal["deny", "silent"] = "silent"
    #: Whether a consent may name one brand, or one other audience; a consent that names none is to the brand itself.
    per: Literal["", "brand", "pair"] = ""
    #: Categories of personal data, terms of DPV's extension for them.
    data: tuple[str, ...] = ()
    #: Who else receives it: terms of DPV. None where it stays in the house.
    recipients: tuple[str, ...] = ()
    description: dict[Literal["de", "en"], str]


class PurposePack(Pack, frozen=True, kw_only=True):
    """All purposes, in the order people see them."""

    purposes: tuple[PurposeEntry, ...]


class Purposes:
    """The purposes of one pack, by id and in order."""

    def __init__(self, pack: PurposePack) -> None:
        self.version = pack.version
        self.entries = {entry.id: entry for entry in pack.purposes}
        self.ordered = tuple(_purpose(entry) for entry in pack.purposes)
        self._by_id = {purpose.id: purpose for purpose in self.ordered}

    def find(self, purpose: str) -> Purpose | None:
        """Return a purpose, also one that names its other side: that is a purpose of its own, as the pack has it."""
        found = self._by_id.get(purpose)
        return found if found is not None else self._named(purpose)

    def _named(self, purpose: str) -> Purpose | None:
        id_, _, other_side = purpose.partition("@")
        entry = self.entries.get(id_)
        pattern = _OTHER_SIDE.get(entry.per) if entry else None
        return replace(self._by_id[id_], id=purpose) if pattern and pattern.fullmatch(other_side) else None

    def has_sides(self, purpose: Purpose) -> bool:
        """Tell whether consents under this purpose may name others."""
        return purpose.id in self.entries and bool(self.entries[purpose.id].per)

    def known(self, purposes: Iterable[str]) -> list[Purpose]:
        """Return the purposes asked for, each once; raises UnknownPurposeError."""
        found = []
        for purpose in dict.fromkeys(purposes):
            known = self.find(purpose)
            if known is None:
                raise UnknownPurposeError("no such purpose in the pack", field="purposes")
            found.append(known)
        return found

    def refused_under_gpc(self, but: Collection[str]) -> list[Purpose]:
        """Return what a Global Privacy Control signal refuses, but for some."""
        return [purpose for purpose in self.ordered if purpose.refuses_under_gpc and purpose.id not in but]

    def withdrawable(self, purposes: tuple[str, ...]) -> list[Purpose]:
        """Return the purposes asked for, or all that can be withdrawn; raises PurposeAlwaysOnError."""
        if not purposes:
            return [purpose for purpose in self.ordered if not purpose.is_always_on]
        found = self.known(purposes)
        if any(purpose.is_always_on for purpose in found):
            raise PurposeAlwaysOnError("this purpose cannot be withdrawn", field="purposes")
        return found


def _purpose(entry: PurposeEntry) -> Purpose:
    return Purpose(entry.id, entry.version, entry.floor, entry.default == "always_on", entry.gpc == "deny")


def load_purposes(path: Path = PACK) -> Purposes:
    """Read the pack at `path`; raises PackError."""
    return Purposes(load(path, PurposePack))
