"""Settings of the two processes of the profile service."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from kit.settings import Settings
from services.profile import playing, relations


class ProfileSettings(Settings):
    """Beside the common ones: the vault, and how folding is paced."""

    needs: ClassVar[tuple[str, ...]] = ("database_url", "vault_url", "nats_url", "keyring_dir", "consent_address")

    process: str = "profile"
    vault_url: str = Field(default="", repr=False)
    #: Messages of each partition and events of all that one transaction folds, at most.
    fold_messages: int = Field(default=512, ge=1)
    fold_events: int = Field(default=10_000, ge=1)
    #: Seconds between the beginnings of two folds, at least.
    fold_every_s: float = Field(default=0.05, ge=0)
    #: Dead letters of one partition within an hour that stop its folder.
    most_dead_letters: int = Field(default=50, ge=0)
    #: Full days for which message ids and batch ids are kept beside the present one.
    days_kept: int = Field(default=2, ge=1)
    #: Days for which what was set aside is kept; at least as long as message ids are.
    quarantine_days: int = Field(default=30, ge=1)
    #: Disk for message ids, bytes; when it is not enough, fewer days are kept and an error says so. Absent: no bound.
    message_ids_max_bytes: int | None = Field(default=None, ge=64 << 20)
    #: Seconds between rounds of housekeeping: days, keys, the stream.
    housekeeping_s: float = Field(default=10.0, gt=0)
    #: Whether what is folded is purged from the stream, and its epoch keys are destroyed.
    is_purging: bool = True
    #: Largest size of the two streams, bytes.
    interactions_stream_max_bytes: int = 8 << 30
    profile_stream_max_bytes: int = 4 << 30
    #: Personas whose consents are kept in memory under the fence, about; half a kilobyte each for a folder, 2 kB where
    #: four decisions are kept in full.
    consents_kept: int = Field(default=200_000, ge=1)
    #: Reads of personas kept in memory for a few seconds; up to 20 kB each.
    reads_kept: int = Field(default=5_000, ge=1)
    #: Seconds between writes of what was read of whom.
    uses_s: float = Field(default=1.0, gt=0)
    #: Days for which ids under an older edge key are still understood, and handles under an older pair key. Whoever
    #: does not come while an edge key is in its grace is somebody new afterwards.
    edge_grace_days: float = Field(default=90.0, ge=0)
    pair_grace_days: float = Field(default=30.0, ge=0)
    #: Seconds between looks at which grace has ended.
    graces_s: float = Field(default=60.0, gt=0)
    #: Seconds a read waits for a position at most.
    reach_s: float = 2.0
    #: Personas of an audience that must share what is told of one of them; 1 tells everything, for development alone.
    shared_by_least: int = Field(default=50, ge=1)
    #: Seconds between counts of what personas share, and between looks at what was counted.
    census_s: float = Field(default=600.0, gt=0)
    crowds_read_s: float = Field(default=5.0, gt=0)
    #: Share of its audience that must share it, where the brand has several audiences, which could compare.
    shared_by_share: float = Field(default=0.1, ge=0.0, le=1.0)
    #: The brand's wish segments, a pack; absent for none. An example lies in services/profile/packs.
    wish_segments: Path | None = None
    #: What may be learnt of the personas of one audience, in thousandths of epsilon, in any so many days in a row.
    privacy_budget: int = Field(default=3000, ge=10, le=100_000)
    privacy_budget_days: int = Field(default=30, ge=1)
    #: Which brand reads relationships by which pack.
    relationships_file: Path = relations.PACK
    #: Which brand reads play by which pack.
    players_file: Path = playing.PACK
