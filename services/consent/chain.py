"""The append-only chain: every record's hash covers the hash before it, one chain per brand and shard."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256


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


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: number and hash of its last record."""

    sequence: int
    hash: bytes


def genesis(brand: str, shard: int) -> Head:
    """Return the head of a chain without records."""
    return Head(0, sha256(f"maskenball/consent/v1|{brand}|{shard}".encode()).digest())


def link(previous: bytes, record: Record) -> bytes:
    """Return the record's hash: SHA-256 of the hash before it and the record as a JSON array, pid in hexadecimal."""
    fields = [value.hex() if isinstance(value, bytes) else value for value in astuple(record)]
    return sha256(previous + json.dumps(fields, separators=(",", ":")).encode()).digest()


def first_break(start: Head, records: Iterable[tuple[Record, bytes]]) -> int | None:
    """Return the sequence at which the chain is broken (a gap or a wrong hash), or None when it is whole."""
    head = start
    for record, digest in records:
        if record.sequence != head.sequence + 1 or link(head.hash, record) != digest:
            return head.sequence + 1
        head = Head(record.sequence, digest)
    return None
