"""What every use case stands on."""

from collections.abc import Callable
from dataclasses import dataclass

from kit.db import Database
from kit.keyring import KeyRing
from services.profile.clients import ConsentClient


@dataclass(frozen=True, slots=True)
class Stores:
    """Both databases, the keys, the truth about consent; the clock in milliseconds since 1970 UTC, and randomness."""

    profile: Database
    vault: Database
    keyring: KeyRing
    consent: ConsentClient
    now_ms: Callable[[], int]
    token: Callable[[int], bytes]
