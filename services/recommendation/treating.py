"""How personas are met, by the type of their relationship: the treatments of relationship packs."""

from relationships.pack import RelationshipPack, named_pack, shipped
from services.recommendation.deciding import Treatment

_UNKNOWN = ""
_HOUR_MS = 3_600_000


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
