"""Bytes of stored sums, by codec number: sparse rows of counts and the small maps of an item."""

import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Mixes

#: Rows: deflate(columns as int32 ‖ counts as int32), non-zero ones only. Items: msgpack [weeks, topics].
#: Weights: half floats. Mixes: msgpack.
CODEC = 1

_LEVEL = 1


class ItemBody(msgspec.Struct, array_like=True):
    weeks: dict[int, int]
    topics: dict[str, int]


def pack_weights(row: NDArray[np.float32]) -> bytes:
    return row.astype("<f2").tobytes()


def unpack_weights(packed: bytes) -> NDArray[np.float32]:
    return np.frombuffer(packed, "<f2").astype(np.float32)


def pack_mixes(mixes: Mixes | None) -> bytes | None:
    return None if mixes is None else msgspec.msgpack.encode(mixes)


def unpack_mixes(packed: bytes | None) -> Mixes | None:
    return None if packed is None else msgspec.msgpack.decode(packed, type=Mixes)


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
