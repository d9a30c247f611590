"""Bytes of stored sums, by codec number: sparse rows of counts and the small maps of an item."""

import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

#: Rows: deflate(columns as int32 ‖ counts as int32), non-zero ones only. Items: msgpack [weeks, topics].
CODEC = 1

_LEVEL = 1


class ItemBody(msgspec.Struct, array_like=True):
    weeks: dict[int, int]
    topics: dict[str, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ItemBody)


def pack_row(row: NDArray[np.int32]) -> bytes:
    columns = np.flatnonzero(row).astype("<i4")
    return zlib.compress(columns.tobytes() + row[columns].astype("<i4").tobytes(), _LEVEL)


def unpack_row(packed: bytes, size: int) -> NDArray[np.int32]:
    columns, counts = np.frombuffer(zlib.decompress(packed), "<i4").reshape(2, -1)
    row = np.zeros(size, np.int32)
    row[columns] = counts
    return row


def pack_item(weeks: dict[int, int], topics: dict[str, int]) -> bytes:
    return _encoder.encode(ItemBody(weeks, topics))


def unpack_item(packed: bytes) -> ItemBody:
    return _decoder.decode(packed)
