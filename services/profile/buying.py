"""When a persona bought: what foretells whether it will again, derived while reading."""

from typing import NamedTuple

from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.traits import MAX_BOUGHT_ON, THOUSAND, Traits


class Bought(NamedTuple):
    """On how many days, at most 64; the first and the last of them, counted from 1970 UTC; for how much in all."""

    days: int
    first_day: int
    last_day: int
    spend: float


def bought(traits: Traits) -> Bought | None:
    """Return it; None of who never bought. Facets of before days were kept know those of the newest interactions."""
    tally = traits.kinds.get(int(Kind.BOUGHT))
    if tally is None:
        return None
    days = {*traits.bought_on, *(each.at // DAY_MS for each in traits.last if each.kind == Kind.BOUGHT)}
    count = min(max(1, len(days)), MAX_BOUGHT_ON)
    return Bought(count, tally.first_at // DAY_MS, tally.last_at // DAY_MS, tally.total / THOUSAND)
