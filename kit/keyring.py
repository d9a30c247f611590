"""Keys that live outside every database, one folder per family, newest version current."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from kit.durable import make_folder_durably, replace_durably, sync_folder
from kit.errors import Status, TypedError

KEY_BYTES = 32
# A folder changed within one tick of the file system's clock may change again under the same stamp.
_STAMP_SETTLED_NS = 100_000_000
_KEY, _RETIRED = ".key", ".retired"


class KeyMissingError(TypedError):
    """The key was never created or has been destroyed; nothing sealed under it can be read."""

    reason = "KEY_MISSING"
    status = Status.GONE


class Key(NamedTuple):
    """One version of a family's key: 32 random bytes under a decimal version that is never used again."""

    version: str
    secret: bytes


class KeyRing(Protocol):
    """What holds keys: a folder here, a KMS or mounted secret elsewhere. Safe to share between processes."""

    def current(self, family: str) -> Key:
        """Return the newest key; raises KeyMissingError when the family has none."""
        ...

    def get(self, family: str, version: str) -> bytes:
        """Return the 32 bytes of one version; raises KeyMissingError."""
        ...

    def versions(self, family: str) -> list[str]:
        """Return the versions that exist, oldest first; empty for an unknown family."""
        ...

    def branches(self, family: str) -> list[str]:
        """Return the families that are named after this one: "<family>@<name>"."""
        ...

    def created_at(self, family: str, version: str) -> float:
        """Return when the version was created, seconds since 1970 UTC; raises KeyMissingError."""
        ...

    def create(self, family: str, numbered_with: str = "") -> Key:
        """Create a new version, durable when this returns, and make it current.

        Families that are numbered with another one never share a version with it, nor with each other.
        """
        ...

    def ensure(self, family: str) -> Key:
        """Return the newest key, creating the first one when there is none."""
        ...

    def retire(self, family: str, version: str) -> None:
        """Set one version aside: nothing finds it any more, until it is destroyed. Retiring twice is harmless."""
        ...

    def retired(self, family: str) -> list[str]:
        """Return the versions that are set aside, oldest first."""
        ...

    def destroy(self, family: str, version: str) -> None:
        """Destroy one version for good; destroying what is gone already is harmless."""
        ...


class FolderKeyRing:
    """Keys as files `<folder>/<family>/<version>.key`, readable by the owner alone; `.retired` once set aside.

    Another process sees a change with the next key it asks for: the folder of the family has another time then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, tuple[int, list[str]]] = {}
        self._secrets: dict[tuple[str, str], bytes] = {}

    def current(self, family: str) -> Key:
        """See KeyRing.current."""
        present = self.versions(family)
        if not present:
            raise KeyMissingError(f"no key of family {family}")
        return Key(present[-1], self._read(family, present[-1]))

    def get(self, family: str, version: str) -> bytes:
        """See KeyRing.get."""
        if version not in self.versions(family):
            raise KeyMissingError(f"no key {version} of family {family}")
        return self._read(family, version)

    def versions(self, family: str) -> list[str]:
        """See KeyRing.versions."""
        try:
            # Asked with every key that is used, and joining a Path was half of it.
            stamp = os.stat(f"{self._folder}/{family}").st_mtime_ns  # noqa: PTH116 - as just said
        except FileNotFoundError:
            return []
        listed = self._listed.get(family)
        if listed is not None and listed[0] == stamp:
            return listed[1]
        return self._list(family, stamp)

    def branches(self, family: str) -> list[str]:
        """See KeyRing.branches."""
        return sorted(path.name for path in self._folder.glob(f"{family}@*"))

    def created_at(self, family: str, version: str) -> float:
        """See KeyRing.created_at."""
        path = self._path(family, version)
        for each in (path, path.with_suffix(_RETIRED)):
            try:
                return each.stat().st_mtime
            except FileNotFoundError:
                continue
        raise KeyMissingError(f"no key {version} of family {family}")

    def create(self, family: str, numbered_with: str = "") -> Key:
        """See KeyRing.create."""
        with self._locked(numbered_with or family):
            return self._create(family, numbered_with or family)

    def ensure(self, family: str) -> Key:
        """See KeyRing.ensure."""
        with self._locked(family):
            return self.current(family) if self.versions(family) else self._create(family, family)

    def retire(self, family: str, version: str) -> None:
        """See KeyRing.retire."""
        path = self._path(family, version)
        try:
            path.rename(path.with_suffix(_RETIRED))
        except FileNotFoundError:
            if version not in self.retired(family):
                raise KeyMissingError(f"no key {version} of family {family}") from None
        sync_folder(path.parent)
        self._forget(family, version)

    def retired(self, family: str) -> list[str]:
        """See KeyRing.retired."""
        return self._named(family, _RETIRED)

    def destroy(self, family: str, version: str) -> None:
        """See KeyRing.destroy."""
        path = self._path(family, version)
        self._forget(family, version)
        for each in (path, path.with_suffix(_RETIRED)):
            try:
                # Overwritten first: unlinking alone leaves the bytes in the free blocks of the disk.
                with each.open("r+b") as file:
                    file.write(secrets.token_bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                each.unlink()
            except FileNotFoundError:
                continue
            sync_folder(path.parent)
        self._forget(family, version)

    def _forget(self, family: str, version: str) -> None:
        self._secrets.pop((family, version), None)
        self._listed.pop(family, None)

    def _read(self, family: str, version: str) -> bytes:
        known = self._secrets.get((family, version))
        if known is not None:
            return known
        try:
            secret = self._path(family, version).read_bytes()
        except FileNotFoundError:
            raise KeyMissingError(f"no key {version} of family {family}") from None
        self._secrets[family, version] = secret
        return secret

    def _path(self, family: str, version: str) -> Path:
        # Versions reach this place from messages and handles: anything but digits could leave the folder.
        if not (version.isascii() and version.isdigit()):
            raise KeyMissingError(f"no such version of family {family}")
        return self._folder / family / f"{version}{_KEY}"

    def _list(self, family: str, stamp: int) -> list[str]:
        present = self._named(family, _KEY)
        for held in [held for held in self._secrets if held[0] == family and held[1] not in present]:
            del self._secrets[held]
        if time.time_ns() - stamp > _STAMP_SETTLED_NS:
            self._listed[family] = (stamp, present)
        return present

    def _named(self, family: str, suffix: str) -> list[str]:
        names = (path.stem for path in (self._folder / family).glob(f"*{suffix}"))
        return sorted((name for name in names if name.isdigit()), key=int)

    def _create(self, family: str, numbered_with: str) -> Key:
        make_folder_durably(self._folder / family)
        counter = self._folder / numbered_with / "next"
        present = self.versions(numbered_with)
        number = max(int(counter.read_text()) if counter.exists() else 1, int(present[-1]) + 1 if present else 1)
        # The counter goes first, so that a crash skips a version and never gives one out twice.
        replace_durably(counter, str(number + 1).encode())
        key = Key(str(number), secrets.token_bytes(KEY_BYTES))
        replace_durably(self._path(family, key.version), key.secret)
        self._listed.pop(family, None)
        return key

    @contextmanager
    def _locked(self, family: str) -> Iterator[None]:
        folder = self._folder / family
        make_folder_durably(folder)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
