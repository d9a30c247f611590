"""Configuration packs: YAML files with an id and a version, checked against a type when they are read."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from kit.errors import Status, TypedError


class PackError(TypedError):
    """The pack cannot be used: the message names the file and the place in it."""

    reason = "PACK_UNUSABLE"
    status = Status.INVALID


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every pack begins with."""

    id: str
    version: str


P = TypeVar("P", bound=Pack)


def load(path: Path, type: type[P]) -> P:  # noqa: A002
    """Return the pack in `path`; raises PackError for what is missing, misspelt or of the wrong type."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), type)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise PackError(f"{path}: {error}") from error
