"""Reads what R saves, as far as data sets need it: vectors, lists and their attributes (XDR, versions 2 and 3)."""

import bz2
import gzip
import lzma
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_MAGIC = (b"RDX2\nX\n", b"RDX3\nX\n")
_OPENERS = {b"\x1f\x8b": gzip.decompress, b"BZ": bz2.decompress, b"\xfd7": lzma.decompress}
_HAS_ATTRIBUTES, _HAS_TAG = 0x200, 0x400
_SYMBOL, _PAIRS, _CHARACTERS, _LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST = 1, 2, 9, 10, 13, 14, 16, 19
_NIL, _REFERENCE = 254, 255


class Vector(NamedTuple):
    """A vector or list of R with its attributes."""

    values: Any
    attributes: dict[str, Any]

    @property
    def names(self) -> list[str]:
        return list(self.attributes["names"].values)


def load(path: Path) -> dict[str, Any]:
    """Return what a file holds by name; raises ValueError for what this does not read."""
    data = path.read_bytes()
    opener = _OPENERS.get(data[:2])
    data = opener(data) if opener else data
    if data[:7] not in _MAGIC:
        raise ValueError(f"{path.name} is not saved by R in binary form")
    found: dict[str, Any] = _Reader(data).everything()
    return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, len(_MAGIC[0])
        self._symbols: list[str] = []

    def everything(self) -> Any:
        version, _, _ = self._integer(), self._integer(), self._integer()
        if version > 2:  # noqa: PLR2004 - from then on the encoding is named
            self._take(self._integer())
        return self._item()

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def _integer(self) -> int:
        number: int = struct.unpack(">i", self._take(4))[0]
        return number

    def _item(self) -> Any:
        flags = self._integer()
        kind = flags & 0xFF
        if kind == _NIL:
            return None
        if kind == _REFERENCE:
            return self._symbols[(flags >> 8 or self._integer()) - 1]
        if kind == _SYMBOL:
            self._symbols.append(self._item())
            return self._symbols[-1]
        if kind == _CHARACTERS:
            size = self._integer()
            return None if size < 0 else self._take(size).decode("latin-1")
        if kind == _PAIRS:
            return self._pairs(flags)
        return self._vector(kind, has_attributes=bool(flags & _HAS_ATTRIBUTES))

    def _pairs(self, flags: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while flags & 0xFF == _PAIRS:
            if flags & _HAS_ATTRIBUTES:
                self._item()
            tag = self._item() if flags & _HAS_TAG else ""
            pairs[tag] = self._item()
            flags = self._integer()
        return pairs

    def _vector(self, kind: int, *, has_attributes: bool) -> Vector:
        size = self._integer()
        values: Any
        if kind in {_LOGICAL, _INTEGER}:
            values = np.frombuffer(self._take(4 * size), ">i4")
        elif kind == _REAL:
            values = np.frombuffer(self._take(8 * size), ">f8")
        elif kind in {_STRINGS, _LIST}:
            values = [self._item() for _ in range(size)]
        else:
            raise ValueError(f"a thing of R's kind {kind} is not read")
        return Vector(values, self._item() if has_attributes else {})
