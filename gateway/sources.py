"""What is said about each source: its consent banner, its events, its item ids, what an acknowledgement is worth."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from gateway.domain import GPC_REFUSES, POWER_CUT
from kit.packs import Pack, PackError, load
from kit.signals import decode_gpp, decode_tcf

# Longer ones are read anew each time: what is remembered is bounded in bytes too.
_MOST_REMEMBERED_BYTES = 4_096

PACK = Path(__file__).parent / "packs" / "sources.yaml"


class Preferences(NamedTuple):
    """What one request allowed and refused, in the order of the pack."""

    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    #: Those of the withdrawn that only a Global Privacy Control signal refused.
    gpc: tuple[str, ...] = ()

    def refusing(self, purposes: tuple[str, ...]) -> "Preferences":
        """Return the same with `purposes` refused by a signal, whatever was said about them."""
        granted = tuple(purpose for purpose in self.granted if purpose not in purposes)
        gpc = tuple(purpose for purpose in purposes if purpose not in self.withdrawn or purpose in self.gpc)
        return Preferences(granted, tuple(dict.fromkeys((*self.withdrawn, *purposes))), gpc)

    def and_also(self, other: "Preferences") -> "Preferences":
        """Return what both say: a refusal by one outweighs what the other allows."""
        withdrawn = tuple(dict.fromkeys((*self.withdrawn, *other.withdrawn)))
        granted = dict.fromkeys((*self.granted, *other.granted))
        return Preferences(tuple(purpose for purpose in granted if purpose not in withdrawn), withdrawn)


class SourceRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said about one source; what is not is as the default says."""

    #: Category names of its consent banner, mapped to purposes.
    consent_categories: dict[str, tuple[str, ...]] | None = None
    #: Purposes of IAB's TCF, by number, mapped to purposes.
    tcf_purposes: dict[int, tuple[str, ...]] | None = None
    #: Number of the vendor that must have consent too; 0 where the source is none.
    tcf_vendor: int | None = None
    #: What an opt-out under IAB's GPP refuses.
    gpp_opt_outs: dict[Literal["sale", "sharing", "targeted_advertising"], tuple[str, ...]] | None = None
    #: What an acknowledgement is to be worth; class 2 where nobody says.
    durability: Literal[1, 2] | None = None
    #: Packs of `vocabularies` beside the first one; all of them where nobody says.
    vocabularies: tuple[str, ...] | None = None
    #: Shapes of its item ids that would pass for somebody's number: "digits-9" to "digits-19".
    item_ids: tuple[str, ...] | None = None

    def over(self, usual: "SourceRules") -> "SourceRules":
        """Return the same, with what is not said as `usual` says."""
        said = {name: told for name, told in msgspec.structs.asdict(self).items() if told is not None}
        return msgspec.structs.replace(usual, **said)


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


class ConsentStrings:
    """TCF and GPP strings of one source, mapped to purposes."""

    def __init__(self, purposes: tuple[str, ...], rules: SourceRules, gpc_refuses: tuple[str, ...]) -> None:
        self._purposes = purposes
        self._tcf = rules.tcf_purposes or {}
        self._vendor = rules.tcf_vendor or 0
        self._gpp = rules.gpp_opt_outs or {}
        self._gpc_refuses = gpc_refuses
        for name, meant in (*self._tcf.items(), *self._gpp.items()):
            if not set(meant) <= set(purposes):
                raise PackError(f"consent string, {name}: unknown purpose")
        self.read_tcf = lru_cache(maxsize=256)(self._read_tcf)
        self.read_gpp = lru_cache(maxsize=256)(self._read_gpp)

    def _read_tcf(self, text: str) -> Preferences:
        said = decode_tcf(text)
        is_ours = not self._vendor or said.allows_vendor(self._vendor)
        allowed = {purpose for number in said.consented if is_ours for purpose in self._tcf.get(number, ())}
        numbers = said.refused if is_ours else said.refused | said.consented
        refused = {purpose for number in numbers for purpose in self._tcf.get(number, ())}
        return self._ordered(allowed - refused, refused)

    def _read_gpp(self, text: str) -> Preferences:
        said = decode_gpp(text)
        out = said.opted_out
        names = {"sale": out.sale, "sharing": out.sharing, "targeted_advertising": out.targeted_advertising}
        refused = {purpose for name, meant in self._gpp.items() if names[name] for purpose in meant}
        read = self._ordered(set(), refused)
        if said.tcf:
            read = read.and_also(self._read_tcf(said.tcf))
        return read.refusing(self._gpc_refuses) if out.gpc else read

    def _ordered(self, allowed: set[str], refused: set[str]) -> Preferences:
        return Preferences(
            tuple(purpose for purpose in self._purposes if purpose in allowed),
            tuple(purpose for purpose in self._purposes if purpose in refused),
        )


class Sources:
    """The rules of every source."""

    def __init__(self, pack: SourcesPack) -> None:
        self._default = pack.default
        self._rules = {id_: rules.over(pack.default) for id_, rules in pack.sources.items()}
        self._strings = {id_: ConsentStrings(pack.purposes, rules, GPC_REFUSES) for id_, rules in self._rules.items()}
        self._usual_strings = ConsentStrings(pack.purposes, pack.default, GPC_REFUSES)
        self._usual = ConsentCategories(pack.purposes, pack.default.consent_categories or {})
        self._categories = {
            id_: ConsentCategories(pack.purposes, rules.consent_categories)
            for id_, rules in pack.sources.items()
            if rules.consent_categories is not None
        }

    @property
    def every(self) -> tuple[SourceRules, ...]:
        """What is said about any source."""
        return (self._default, *self._rules.values())

    @property
    def durability_classes(self) -> frozenset[int]:
        """Every class that some source asks for."""
        return frozenset(rules.durability or POWER_CUT for rules in self.every)

    def rules(self, source: str) -> SourceRules:
        """Return what is said about a source, the default's for one that is not listed."""
        return self._rules.get(source, self._default)

    def consent_categories(self, source: str) -> ConsentCategories:
        """Return what the banner of a source means."""
        return self._categories.get(source, self._usual)

    def consent_strings(self, source: str) -> ConsentStrings:
        """Return what the TCF and GPP strings of a source mean."""
        return self._strings.get(source, self._usual_strings)

    def durability_class(self, source: str) -> int:
        """Return what an acknowledgement to a source is to be worth."""
        return self.rules(source).durability or POWER_CUT


def load_sources(path: Path = PACK) -> Sources:
    """Return the pack in `path`; raises PackError naming what is wrong with it."""
    return Sources(load(path, SourcesPack))
