"""Settings of the recommendation process and the packs it ranks and decides by."""

from pathlib import Path
from typing import ClassVar

from kit.packs import Pack
from kit.settings import Settings
from services.recommendation.deciding import Rules
from services.recommendation.domain import Blend, Bounds, Choosing, Refit


class RankingPack(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """packs/ranking.yaml."""

    blend: Blend
    bounds: Bounds
    refit: Refit
    choosing: Choosing


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
    suiting_file: Path = Path(__file__).with_name("packs") / "suiting.yaml"
    #: What was fitted to a brand's purchases (`maskenball evaluate timing --write`), in <brand>.yaml; none without.
    timing_dir: Path | None = None
    #: What a brand's archetypes wish for, likewise; of others nothing is known.
    archetypes_dir: Path | None = None
    #: Whose types callers name: a file of relationships/packs, without its ending.
    relationship_pack: str = "core4"
    #: Seconds between saves while there is something new; more when a save itself takes long.
    save_every_s: float = 5.0
    #: Of how many personas what is kept of decisions stays in memory, sealed: at most 4 kB each.
    states_kept: int = 20_000
    #: Largest size of the stream of lessons, bytes; as the profile service has it.
    profile_stream_max_bytes: int = 4 << 30
