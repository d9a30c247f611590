"""Turns families of keys to new versions: one version is active, older ones are read, then retired, then destroyed.

A family may have branches, one for each name that has turned on its own. They are numbered together, so that a version
means one key for every name: the newest of the family and of the name's branch is active.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from kit.errors import NotFoundError, Status, TypedError
from kit.keyring import Key, KeyMissingError, KeyRing

# Of a folder's name; beyond it the name is known by its hash.
_MOST_NAME = 200


class KeyState(StrEnum):
    """What a version is good for."""

    #: Everything new is made with it.
    ACTIVE = "active"
    #: What was made with it is still understood.
    READ = "read"
    #: Set aside: nothing understands it any more.
    RETIRED = "retired"


class Version(NamedTuple):
    """One version, the family or branch that holds it, and since when it is there, seconds since 1970 UTC."""

    family: str
    version: str
    state: KeyState
    created_at: float


class KeyInUseError(TypedError):
    """Something still needs this version."""

    reason = "KEY_IN_USE"
    status = Status.CONFLICT


@lru_cache(maxsize=1024)
def branch(family: str, name: str) -> str:
    """Return the family that holds the versions of one name alone; the family itself for no name."""
    if not name:
        return family
    told = quote(name, safe="")
    return f"{family}@{told if len(told) <= _MOST_NAME else sha256(name.encode()).hexdigest()}"


def usable(keyring: KeyRing, family: str, name: str = "") -> list[str]:
    """Return the versions that are active or read for a name, oldest first."""
    shared = keyring.versions(family)
    own = keyring.versions(branch(family, name)) if name else []
    return sorted({*shared, *own}, key=int) if own else shared


def active(keyring: KeyRing, family: str, name: str = "") -> Key:
    """Return the version that everything new is made with; raises KeyMissingError."""
    shared, holder = keyring.versions(family), branch(family, name)
    own = keyring.versions(holder) if name else []
    newest = max((*shared, *own), key=int, default="")
    if not newest:
        raise KeyMissingError(f"no key of family {family}")
    # Looked up once: a folder is asked with every name that is given.
    return Key(newest, keyring.get(holder if newest in own else family, newest))


def secret(keyring: KeyRing, family: str, name: str, version: str) -> bytes:
    """Return the 32 bytes of a version for a name; raises KeyMissingError."""
    own = branch(family, name)
    return keyring.get(own if own != family and version in keyring.versions(own) else family, version)


def created_at(keyring: KeyRing, family: str, name: str, version: str) -> float:
    """Return since when a version is there, seconds since 1970 UTC; raises KeyMissingError."""
    own = branch(family, name)
    return keyring.created_at(own if own != family and version in keyring.versions(own) else family, version)


def listing(keyring: KeyRing, family: str, name: str = "") -> list[Version]:
    """Return every version of a family that a name is concerned by, oldest first."""
    return sorted(_listing(keyring, family, name), key=lambda each: int(each.version))


def rotate(keyring: KeyRing, family: str, name: str = "") -> Key:
    """Make a new version active, for one name or for all. What the one before made is still read."""
    return keyring.create(branch(family, name), numbered_with=family)


def retire(keyring: KeyRing, family: str, version: str, name: str = "") -> None:
    """Set aside a version of the family, or of a name's own branch.

    Raises KeyInUseError for one that is active, also for names without a branch; NotFoundError.
    """
    holder = _holder(keyring, family, version, name)
    in_force = usable(keyring, family, name) if name else keyring.versions(family)
    if in_force and version == in_force[-1]:
        raise KeyInUseError("the active version cannot be retired; rotate first", field="version")
    keyring.retire(holder, version)


def destroy(keyring: KeyRing, family: str, version: str, name: str = "") -> None:
    """Destroy a version for good; raises KeyInUseError for one that is not retired, NotFoundError."""
    holder = _holder(keyring, family, version, name)
    if version not in keyring.retired(holder):
        raise KeyInUseError("only what is retired can be destroyed", field="version")
    keyring.destroy(holder, version)


def _listing(keyring: KeyRing, family: str, name: str) -> Iterator[Version]:
    newest = (usable(keyring, family, name) or [""])[-1]
    for holder in dict.fromkeys((family, branch(family, name))):
        for version in keyring.versions(holder):
            state = KeyState.ACTIVE if version == newest else KeyState.READ
            yield Version(holder, version, state, keyring.created_at(holder, version))
        for version in keyring.retired(holder):
            yield Version(holder, version, KeyState.RETIRED, keyring.created_at(holder, version))


def _holder(keyring: KeyRing, family: str, version: str, name: str) -> str:
    holder = branch(family, name)
    if version not in (*keyring.versions(holder), *keyring.retired(holder)):
        raise NotFoundError("there is no such version", field="version")
    return holder
