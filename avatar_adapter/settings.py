"""Settings of the door to virtual worlds."""

from typing import ClassVar

from pydantic import Field

from kit.settings import Settings


class AdapterSettings(Settings):
    """What this process reads from its environment."""

    needs: ClassVar[tuple[str, ...]] = ("nats_url", "keyring_dir", "credentials_file", "avatar_address")

    process: str = "avatar_adapter"
    http_address: str = "127.0.0.1:0"
    #: Who stands there when a world does not say.
    default_avatar: str = "ada"
    #: Requests a second that one world token may send; a burst of two seconds' worth is taken.
    world_rps: int = Field(default=2000, ge=1)
    #: Bytes of interactions that may wait for the stream before the door asks worlds to slow down.
    max_waiting_bytes: int = Field(default=8 << 20, ge=1 << 16)
    #: Largest size of the stream of interactions, where this process is the first to make it.
    interactions_stream_max_bytes: int = 8 << 30
    #: Visitors kept in memory under the fence for a few seconds, at most; about 4 kB each.
    copies_kept: int = Field(default=20_000, ge=1)
