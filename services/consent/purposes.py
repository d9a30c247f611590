"""The purposes there are, read from a pack."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from kit.packs import Pack, load
from services.consent.domain import Purpose, PurposeAlwaysOnError, UnknownPurposeError

PACK = Path(__file__).parent / "packs" / "purposes.yaml"


class PurposeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One purpose in the pack."""

    id: str
    version: int
    floor: int = 1
    default: Literal["off", "always_on"]
    dpv: str
    legal_basis: str
    gpc: Literal["deny", "silent"] = "silent"
    description: dict[Literal["de", "en"], str]


class PurposePack(Pack, frozen=True, kw_only=True):
    """All purposes, in the order people see them."""

    purposes: tuple[PurposeEntry, ...]


class Purposes:
    """The purposes of one pack, by id and in order."""

    def __init__(self, version: str, purposes: Iterable[Purpose]) -> None:
        self.version = version
        self.ordered = tuple(purposes)
        self._by_id = {purpose.id: purpose for purpose in self.ordered}

    def find(self, purpose: str) -> Purpose | None:
        return self._by_id.get(purpose)

    def known(self, purposes: Iterable[str]) -> list[Purpose]:
        """Return the purposes asked for, each once; raises UnknownPurposeError."""
        found = []
        for purpose in dict.fromkeys(purposes):
            if purpose not in self._by_id:
                raise UnknownPurposeError("no such purpose in the pack", field="purposes")
            found.append(self._by_id[purpose])
        return found

    def withdrawable(self, purposes: tuple[str, ...]) -> list[Purpose]:
        """Return the purposes asked for, or all that can be withdrawn; raises PurposeAlwaysOnError."""
        if not purposes:
            return [purpose for purpose in self.ordered if not purpose.is_always_on]
        found = self.known(purposes)
        if any(purpose.is_always_on for purpose in found):
            raise PurposeAlwaysOnError("this purpose cannot be withdrawn", field="purposes")
        return found


def load_purposes(path: Path = PACK) -> Purposes:
    """Read the pack at `path`; raises PackError."""
    pack = load(path, PurposePack)
    return Purposes(
        pack.version,
        (Purpose(each.id, each.version, each.floor, each.default == "always_on") for each in pack.purposes),
    )
