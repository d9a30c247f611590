"""All rules over one text, behind gates that most texts never pass and that are asked for many texts at once."""

import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import re2

from kit.filtering.claims import CLAIMING, SITES, claims_in
from kit.filtering.numbers import numbers_in
from kit.filtering.shapes import shapes_in

# Between texts that are looked at together: no rule reaches over it.
_APART = "\n\x1f\n"
_EDGE = "(?:^|$|[^0-9A-Za-z])"
# Whatever a family of rules finds holds what its gate asks for; held to that by tests on random and on real texts.
_ADDRESS, _DIGITS, _CLAIM, _THREE, _SITE, _DOTTED, _LONG, _ONE = range(8)
_ADDRESSES = (
    r"@|[(\[]\W?at\W?[)\]]|://|www\d?\.|-----BEGIN|°|:[0-9a-f]{0,4}:|[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}-|"
    r"[0-9a-f]{4}\.[0-9a-f]{4}\.|[0-9a-f]{8}-[0-9a-f]{4}-|[1-9a-km-z]{25}|"
    r"eyj[\w-]{8}\.|[a-z]{6}\d\d|[a-z]{5}\d{4}|[a-z]{2}\d\d(?:[ .-]?[a-z0-9]){11}|[a-z]{2}\d\d(?:[ .-]?\d){8}|"
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d"
)
_GATES = (
    _ADDRESSES,
    r"\d(?:[ .\-/()\x{a0}\x{2010}-\x{2013}]{0,3}\d){5}",
    rf"{_EDGE}(?:{CLAIMING}){_EDGE}",
    r"\d[^\d]*\d[^\d]*\d",
    rf"{_EDGE}(?:{SITES}){_EDGE}",
    r"\S\.\S\S",
    r"[\w-]{19}",
    r"\d",
)


class Hit(NamedTuple):
    """What kind of identifier stands where."""

    kind: str
    start: int
    end: int


def suspicious(texts: Sequence[str]) -> list[str]:
    """Return those of `texts` that the rules are worth asking about; nothing is found in the others."""
    if not texts or not _passed(_APART.join(texts)):
        return []
    return [text for text in texts if _passed(text)]


def hits_in(text: str) -> list[Hit]:
    """Return the hits in `text`, in order of place; they may overlap."""
    text = _folded(text)
    passed = _gates_of(text)
    found: list[tuple[str, int, int]] = []
    if _shaped(passed):
        found += shapes_in(text)
    if _DIGITS in passed:
        found += numbers_in(text)
    if _claims(passed):
        found += claims_in(text)
    return _in_order(found)


def search(text: str) -> list[Hit]:
    """Be `hits_in` without the gates: the plain rule that the fast one is held to."""
    text = _folded(text)
    return _in_order([*shapes_in(text), *numbers_in(text), *claims_in(text)])


def _in_order(found: list[tuple[str, int, int]]) -> list[Hit]:
    return sorted((Hit(*each) for each in found), key=lambda hit: (hit.start, hit.end, hit.kind))


def _passed(text: str) -> bool:
    passed = _gates_of(_folded(text))
    return _shaped(passed) or _claims(passed)


def _gates_of(text: str) -> Sequence[int]:
    # Half a surrogate pair is no UTF-8; what replaces it is as little part of an identifier.
    return _gate().Match(text.encode("utf-8", "replace")) or ()


def _shaped(passed: Sequence[int]) -> bool:
    return _ADDRESS in passed or _DIGITS in passed or (_LONG in passed and _ONE in passed)


def _claims(passed: Sequence[int]) -> bool:
    return (_CLAIM in passed and _THREE in passed) or (_SITE in passed and _DOTTED in passed)


@cache
def _gate() -> re2.Set:
    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    options.max_mem = 64 << 20
    gate = re2.Set.SearchSet(options)
    for pattern in _GATES:
        gate.Add(pattern)
    gate.Compile()
    return gate


def _folded(text: str) -> str:
    # Digits of other scripts are digits; each is one character, so that places stay what they are.
    return text if text.isascii() else text.translate(_digits())


@cache
def _digits() -> dict[int, str]:
    characters = map(chr, range(128, sys.maxunicode + 1))
    return {
        ord(each): str(unicodedata.decimal(each)) for each in characters if unicodedata.decimal(each, None) is not None
    }
