"""A folder as its programs see it, replayed from the journal, with the order in which everything was synced."""

import os
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.power.journal import Operation, Record


class UncoveredError(Exception):
    """A program changed the folder in a way that the model does not know: whoever meets it must teach the model."""


@dataclass(eq=False, slots=True)
class Node:
    """A file or a folder. `kept` is the copy of what it held before the recording, which counts as synced."""

    is_folder: bool
    owner: int
    kept: Path | None = None
    #: Names at the beginning, and now.
    names_before: dict[str, "Node"] = field(default_factory=dict)
    names: dict[str, "Node"] = field(default_factory=dict)
    size: int = 0
    changes: list["Change"] = field(default_factory=list)
    #: Changes before this number are on disk.
    synced: int = 0
    #: On a file system that syncs a file with its own name: what named it before this number is on disk.
    name_synced: int = 0
    folder: "Node | None" = None
    #: Numbers of the operations which changed its metadata: its names, its entries, its size.
    touched: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """What one call did to a file's content. `is_synced`: the file was open with O_SYNC or O_DSYNC."""

    number: int
    operation: Operation
    offset: int
    bytes: memoryview
    is_synced: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """What one call did to names, all of it or nothing: (folder, name, what it names now)."""

    number: int
    entries: tuple[tuple[Node, str, Node | None], ...]


class Disk:
    """Replays records over a snapshot of `folder` that lies in `snapshot`; `inodes` are those of the folder itself."""

    def __init__(self, folder: Path, snapshot: Path, inodes: dict[str, int]) -> None:
        self._folder = str(folder)
        self._by_inode: dict[int, Node] = {}
        self._count = 0
        self.namings: list[Naming] = []
        #: On a file system that keeps the order of metadata, namings before this number are on disk.
        self.committed = 0
        self.root = self._load(snapshot, "", inodes)

    def replay(self, records: Iterable[Record], *, until_ns: int) -> None:
        """Take in what was over at `until_ns`."""
        for record in records:
            if record.at_ns > until_ns:
                return
            self._take(self._count, record)
            self._count += 1

    def _load(self, path: Path, name: str, inodes: dict[str, int]) -> Node:
        found = path.lstat()
        node = Node(path.is_dir(), found.st_uid, kept=path, size=found.st_size)
        self._by_inode[inodes[name]] = node
        if node.is_folder:
            for entry in path.iterdir():
                below = self._load(entry, f"{name}/{entry.name}", inodes)
                below.folder = node
                node.names_before[entry.name] = below
            node.names = dict(node.names_before)
        return node

    def _take(self, number: int, record: Record) -> None:
        match record.operation:
            case Operation.OPEN:
                self._open(number, record)
            case Operation.WRITE | Operation.TRUNCATE | Operation.GROW:
                self._change(number, self._node(record), record)
            case Operation.SYNC:
                self._sync(number, record)
            case Operation.MKDIR:
                folder, name = self._place(record.path)
                self._name(number, (folder, name, self._new(record)))
            case Operation.UNLINK:
                self._name(number, (*self._place(record.path), None))
            case Operation.LINK:
                self._name(number, (*self._place(record.other), self._at(record.path)))
            case Operation.RENAME:
                moved = self._at(record.path)
                self._name(number, (*self._place(record.path), None), (*self._place(record.other), moved))
            case Operation.OWN:
                # Not a change that is forgotten: whoever reads the folder as the wrong user learns nothing.
                self._node(record).owner = record.offset
            case Operation.UNCOVERED:
                raise UncoveredError(f"system call {record.flags} on {record.path}")

    def _open(self, number: int, record: Record) -> None:
        folder, name = self._place(record.path)
        node = folder.names.get(name)
        if node is None or self._by_inode.get(record.inode) is not node:
            node = self._new(record)
            self._name(number, (folder, name, node))
        if record.flags & os.O_TRUNC and node.size:
            self._change(number, node, Record(Operation.TRUNCATE))

    def _change(self, number: int, node: Node, record: Record) -> None:
        is_synced = bool(record.flags & os.O_DSYNC)
        node.changes.append(Change(number, record.operation, record.offset, record.bytes, is_synced))
        end = record.offset + len(record.bytes)
        size = end if record.operation == Operation.TRUNCATE else max(node.size, end)
        if size != node.size:
            node.size = size
            node.touched.append(number)
        if is_synced:
            self._commit(node, number + 1)

    def _sync(self, number: int, record: Record) -> None:
        nodes = [self._node(record)] if record.inode else list(self._by_inode.values())
        for node in nodes:
            node.synced = max(node.synced, record.offset)
            self._commit(node, record.offset)

    def _commit(self, node: Node, before: int) -> None:
        """A journal is written in order, up to the last change of what is synced; what came later may stay behind."""
        last = bisect_left(node.touched, before)
        if last:
            self.committed = max(self.committed, node.touched[last - 1] + 1)
        above: Node | None = node
        while above is not None:
            above.name_synced = max(above.name_synced, before)
            above = above.folder

    def _name(self, number: int, *entries: tuple[Node, str, Node | None]) -> None:
        self.namings.append(Naming(number, entries))
        for folder, name, node in entries:
            for touched in (folder, node, folder.names.get(name)):
                if touched is not None:
                    touched.touched.append(number)
            if node is None:
                del folder.names[name]
            else:
                folder.names[name] = node
                node.folder = folder

    def _new(self, record: Record) -> Node:
        node = Node(record.operation == Operation.MKDIR, record.offset)
        self._by_inode[record.inode] = node
        return node

    def _node(self, record: Record) -> Node:
        try:
            return self._by_inode[record.inode]
        except KeyError as error:
            raise UncoveredError(f"{record.operation.name} of a file that nobody made") from error

    def _at(self, path: str) -> Node:
        folder, name = self._place(path)
        return folder.names[name] if name else folder

    def _place(self, path: str) -> tuple[Node, str]:
        whole = os.path.normpath(path)
        if not whole.startswith(self._folder + "/"):
            raise UncoveredError(f"{whole} is outside")
        *folders, name = whole.removeprefix(self._folder + "/").split("/")
        node = self.root
        for folder in folders:
            node = node.names[folder]
        return node, name
