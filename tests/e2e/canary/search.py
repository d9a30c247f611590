"""Searches bytes for planted identities, in every form they could hide in."""

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import zstandard

_OVERLAP = 512
_CHUNK = 32 * 1024 * 1024
_DEPTH = 3
_INFLATED = 64 * 1024 * 1024
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b\x08"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def forms(identity: str) -> dict[str, bytes]:
    """Return every spelling under which `identity` counts as found, by name."""
    plain = identity.encode()
    spelled = {
        "plain": plain,
        "upper": identity.upper().encode(),
        "lower": identity.lower().encode(),
        "quoted": quote(identity, safe="").encode(),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "utf-16-le": identity.encode("utf-16-le"),
        "utf-16-be": identity.encode("utf-16-be"),
        "reversed": plain[::-1],
    }
    for shift in range(3):
        # Base64 spells the same bytes in three ways, by where they begin; the edges depend on the neighbours.
        whole = base64.b64encode(b"\0" * shift + plain).rstrip(b"=")
        spelled[f"base64+{shift}"] = core = whole[-(-shift * 8 // 6) : len(whole) - 1]
        spelled[f"base64url+{shift}"] = core.replace(b"+", b"-").replace(b"/", b"_")
    try:
        parsed = UUID(identity)
    except ValueError:
        return spelled
    return spelled | {"uuid-bytes": parsed.bytes, "uuid-hex": parsed.hex.encode()}


def find(haystack: bytes, identities: list[str], *, depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Yield (identity, form) for each one found in `haystack` or inside a compressed block of it."""
    for identity in identities:
        for form, needle in forms(identity).items():
            if needle in haystack:
                yield identity, form
    if depth:
        for block in _inflated(haystack):
            for identity, form in find(block, identities, depth=depth - 1):
                yield identity, f"compressed {form}"


def find_in_folder(folder: Path, identities: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (relative path, identity, form) for everything found below `folder`, file names included."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield from ((name, identity, f"file name, {form}") for identity, form in find(name.encode(), identities))
        if path.is_file() and not path.is_symlink():
            for chunk in _chunks(path):
                yield from ((name, identity, form) for identity, form in find(chunk, identities))


def _chunks(path: Path) -> Iterator[bytes]:
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.count(0) != len(chunk):
                yield tail + chunk
            tail = chunk[-_OVERLAP:]


def _inflated(haystack: bytes) -> Iterator[bytes]:
    view = memoryview(haystack)
    for start in _starts(haystack, _ZSTD):
        block = _unzstd(view[start : start + _INFLATED])
        if block:
            yield block
    for start in _starts(haystack, _GZIP):
        block = _unzip(view[start:], 31)
        if block:
            yield block
    for magic in _ZLIB:
        for start in _starts(haystack, magic):
            block = _unzip(view[start:], 15)
            if block:
                yield block


def _starts(haystack: bytes, magic: bytes) -> Iterator[int]:
    start = haystack.find(magic)
    while start >= 0:
        yield start
        start = haystack.find(magic, start + 1)


def _unzstd(data: memoryview) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        return b""


def _unzip(data: memoryview, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(data, _INFLATED)
    except zlib.error:
        return b""
