"""Settings of the gateway."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from gateway import sources, vocabulary
from kit.settings import Settings


class GatewaySettings(Settings):
    """MASKENBALL_* variables of this process."""

    needs: ClassVar[tuple[str, ...]] = (
        "nats_url",
        "keyring_dir",
        "credentials_file",
        "profile_address",
        "recommendation_address",
        "avatar_address",
    )

    process: str = "gateway"
    http_address: str = "127.0.0.1:0"
    vocabulary_file: Path = vocabulary.PACK
    #: Packs of further kinds of sources, a file each.
    vocabularies_dir: Path = vocabulary.FURTHER
    sources_file: Path = sources.PACK
    #: Share of the items let pass that a slower judge looks at again, off the path. Needs maskenball[shadow].
    shadow_share: float = Field(default=0.0, ge=0, le=1)
    #: Estimated bytes of events that may wait for the stream; beyond it callers are told to come back.
    max_waiting_bytes: int = Field(default=32 << 20, ge=1 << 20)
    #: Largest size of the stream, bytes; the profile service reads the same variable.
    interactions_stream_max_bytes: int = 8 << 30
    #: Tracking requests at work at a time, and as many of REST; each may hold 1 MiB, of REST 2.
    max_requests: int = Field(default=128, ge=1)
    #: Seconds between reports of what was given to people.
    report_every_s: float = Field(default=1.0, gt=0)
