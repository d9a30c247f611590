"""The append-only chain: every record's hash covers the hash before it, one chain per brand and shard."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256

#: Fields that were hashed under each layout: layout 2 has more of them, and its own number among them.
_FIELDS = {1: 16, 2: 20}
LAYOUT = 2


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is kept of one statement about one purpose. The order of fields is part of the hash."""

    brand: str
    shard: int
    sequence: int
    record_id: str
    pid: bytes
    audience: str
    purpose: str
    purpose_version: int
    pack_version: str
    state: str
    stated_at_ms: int
    expires_at_ms: int
    recorded_at_ms: int
    method: str
    notice_version: str
    language: str
    #: Which fields the hash covers.
    layout: int = LAYOUT
    #: Who spoke: "person", the "browser" for them, the "source" that keeps their choices, or the "brand".
    actor: str = ""
    #: "gpc" where the person allowed by name what their signal refuses.
    conflicts_with: str = ""
    #: SHA-256 of the notice in force, see notices.py.
    notice_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: number and hash of its last record; when it was mended after a restore, 0 for never."""

    sequence: int
    hash: bytes
    mended_at_ms: int = 0


def genesis(brand: str, shard: int) -> Head:
    """Return the head of a chain without records."""
    return Head(0, sha256(f"maskenball/consent/v1|{brand}|{shard}".encode()).digest())


def link(previous: bytes, record: Record) -> bytes:
    """Return the record's hash: SHA-256 of the hash before it and the record as a JSON array, pid in hexadecimal."""
    covered = astuple(record)[: _FIELDS[record.layout]]
    fields = [value.hex() if isinstance(value, bytes) else value for value in covered]
    return sha256(previous + json.dumps(fields, separators=(",", ":")).encode()).digest()


def first_break(start: Head, records: Iterable[tuple[Record, bytes]]) -> int | None:
    """Return the sequence at which the chain is broken (a gap or a wrong hash), or None when it is whole."""
    head = start
    for record, digest in records:
        is_next = record.sequence == head.sequence + 1 and record.layout in _FIELDS
        if not is_next or link(head.hash, record) != digest:
            return head.sequence + 1
        head = Head(record.sequence, digest)
    return None
