"""Receipts: where each event of an accepted request went, told to nobody but the source it came from.

A receipt is kept by whoever got it. It is url-safe base64 of: version, 1 byte; when the request was accepted,
milliseconds since 1970, 8 bytes; number of runs, 1 byte; the runs, 19 bytes each; one byte for each event of the
request, the run it belongs to; 16 bytes of keyed hash over all of it and the brand. A run names a batch, its partition
and the place of its first event in that batch; its events follow each other, in the order of the request.
"""

import base64
import binascii
import hmac
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from doors.publish import Parcel
from gateway.domain import ReceiptUnknownError
from kit.errors import InvalidArgumentError
from kit.pseudonyms import PSEUDONYM_BYTES

#: What fits into an address; a request with more events is answered without a receipt.
MOST_EVENTS = 10_000
MOST_CHARACTERS = 24 << 10
_MOST_RUNS = 255
_VERSION = 1
_HEAD = struct.Struct(">BQB")
_RUN = struct.Struct(">16sBH")
_SHORTEST = _HEAD.size + PSEUDONYM_BYTES

#: Keyed hash of one source.
Mark = Callable[[bytes], bytes]


class Run(NamedTuple):
    """Events of one request that follow each other in a batch."""

    batch_id: bytes
    partition: int
    first: int


class Receipt(NamedTuple):
    """When a request was accepted, its runs, and which of them each event belongs to."""

    accepted_at_ms: int
    runs: list[Run]
    events: bytes


def write(mark: Mark, brand: str, accepted_at_ms: int, packed: Sequence[Parcel]) -> str:
    """Return the receipt of a request whose parcels are published; "" when it has more events than fit."""
    events = bytearray(sum(len(parcel.fates) for parcel in packed))
    runs = bytearray()
    number = 0
    for parcel in packed:
        for places, first in ((parcel.translated, parcel.first_translated), (parcel.refused, parcel.first_refused)):
            if not places:
                continue
            if number == _MOST_RUNS or len(events) > MOST_EVENTS:
                return ""
            if number:
                for place in places:
                    events[place] = number
            runs += _RUN.pack(parcel.batch_id, parcel.partition, first)
            number += 1
    body = _HEAD.pack(_VERSION, accepted_at_ms, number) + runs + events
    return base64.urlsafe_b64encode(body + mark(_marked(brand, body))).rstrip(b"=").decode()


def read(text: str, marks: Iterable[Mark], brand: str) -> Receipt:
    """Return what a receipt says; raises InvalidArgumentError, and ReceiptUnknownError when it is another source's."""
    whole = _decoded(text)
    body, told = whole[:-PSEUDONYM_BYTES], whole[-PSEUDONYM_BYTES:]
    if not any(hmac.compare_digest(mark(_marked(brand, body)), told) for mark in marks):
        raise ReceiptUnknownError("this source was given no such receipt", field="receipt")
    _, accepted_at_ms, number = _HEAD.unpack_from(body)
    end = _HEAD.size + number * _RUN.size
    runs = [Run(*facts) for facts in _RUN.iter_unpack(body[_HEAD.size : end])]
    return Receipt(accepted_at_ms, runs, body[end:])


def _decoded(text: str) -> bytes:
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        whole = b""
    if len(whole) < _SHORTEST or whole[0] != _VERSION:
        raise InvalidArgumentError("not a receipt", field="receipt", limit=f"at most {MOST_CHARACTERS} characters")
    return whole


def _marked(brand: str, body: bytes) -> bytes:
    # The same name may be a source's of two brands.
    return brand.encode() + b"|" + body
