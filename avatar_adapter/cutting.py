"""Cuts answers to the bytes a world can take and lines to the characters it can show."""

from collections.abc import Iterable
from typing import Any

import msgspec

Answer = dict[str, Any]
_ELLIPSIS = "…"


def encode(answer: Answer) -> bytes:
    """Return the answer as it goes over the wire."""
    return msgspec.json.encode(answer)


def first_fitting(candidates: Iterable[Answer], room: int) -> bytes | None:
    """Return the first candidate that takes at most `room` bytes, encoded; None when none does."""
    for candidate in candidates:
        encoded = encode(candidate)
        if len(encoded) <= room:
            return encoded
    return None


def cut_line(text: str, characters: int) -> str:
    """Return `text` in at most `characters`, ended at a word where one ends in the second half."""
    return text if len(text) <= characters else _ended(text, characters - 1)


def cut_to_bytes(text: str, room: int) -> str:
    """Return as much of `text` as takes `room` bytes inside a JSON string; empty when not even a letter fits."""
    if _inside(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _inside(text[:middle] + _ELLIPSIS) <= room else (low, middle - 1)
    return _ended(text, low) if low else ""


def _ended(text: str, kept: int) -> str:
    head = text[:kept]
    # A word that ends exactly there is whole.
    space = kept if text[kept] == " " else head.rfind(" ")
    return (head[:space] if space > kept // 2 else head).rstrip() + _ELLIPSIS


def _inside(text: str) -> int:
    return len(msgspec.json.encode(text)) - 2
