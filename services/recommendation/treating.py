"""How personas are met: by the type of their relationship, where they stand, how they play, what their like wish for.

All of it is in packs: those that ship, and what a brand has fitted or asked itself, in files that are named after it.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from kit.errors import InvalidArgumentError
from kit.packs import PackError
from players import pack as players
from relationships.pack import RelationshipPack, named_pack, shipped
from services.recommendation.deciding import Facts, Moment, Play, Suiting, Suits, Treatment, suits
from services.recommendation.deciding.state import DAY_MS
from services.recommendation.domain import Bought, Signals
from services.recommendation.timing.pack import TimingPack
from wishes import archetypes
from wishes.archetypes import Archetype, ArchetypePack

_UNKNOWN = ""
_HOUR_MS = 3_600_000
#: Purchases of so many personas are foretold once a day and purchase: it takes a third of a millisecond.
_MOST_FORETOLD = 20_000
P = TypeVar("P")
#: How much likelier than usual somebody is to buy again, by when it bought, on a day; None where nobody can say.
Foretelling = Callable[[Bought, int], float | None]


class Like(NamedTuple):
    """The people that a persona is like: the caller vouches for it. Empty for nobody."""

    market: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """Its name in explanations."""
        return f"{self.market}.{self.group}" if self.market else ""


NOBODY = Like()


@dataclass(frozen=True, slots=True)
class Treating:
    """The packs."""

    #: By type of a relationship pack; "" for unknown.
    treatments: Mapping[str, Treatment]
    suiting: Suiting
    #: By "<pack>.<dimension>".
    plays: Mapping[str, Play]
    #: Both by brand.
    timing: Mapping[str, Foretelling] = field(default_factory=dict)
    archetypes: Mapping[str, ArchetypePack] = field(default_factory=dict)
    #: Of brands that have asked nobody.
    usual: ArchetypePack = field(default_factory=lambda: archetypes.named_pack("core"))

    def check(self, brand: str, like: Like) -> None:
        """Raise InvalidArgumentError where the brand's archetypes have no such market or group."""
        pack = self.archetypes.get(brand, self.usual)
        for named, known, name in ((like.market, pack.markets, "market"), (like.group, pack.groups, "group")):
            if named not in known and (like != NOBODY):
                raise InvalidArgumentError(field=name, limit=f"one of {', '.join(known)}; market and group, or neither")

    def suits(self, signals: Signals, like: Like, moment: Moment) -> Suits:
        """Return what suits a persona now."""
        brand, bearing = signals.circle[0].persona.brand, signals.bearing
        cell = self._archetype(brand, like, moment.at_ms)
        facts = Facts(
            bearing,
            signals.bought,
            self._again(brand, signals.bought, moment.at_ms),
            tuple((name, self.plays[name]) for name in bearing.play if name in self.plays),
            like.name if cell else "",
            cell.wishes if cell else {},
            0 if signals.draw_key else len(signals.history),
            is_compared=bool(signals.draw_key),
        )
        return suits(self.suiting, facts, moment)

    def _archetype(self, brand: str, like: Like, at_ms: int) -> Archetype | None:
        on = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).date()
        return self.archetypes.get(brand, self.usual).archetype(like.market, like.group, on) if like.market else None

    def _again(self, brand: str, bought: Bought | None, at_ms: int) -> float | None:
        foretelling = self.timing.get(brand)
        return foretelling(bought, at_ms // DAY_MS) if foretelling and bought else None


def every_treatment(default: str) -> dict[str, Treatment]:
    """Return the treatments of one pack by type, and of all that ship by "<pack>.<type>"."""
    packs = [named_pack(name) for name in shipped()]
    named = {f"{pack.id}.{name}": each for pack in packs for name, each in treatments(pack).items() if name}
    return {**treatments(named_pack(default)), **named}


def treatments(pack: RelationshipPack) -> dict[str, Treatment]:
    """Return the treatment of each type; "" and "unknown" for those of whom it is not known."""
    unknown = _treatment(pack, "unknown", is_protective=False)
    known = {name: _treatment(pack, name, is_protective=each.protective) for name, each in pack.types.items()}
    return {_UNKNOWN: unknown, "unknown": unknown, **known}


def every_play() -> dict[str, Play]:
    """Return what suits each dimension of the player packs that ship, by "<pack>.<dimension>"."""
    packs = [players.named_pack(name) for name in players.shipped()]
    return {
        f"{pack.id}.{name}": Play(each.suits.style, each.suits.topics)
        for pack in packs
        for name, each in pack.dimensions.items()
        if each.suits is not None
    }


def foretelling(pack: TimingPack) -> Foretelling:
    """Return what a brand's timing pack foretells, for as long a time as its chances are most reliable for."""

    @lru_cache(_MOST_FORETOLD)
    def again(bought: Bought, today: int) -> float | None:
        return None if pack.usual is None else pack.chance(bought, today, pack.days) / pack.usual

    return again


def by_brand(folder: Path | None, read: Callable[[Path], P]) -> dict[str, P]:
    """Return what is read of the packs in a folder, by their names, which are those of brands; raises PackError."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise PackError(f"{folder}: there is no such folder")
    return {path.stem: read(path) for path in sorted(folder.glob("*.yaml"))}


def _treatment(pack: RelationshipPack, name: str, *, is_protective: bool) -> Treatment:
    found = pack.treatment_of(name)
    return Treatment(
        found.contacts,
        found.least_gap_hours * _HOUR_MS,
        found.quiet,
        found.style,
        found.content,
        is_protective=is_protective,
    )
