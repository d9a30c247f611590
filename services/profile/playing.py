"""How a persona plays: what worlds counted, read by the player pack of the brand while reading."""

from functools import lru_cache
from pathlib import Path

from players.pack import BEHAVIOURS, PlayerPack, named_pack
from players.scores import Played, Score, scores
from services.profile.brands import ByBrand, load_by_brand
from services.profile.traits import HOURS, Traits

PACK = Path(__file__).parent / "packs" / "players.yaml"
PlayerPacks = ByBrand[PlayerPack]
_MIDDLE = 0.5


@lru_cache(maxsize=4)
def load_players(path: Path = PACK) -> PlayerPacks:
    """Return the packs that are named in `path`; raises PackError."""
    return load_by_brand(path, named_pack)


def played(traits: Traits, at_ms: int) -> Played:
    """Return what was done in so many hours, as much as is left of both: play of long ago tells less."""
    left = {name: strength.at(at_ms) for name, strength in traits.played.items()}
    return Played(left.get(HOURS, 0.0), {name: left[name] for name in BEHAVIOURS if name in left})


def play_of(pack: PlayerPack, traits: Traits, at_ms: int) -> dict[str, Score]:
    """Return the score of every dimension; nothing while no world has told of play."""
    return scores(pack, played(traits, at_ms)) if HOURS in traits.played else {}


def pronounced(play: dict[str, Score]) -> tuple[str, ...]:
    """Return all dimensions that surely show more than is typical: several, one or none, and never a type."""
    return tuple(sorted(name for name, score in play.items() if score.low > _MIDDLE))
