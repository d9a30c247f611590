"""The data folder of one local stack: its layout, the lock that makes it ours, and files that are replaced whole."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from infra.local.errors import StackError
from kit.durable import replace_durably


class DataFolder:
    """Everything a stack keeps. One stack at a time holds the lock; the kernel lets go of it when that one dies."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.postgres = self.path / "postgres"
        self.nats = self.path / "nats"
        self.nats_class_1 = self.path / "nats-class-1"
        self.keyring = self.path / "keyring"
        self.logs = self.path / "logs"
        self.traces = self.path / "traces"
        self.credentials = self.path / "credentials.json"
        self.access = self.path / "access.json"
        self.layout = self.path / "layout.json"
        self.endpoints = self.path / "endpoints.json"
        self.processes = self.path / "processes.json"
        self._lock: TextIO | None = None

    def open(self) -> None:
        """Makes the folder where it is missing and takes its lock."""
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True)
                # Others may pass through, nothing more: PostgreSQL runs as somebody else when we are root.
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for part in (self.logs, self.traces):
                part.mkdir(mode=0o700, exist_ok=True)
            self._lock = (self.path / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise StackError(
                f"The data folder {self.path} cannot be used ({error.strerror}). Choose another with --data-dir, or "
                "run as the user it belongs to."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            self.close()
            raise StackError(
                f"The data folder {self.path} is in use by a running stack (launcher {holder}). Stop that one, or "
                "choose another folder with --data-dir."
            ) from error
        self._lock.truncate(0)
        self._lock.write(f"pid {os.getpid()}")
        self._lock.flush()

    @property
    def is_ours(self) -> bool:
        """Whether this process holds the lock."""
        return self._lock is not None

    def close(self) -> None:
        """Lets go of the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Replaces a file, readable by its owner alone; a reader sees the old content or the new, never a part."""
    replace_durably(path, json.dumps(content, indent=2).encode() + b"\n")


def read_json(path: Path) -> dict[str, object]:
    """What `write_json` wrote; empty when it never did."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StackError(f"{path} is damaged. Restore it, or choose another folder with --data-dir.") from error
    return content if isinstance(content, dict) else {}
