"""How personas are met, by the type of their relationship: the treatments of a relationship pack."""

from relationships.pack import RelationshipPack
from services.recommendation.deciding import Treatment

_UNKNOWN = ""
_HOUR_MS = 3_600_000


def treatments(pack: RelationshipPack) -> dict[str, Treatment]:
    """Return the treatment of each type; "" and "unknown" for those of whom it is not known."""
    unknown = _treatment(pack, "unknown", is_protective=False)
    known = {name: _treatment(pack, name, is_protective=each.protective) for name, each in pack.types.items()}
    return {_UNKNOWN: unknown, "unknown": unknown, **known}


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
