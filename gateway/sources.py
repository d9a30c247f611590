"""What is said about each source: what its consent banner means, which events it tells, what its item ids look like."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kit.packs import Pack, PackError, load

# Longer ones are read anew each time: what is remembered is bounded in bytes too.
_MOST_REMEMBERED_BYTES = 4_096

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
    """What is said about one source."""

    #: Category names of its consent banner, mapped to purposes.
    consent_categories: dict[str, tuple[str, ...]]
    #: Packs of `vocabularies` beside the first one; all of them where nothing is said.
    vocabularies: tuple[str, ...] | None = None
    #: Shapes of its item ids that would pass for somebody's number: "digits-9" to "digits-19".
    item_ids: tuple[str, ...] = ()


class SourcesPack(Pack, frozen=True, kw_only=True):
    """The file."""

    purposes: tuple[str, ...]
    default: SourceRules
    sources: dict[str, SourceRules]


class ConsentCategories:
    """Category names of one source, mapped to purposes."""

    def __init__(self, purposes: tuple[str, ...], rules: SourceRules) -> None:
        self._purposes = purposes
        self._meaning: dict[str, tuple[str, ...]] = {purpose: (purpose,) for purpose in purposes}
        for category, meant in rules.consent_categories.items():
            if not set(meant) <= set(purposes):
                raise PackError(f"consent category {category}: unknown purpose")
            self._meaning[category.lower()] = meant
        self._remembered = lru_cache(maxsize=256)(self._read)

    def read(self, preferences: bytes) -> Preferences:
        """Return what a `categoryPreferences` object (JSON) says; raises msgspec.MsgspecError when it is none."""
        return (self._remembered if len(preferences) <= _MOST_REMEMBERED_BYTES else self._read)(preferences)

    def _read(self, preferences: bytes) -> Preferences:
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
        self._rules = pack.sources
        self._default_rules = pack.default
        self._default = ConsentCategories(pack.purposes, pack.default)
        self._by_id = {id_: ConsentCategories(pack.purposes, rules) for id_, rules in pack.sources.items()}

    @property
    def every(self) -> tuple[SourceRules, ...]:
        """What is said about any source."""
        return (self._default_rules, *self._rules.values())

    def rules(self, source: str) -> SourceRules:
        """Return what is said about a source, about others when it is not listed."""
        return self._rules.get(source, self._default_rules)

    def consent_categories(self, source: str) -> ConsentCategories:
        """Return the rules of a source, the default's for one that is not listed."""
        return self._by_id.get(source, self._default)


def load_sources(path: Path = PACK) -> Sources:
    """Return the pack in `path`; raises PackError naming what is wrong with it."""
    return Sources(load(path, SourcesPack))
