"""What the recorder wrote down (recorder/record.h), read back."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

_HEADER = struct.Struct("=QQQQIHHQ")
_NOTHING = memoryview(b"")


class Operation(IntEnum):
    OPEN = 1
    WRITE = 2
    TRUNCATE = 3
    GROW = 4
    SYNC = 5
    RENAME = 6
    LINK = 7
    UNLINK = 8
    MKDIR = 9
    OWN = 10
    UNCOVERED = 11


@dataclass(frozen=True, slots=True)
class Record:
    """One operation; what its fields mean depends on it. `at_ns` is CLOCK_MONOTONIC, as of time.monotonic_ns()."""

    operation: Operation
    at_ns: int = 0
    inode: int = 0
    offset: int = 0
    flags: int = 0
    path: str = ""
    other: str = ""
    bytes: memoryview = _NOTHING


def read_journal(log: Path) -> Iterator[Record]:
    """Every whole record in order; the recorder may have been killed while it wrote the last one."""
    log_bytes = memoryview(log.read_bytes())
    at = 0
    while at + _HEADER.size <= len(log_bytes):
        at_ns, inode, offset, length, flags, *lengths, operation = _HEADER.unpack_from(log_bytes, at)
        at += _HEADER.size
        parts = []
        for part in (*lengths, length if operation == Operation.WRITE else 0):
            parts.append(log_bytes[at : at + part])
            at += part
        if at > len(log_bytes):
            return
        path, other = (bytes(part).decode() for part in parts[:2])
        yield Record(Operation(operation), at_ns, inode, offset, flags, path, other, parts[2])
