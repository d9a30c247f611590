"""Settings every process reads from MASKENBALL_* variables; rooms subclass with what is theirs."""

import ssl
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.tls import Tls

_PREFIX = "MASKENBALL_"
MOST_PARTITIONS = 64


class SettingsError(Exception):
    """The process cannot start. The text names variables and never their values."""

    def __init__(self, missing: list[str], malformed: list[str]) -> None:
        parts = [
            f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("malformed", malformed)) if names
        ]
        super().__init__("; ".join(parts))
        self.missing = missing
        self.malformed = malformed


class Settings(BaseSettings):
    """Common settings. A subclass lists in `needs` the fields its process cannot do without.

    Start with `Settings.load()`: it raises SettingsError naming the missing variables. Addresses are "host:port".
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    needs: ClassVar[tuple[str, ...]] = ()

    process: str = "process"
    grpc_address: str = "127.0.0.1:0"
    ops_address: str = ""
    database_url: str = Field(default="", repr=False)
    database_pool: int = 10
    nats_url: str = Field(default="", repr=False)
    #: A server of durability class 1 beside it, see kit.servers.NatsServer; "" for none.
    nats_class_1_url: str = Field(default="", repr=False)
    keyring_dir: Path | None = None
    credentials_file: Path | None = None
    profile_address: str = ""
    consent_address: str = ""
    recommendation_address: str = ""
    avatar_address: str = ""
    trace_file: Path | None = None
    otlp_endpoint: str = ""
    trace_ratio: float = Field(default=0.01, ge=0, le=1)
    log_file: Path | None = None
    partitions: int = Field(default=4, ge=1, le=MOST_PARTITIONS)
    brand: str = "oak"
    #: Holds ca.pem, cert.pem and key.pem; without it services speak in the clear.
    tls_dir: Path | None = None

    @classmethod
    def load(cls) -> Self:
        """Read the environment; refuse, naming the variables, when something needed is absent or malformed."""
        try:
            settings = cls()
        except ValidationError as error:
            missing, malformed = _sorted_out(error)
            raise SettingsError(missing, malformed) from None
        absent = [variable(name) for name in cls.needs if getattr(settings, name) in ("", None)]
        if settings.tls is not None:
            absent += [f"{path.name} of {variable('tls_dir')}" for path in settings.tls.missing]
        if absent:
            raise SettingsError(absent, [])
        settings.check_tls()
        return settings

    @cached_property
    def tls(self) -> Tls | None:
        """How this process speaks with other services; None for in the clear."""
        return Tls(self.tls_dir) if self.tls_dir else None

    def check_tls(self) -> None:
        """Raise SettingsError where certificate and key do not fit, or are none."""
        try:
            _ = self.tls and (self.tls.client, self.tls.server)
        except (ssl.SSLError, OSError):
            raise SettingsError([], [variable("tls_dir")]) from None


def variable(field: str) -> str:
    """Name the environment variable of a field."""
    return _PREFIX + field.upper()


def _sorted_out(error: ValidationError) -> tuple[list[str], list[str]]:
    missing: list[str] = []
    malformed: list[str] = []
    for line in error.errors(include_input=False, include_url=False, include_context=False):
        # An aliased field is reported under its alias, which pydantic already spells as the variable.
        name = str(line["loc"][0]) if line["loc"] else "?"
        (missing if line["type"] == "missing" else malformed).append(
            name.upper() if name.upper().startswith(_PREFIX) else variable(name)
        )
    return missing, malformed
