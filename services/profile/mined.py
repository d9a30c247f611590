"""What of a persona is compared with its type: as coarse as a view, and without what the type was told by."""

from typing import NamedTuple

from players.pack import PlayerPack
from relationships.mining import Mined
from relationships.pack import UNKNOWN, RelationshipPack
from services.profile.choices import Choices
from services.profile.journey import Journey, Journeys
from services.profile.playing import play_of, pronounced
from services.profile.relations import worded
from services.profile.traits import Traits
from services.profile.views import View, view

#: Recency beyond a year is one.
_MOST_PERIODS = 12
#: Steps of the switching risk.
_FIFTHS = 5


class Packs(NamedTuple):
    """By which a brand's personas are read."""

    relationships: RelationshipPack
    journeys: Journeys
    players: PlayerPack


def mined(packs: Packs, traits: Traits, chosen: Choices, at_ms: int) -> Mined | None:
    """Return type and traits; None while the type is unknown."""
    # From words and not from deeds: those are what it is compared with.
    known = worded(packs.relationships, traits, chosen, at_ms).type
    if known == UNKNOWN:
        return None
    told = facts(chosen.told(view(traits, at_ms)))
    if "habits" not in chosen.objections:
        told |= stages(packs.journeys.of(traits, at_ms))
        told |= {f"play.{name}": 1 for name in pronounced(play_of(packs.players, traits, at_ms))}
    return Mined(known, told)


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


def stages(journey: Journey) -> dict[str, int]:
    """Return where it stands, and in fifths from 1 on how likely it is to switch."""
    told = {} if journey.state == UNKNOWN else {f"journey.{journey.state}": 1}
    if journey.switching_risk is not None:
        told["switching_risk"] = 1 + int(_FIFTHS * journey.switching_risk)
    return told
