"""Settings of the avatar process."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from kit.settings import Settings
from services.avatar.avatars import PACKS


class AvatarSettings(Settings):
    """Beside the common ones: where the avatars' packs are."""

    needs: ClassVar[tuple[str, ...]] = ("database_url", "profile_address", "recommendation_address")

    process: str = "avatar"
    avatars_dir: Path = PACKS
    #: Seconds between two looks for encounters that ran out.
    sweep_every_s: float = 60.0
    #: Seconds between reports of what was given to people.
    report_every_s: float = Field(default=1.0, gt=0)
