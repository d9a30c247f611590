"""Settings of the consent process."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from kit.settings import Settings
from services.consent import notices
from services.consent.purposes import PACK


class ConsentSettings(Settings):
    """Beside the common ones: where the packs are, and how long a reader may answer from its cache unheard."""

    needs: ClassVar[tuple[str, ...]] = ("database_url", "keyring_dir")

    process: str = "consent"
    purposes_file: Path = PACK
    notice_file: Path = notices.PACK
    #: A withdrawal waits that long for a reader that died.
    fence_term_s: float = Field(default=1.5, ge=0.1, le=10)
    #: What was acknowledged is kept here, outside the database. Absent: in the folder of the key ring.
    fence_marks_file: Path | None = None
