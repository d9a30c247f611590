"""What of a persona is compared with its type: as coarse as a view, and without what the type was told by."""

from relationships.mining import Mined
from relationships.pack import UNKNOWN, RelationshipPack
from services.profile.choices import Choices
from services.profile.relations import worded
from services.profile.traits import Traits
from services.profile.views import View, view

#: Recency beyond a year is one.
_MOST_PERIODS = 12


def mined(pack: RelationshipPack, traits: Traits, chosen: Choices, at_ms: int) -> Mined | None:
    """Return type and traits; None while the type is unknown."""
    # From words and not from deeds: those are what it is compared with.
    known = worded(pack, traits, chosen, at_ms).type
    return None if known == UNKNOWN else Mined(known, facts(chosen.told(view(traits, at_ms))))


def facts(told: View) -> dict[str, int]:
    """Return the traits of a view by name: 1 for what is there, steps of twice as much for what was done."""
    named = {
        "likes": told.likes,
        "dislikes": told.dislikes,
        "wishes": tuple(wish.ref for wish in told.wishes),
        "channel": told.channels,
        "day_part": tuple(filter(None, (told.day_part,))),
    }
    there = {f"{field}.{name}": 1 for field, names in named.items() for name in names}
    done = {f"done.{kind}": at_least.bit_length() for kind, at_least in told.kinds}
    return there | done | {"recency_periods": min(told.recency_periods, _MOST_PERIODS)}
