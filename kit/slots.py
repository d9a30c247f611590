"""A small content that is replaced often: two places in one file, written by turns; the newest that is whole counts.

Nothing but data changes on disk, which is synced in a quarter of a millisecond. A file that is replaced, or that grows,
waits for the journal of the file system instead, and for all that others have put there.
"""

import os
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from kit.durable import replace_durably
from kit.errors import InternalError

#: Number, length and checksum of both with the content.
_HEAD_BYTES = 20
_LEAST_BYTES = 4096
# A file of before there were places: one JSON object, which is no number of a content.
_ALONE = b"{"
_BEFORE = -1


class Content(NamedTuple):
    """What is kept, and how many were before."""

    number: int
    body: bytes


class Slots:
    """The newest content of a file. One writer at a time: whoever writes keeps others out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def heads(self) -> tuple[bytes, bytes] | None:
        """Return what is another after every writing, None where there is no file. Cheap."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            half = os.fstat(descriptor).st_size // 2
            return os.pread(descriptor, _HEAD_BYTES, 0), os.pread(descriptor, _HEAD_BYTES, half)
        finally:
            os.close(descriptor)

    def newest(self) -> Content | None:
        """Return the newest whole content, None where there is no file; raises InternalError where none is whole."""
        try:
            file = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if file.startswith(_ALONE):
            return Content(_BEFORE, file)
        half = len(file) // 2
        whole = [found for each in (file[:half], file[half:]) if (found := _whole(each)) is not None]
        if not whole:
            raise InternalError("the file is damaged")
        return max(whole)

    def write(self, body: bytes) -> None:
        """Put this content in the place of the one before the newest; durable when this returns."""
        newest = self.newest()
        number = 0 if newest is None else newest.number + 1
        if number == 0 or not self._overwrite(number, body):
            half = max(_LEAST_BYTES, 2 * (_HEAD_BYTES + len(body)))
            places = [bytes(half), bytes(half)]
            # Numbers take turns: the newest stays in the other place.
            places[number % 2] = (_head(number, body) + body).ljust(half, b"\0")
            replace_durably(self._path, b"".join(places))

    def _overwrite(self, number: int, body: bytes) -> bool:
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            half = os.fstat(descriptor).st_size // 2
            if _HEAD_BYTES + len(body) > half:
                return False
            # In this order: who sees the head sees its content.
            os.pwrite(descriptor, body, number % 2 * half + _HEAD_BYTES)
            os.pwrite(descriptor, _head(number, body), number % 2 * half)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        return True


def _head(number: int, body: bytes) -> bytes:
    told = number.to_bytes(8, "big") + len(body).to_bytes(8, "big")
    return told + crc32(told + body).to_bytes(4, "big")


def _whole(place: bytes) -> Content | None:
    number, length = int.from_bytes(place[:8], "big"), int.from_bytes(place[8:16], "big")
    body = place[_HEAD_BYTES : _HEAD_BYTES + length]
    is_whole = len(body) == length and place.startswith(_head(number, body))
    return Content(number, body) if is_whole else None
