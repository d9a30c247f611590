"""What a person is shown of what no audience is told: where they stand with what they might buy."""

import msgspec

from services.profile.choices import Choices
from services.profile.journey import Journeys, State
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


def standing(journeys: Journeys, traits: Traits, chosen: Choices, at_ms: int) -> Standing:
    """Return where the person stands, also where they object to it."""
    found = journeys.of(traits, at_ms)
    risk = None if found.switching_risk is None else round(found.switching_risk, 2)
    chances = {state: round(chance, 2) for state, chance in found.chances.items()}
    return Standing(found.state, chances, risk, journeys.name, "habits" in chosen.objections)
