"""What is set for each source: what its consent banner means, and what an acknowledgement is to be worth."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from gateway.domain import POWER_CUT
from kit.packs import Pack, PackError, load

PACK = Path(__file__).parent / "packs" / "sources.yaml"


class Preferences(NamedTuple):
    """What one request allowed and refused, in the order of the pack."""

    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    def refusing(self, purposes: tuple[str, ...]) -> "Preferences":
        """Return the same with `purposes` refused, whatever was said about them."""
        granted = tuple(purpose for purpose in self.granted if purpose not in purposes)
        return Preferences(granted, tuple(dict.fromkeys((*self.withdrawn, *purposes))))


class SourceRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said about one source; what is not is as the default says."""

    consent_categories: dict[str, tuple[str, ...]] | None = None
    durability: Literal[1, 2] | None = None


class SourcesPack(Pack, frozen=True, kw_only=True):
    """The file."""

    purposes: tuple[str, ...]
    default: SourceRules
    sources: dict[str, SourceRules]


class ConsentCategories:
    """Category names of one source, mapped to purposes."""

    def __init__(self, purposes: tuple[str, ...], categories: Mapping[str, tuple[str, ...]]) -> None:
        self._purposes = purposes
        self._meaning: dict[str, tuple[str, ...]] = {purpose: (purpose,) for purpose in purposes}
        for category, meant in categories.items():
            if not set(meant) <= set(purposes):
                raise PackError(f"consent category {category}: unknown purpose")
            self._meaning[category.lower()] = meant
        self.read = lru_cache(maxsize=256)(self._read)

    def _read(self, preferences: bytes) -> Preferences:
        """Return what a `categoryPreferences` object (JSON) says; raises msgspec.MsgspecError when it is none."""
        said: dict[str, Any] = msgspec.json.decode(preferences, type=dict[str, Any])
        allowed: set[str] = set()
        refused: set[str] = set()
        for category, answer in said.items():
            if answer is True:
                allowed.update(self._meaning.get(category.lower(), ()))
            elif answer is False:
                refused.update(self._meaning.get(category.lower(), ()))
        # Two categories may speak of one purpose: a refusal wins.
        return Preferences(
            tuple(purpose for purpose in self._purposes if purpose in allowed - refused),
            tuple(purpose for purpose in self._purposes if purpose in refused),
        )


class Sources:
    """The rules of every source."""

    def __init__(self, pack: SourcesPack) -> None:
        usual = ConsentCategories(pack.purposes, pack.default.consent_categories or {})
        self._default = usual, pack.default.durability or POWER_CUT
        self._by_id = {id_: self._rules(pack, rules) for id_, rules in pack.sources.items()}

    @property
    def durability_classes(self) -> frozenset[int]:
        """Every class that some source asks for."""
        return frozenset(durability for _, durability in (self._default, *self._by_id.values()))

    def consent_categories(self, source: str) -> ConsentCategories:
        """Return the rules of a source, the default's for one that is not listed."""
        return self._by_id.get(source, self._default)[0]

    def durability_class(self, source: str) -> int:
        """Return what an acknowledgement to a source is to be worth, the default's for one that is not listed."""
        return self._by_id.get(source, self._default)[1]

    def _rules(self, pack: SourcesPack, rules: SourceRules) -> tuple[ConsentCategories, int]:
        usual, durability = self._default
        said = rules.consent_categories
        categories = usual if said is None else ConsentCategories(pack.purposes, said)
        return categories, rules.durability or durability


def load_sources(path: Path = PACK) -> Sources:
    """Return the pack in `path`; raises PackError naming what is wrong with it."""
    return Sources(load(path, SourcesPack))
