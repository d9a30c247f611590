"""The power fails: which changes were on disk, which happen to be, and the folder that is found afterwards."""

import os
import random
import shutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from tests.e2e.power.disk import Change, Disk, Naming, Node
from tests.e2e.power.journal import Operation

NO_CUT = -1
_SECTOR = 512


class FileSystem(Enum):
    """What is promised about names; about contents all promise the same, what was synced."""

    #: ext4 and XFS: names reach the disk in order, and with a file everything that led to it.
    ORDERED = "ordered"
    #: btrfs and F2FS: with a file its own name and those of its folders.
    OWN_NAME = "own_name"
    #: The letter of POSIX: a name is kept only when its folder was synced.
    POSIX = "posix"


class Outage:
    """One power cut. Seed 0 loses all that may be lost; any other keeps a part of it, down to single sectors.

    NO_CUT loses nothing: the programs were killed, the machine went on.
    """

    def __init__(self, disk: Disk, file_system: FileSystem, seed: int) -> None:
        self._disk = disk
        self._file_system = file_system
        self._random = random.Random(seed)
        self._keeps_all = seed == NO_CUT
        self._keeps_some = seed != 0
        self._names: dict[Node, dict[str, Node]] = {}

    def leave(self, target: Path) -> None:
        """Write what is on the disk afterwards into the new folder `target`."""
        for naming in self._kept_namings():
            for folder, name, node in naming.entries:
                names = self._names_of(folder)
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = node
        self._write(self._disk.root, target)

    def _names_of(self, folder: Node) -> dict[str, Node]:
        return self._names.setdefault(folder, dict(folder.names_before))

    def _kept_namings(self) -> Iterator[Naming]:
        namings = self._disk.namings
        if self._file_system is FileSystem.ORDERED:
            last = max([self._disk.committed, *(naming.number + 1 for naming in namings)])
            end = self._random.randint(self._disk.committed, last) if self._keeps_some else self._disk.committed
            end = last if self._keeps_all else end
            yield from (naming for naming in namings if naming.number < end)
            return
        for naming in namings:
            if self._is_synced(naming) or self._happens():
                yield naming

    def _is_synced(self, naming: Naming) -> bool:
        if all(naming.number < folder.synced for folder, _, _ in naming.entries):
            return True
        if self._file_system is FileSystem.POSIX:
            return False
        return any(node is not None and naming.number < node.name_synced for _, _, node in naming.entries)

    def _happens(self) -> bool:
        return self._keeps_all or (self._keeps_some and self._random.random() < 0.5)

    def _write(self, node: Node, target: Path) -> None:
        if node.is_folder:
            target.mkdir(mode=0o700)
            for name, entry in self._names_of(node).items():
                self._write(entry, target / name)
        else:
            self._write_file(node, target)
        if node.kept is not None:
            shutil.copystat(node.kept, target)
        if os.geteuid() == 0:
            os.chown(target, node.owner, -1)

    def _write_file(self, node: Node, target: Path) -> None:
        if node.kept is None:
            target.touch(mode=0o600)
        else:
            shutil.copyfile(node.kept, target)
        if not node.changes:
            return
        with target.open("r+b", buffering=0) as file:
            for change in node.changes:
                if change.is_synced or change.number < node.synced:
                    _apply(file.fileno(), change, change.offset, change.bytes)
                elif self._happens():
                    self._apply_some(file.fileno(), change)

    def _apply_some(self, file: int, change: Change) -> None:
        """A write is found whole or torn."""
        if change.operation != Operation.WRITE or self._happens():
            _apply(file, change, change.offset, change.bytes)
            return
        at, end = change.offset, change.offset + len(change.bytes)
        while at < end:
            until = min(end, at - at % _SECTOR + _SECTOR)
            if self._happens():
                _apply(file, change, at, change.bytes[at - change.offset : until - change.offset])
            at = until


def _apply(file: int, change: Change, offset: int, written: memoryview) -> None:
    match change.operation:
        case Operation.WRITE:
            os.pwrite(file, written, offset)
        case Operation.GROW:
            os.ftruncate(file, max(os.fstat(file).st_size, offset))
        case _:
            os.ftruncate(file, offset)
