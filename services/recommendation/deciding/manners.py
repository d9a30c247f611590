"""When speaking unasked is worth it, until answers say otherwise."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kit.packs import Pack

_Share = Annotated[float, Meta(gt=0, lt=1)]
_Positive = Annotated[float, Meta(gt=0)]
_Cost = Annotated[float, Meta(ge=0)]


class Aspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that must fit for an offer to help."""

    fits: _Share
    #: How often an offer helps when it fits, and when it does not.
    helps: tuple[_Share, _Share]
    half_life_days: _Positive
    #: 0 where turning up says nothing.
    presence_days: Annotated[float, Meta(ge=0)]
    #: Share of its moments in which a persona turns up so where it fits, and where it does not; alike it tells nothing.
    #: Of hours: in the stretch of the day for being it, and anywhere.
    turns_up: tuple[_Share, _Share] = (0.5, 0.5)

    def chance(self, fits: float) -> float:
        """Return how often an offer helps as far as this aspect goes."""
        return fits * self.helps[0] + (1.0 - fits) * self.helps[1]


class Aspects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that must fit."""

    topic: Aspect
    hour: Aspect
    channel: Aspect
    strain: Aspect


class Manners(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """packs/manners.yaml: what contacts cost, and what is assumed of everybody."""

    contact_cost: _Cost
    annoyance_cost: _Cost
    curiosity: _Cost
    deviations: _Cost
    activities: dict[str, tuple[_Positive, _Positive]]
    annoys: tuple[_Positive, _Positive]
    aspects: Aspects
    #: Share of the offers that did not help which is refused by whoever is not annoyed at all.
    brushed_off: Annotated[float, Meta(ge=0, le=1)] = 0.0
