"""How much each kind of interaction says, read from a pack."""

from functools import lru_cache
from pathlib import Path

import msgspec

from kit.errors import Status, TypedError
from kit.packs import Pack, load
from services.profile.domain import Kind

PACK = Path(__file__).parent / "packs" / "traits.yaml"


class PackIncompleteError(TypedError):
    """The pack leaves a kind out or names one that does not exist."""

    reason = "PACK_INCOMPLETE"
    status = Status.INVALID


class KindWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind says."""

    weight: float
    wish: float = 0.0
    scaled: bool = False

    def of(self, value: float | None) -> float:
        if not self.scaled:
            return self.weight
        return 0.0 if value is None else self.weight * (2.0 * min(max(value, 0.0), 1.0) - 1.0)


class TraitsPack(Pack, frozen=True):
    """Weights by kind in lower case."""

    kinds: dict[str, KindWeight]


Weights = tuple[KindWeight, ...]


@lru_cache(maxsize=1)
def model_name(path: Path = PACK) -> str:
    """Return the name and version of what traits are weighed with, as people are told it."""
    pack = load(path, TraitsPack)
    return f"{pack.id}/{pack.version}"


def load_weights(path: Path = PACK) -> Weights:
    """Return the weights by number of kind."""
    kinds = load(path, TraitsPack).kinds
    names = {kind.name.lower() for kind in Kind}
    if kinds.keys() != names:
        raise PackIncompleteError(f"{path}: {', '.join(sorted(kinds.keys() ^ names))}")
    silent = KindWeight(0.0)
    return (silent, *(kinds[kind.name.lower()] for kind in Kind))
