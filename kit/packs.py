"""Configuration packs: YAML files with an id and a version, checked against a type when they are read."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Meta

from kit.errors import Status, TypedError


class PackError(TypedError):
    """The pack cannot be used: the message names the file and the place in it."""

    reason = "PACK_UNUSABLE"
    status = Status.INVALID


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every pack begins with."""

    id: str
    version: str


#: A sentence or a name.
Words = Annotated[str, Meta(min_length=1, max_length=400)]


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name to show."""

    de: Words
    en: Words


P = TypeVar("P", bound=Pack)


def load(path: Path, type: type[P]) -> P:  # noqa: A002
    """Return the pack in `path`; raises PackError for what is missing, misspelt or of the wrong type."""
    try:
        return msgspec.convert(read_yaml(path), type)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise PackError(f"{path}: {error}") from error


def read_yaml(path: Path) -> Any:
    """Return what a file says, by the parser in C, which takes a tenth of what the other one does."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def checked(path: Path, type: type[P], problems: Callable[[P], Iterable[str]]) -> P:  # noqa: A002
    """As `load`; raises PackError for the first problem, too, that the types do not see."""
    pack = load(path, type)
    for problem in problems(pack):
        raise PackError(f"{path}: {problem}")
    return pack


def shipped(folder: Path) -> tuple[str, ...]:
    """Return the names of the packs in a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def named(folder: Path, name: str) -> Path:
    """Return the file of a pack in a folder; raises PackError that tells which there are."""
    if name not in (known := shipped(folder)):
        raise PackError(f"pack {name!r} is not one of {', '.join(known)}")
    return folder / f"{name}.yaml"
