"""What a person is shown of what no audience is told: where they stand with what they might buy, and how they play."""

import msgspec

from players.pack import PlayerPack
from services.profile.choices import Choices
from services.profile.journey import Journeys, State
from services.profile.playing import play_of
from services.profile.traits import Traits


class Standing(msgspec.Struct, frozen=True):
    """Where the person stands. Audiences are not told; among many it is counted."""

    #: discovering, weighing, buying, using, reweighing, or "unknown".
    state: str
    #: How likely each is.
    chances: dict[State, float]
    #: That the person looks elsewhere; null before any sign of staying.
    switching_risk: float | None
    #: Pack and version.
    model: str
    is_objected: bool


class Scored(msgspec.Struct, frozen=True):
    """From 0 to 1, one half where play is typical; it lies between least and most with 90 %."""

    mean: float
    least: float
    most: float


class Playing(msgspec.Struct, frozen=True):
    """How the person plays in worlds, by dimension. Audiences are not told."""

    dimensions: dict[str, Scored]
    #: Pack and version.
    model: str
    is_objected: bool


def standing(journeys: Journeys, traits: Traits, chosen: Choices, at_ms: int) -> Standing:
    """Return where the person stands, also where they object to it."""
    found = journeys.of(traits, at_ms)
    risk = None if found.switching_risk is None else round(found.switching_risk, 2)
    chances = {state: round(chance, 2) for state, chance in found.chances.items()}
    return Standing(found.state, chances, risk, journeys.name, "habits" in chosen.objections)


def playing(pack: PlayerPack, traits: Traits, chosen: Choices, at_ms: int) -> Playing | None:
    """Return how the person plays, also where they object to it; None while no world has told."""
    play = play_of(pack, traits, at_ms)
    told = {name: Scored(*(round(each, 2) for each in score)) for name, score in play.items()}
    return Playing(told, f"{pack.id}/{pack.version}", "habits" in chosen.objections) if play else None
