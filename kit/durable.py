"""Files that a power cut leaves whole: synced before they are named, and their names synced too."""

import os
import secrets
from pathlib import Path


def replace_durably(path: Path, content: bytes) -> None:
    """Replace a file, readable by its owner alone: a reader or a power cut finds the old content or the new."""
    pending = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    rename_durably(pending, path)


def rename_durably(old: Path, new: Path) -> None:
    """Rename within a folder; the new name is on disk when this returns."""
    old.replace(new)
    sync_folder(new.parent)


def make_folder_durably(folder: Path) -> None:
    """Make a folder for its owner alone, and those above it, where they are missing."""
    if folder.is_dir():
        return
    make_folder_durably(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk: a synced file whose name was lost is lost."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
