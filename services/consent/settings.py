"""Settings of the consent process."""

from pathlib import Path
from typing import ClassVar

from kit.settings import Settings
from services.consent.purposes import PACK


class ConsentSettings(Settings):
    """Beside the common ones: where the purpose pack is."""

    needs: ClassVar[tuple[str, ...]] = ("database_url",)

    process: str = "consent"
    purposes_file: Path = PACK
