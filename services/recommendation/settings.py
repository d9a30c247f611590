"""Settings of the recommendation process and the packs it ranks and decides by."""

from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from kit.packs import Pack
from kit.settings import Settings
from services.recommendation.deciding import Rules
from services.recommendation.domain import Blend, Bounds, Choosing, Refit

_Share = Annotated[float, Meta(gt=0, lt=1)]
_Positive = Annotated[float, Meta(gt=0)]


class RankingPack(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """packs/ranking.yaml."""

    blend: Blend
    bounds: Bounds
    refit: Refit
    choosing: Choosing


class Aspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that must fit for an offer to help; see packs/manners.yaml."""

    fits: _Share
    #: How often an offer helps when it fits, and when it does not.
    helps: tuple[_Share, _Share]
    half_life_days: _Positive
    #: 0 where turning up says nothing.
    presence_days: Annotated[float, Meta(ge=0)]

    def chance(self, fits: float) -> float:
        """Return how often an offer helps as far as this aspect goes."""
        return fits * self.helps[0] + (1.0 - fits) * self.helps[1]


class Aspects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that must fit."""

    topic: Aspect
    hour: Aspect
    channel: Aspect
    strain: Aspect


class MannersPack(Pack, frozen=True, kw_only=True):
    """packs/manners.yaml."""

    contact_cost: Annotated[float, Meta(ge=0)]
    annoyance_cost: Annotated[float, Meta(ge=0)]
    curiosity: Annotated[float, Meta(ge=0)]
    deviations: Annotated[float, Meta(ge=0)]
    activities: dict[str, tuple[_Positive, _Positive]]
    annoys: tuple[_Positive, _Positive]
    aspects: Aspects


class DecidingPack(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """packs/deciding.yaml."""

    rules: Rules


class RecommendationSettings(Settings):
    """Beside the common ones: the pack, and how much may be learnt again after a crash."""

    #: Without profile_address it ranks for inline histories alone.
    needs: ClassVar[tuple[str, ...]] = ("database_url", "nats_url", "keyring_dir")

    process: str = "recommendation"
    ranking_file: Path = Path(__file__).with_name("packs") / "ranking.yaml"
    manners_file: Path = Path(__file__).with_name("packs") / "manners.yaml"
    deciding_file: Path = Path(__file__).with_name("packs") / "deciding.yaml"
    #: Whose types callers name: a file of relationships/packs, without its ending.
    relationship_pack: str = "core4"
    #: Seconds between saves while there is something new; more when a save itself takes long.
    save_every_s: float = 5.0
    #: Largest size of the stream of lessons, bytes; as the profile service has it.
    profile_stream_max_bytes: int = 4 << 30
