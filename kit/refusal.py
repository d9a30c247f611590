"""Recognises strings that identify people, so that a door can refuse what it would otherwise keep.

For opaque ids only: names and free text cannot be judged, and no field may carry them.
"""

import re

from kit.filtering import hits_in
from kit.filtering.checksums import gtin

MAX_ID_CHARACTERS = 64
# A number this long can be somebody's telephone; shorter ones are counters and article numbers.
_LONGEST_COUNTER = 8
_GTIN_DIGITS = frozenset({12, 13, 14})
_OPAQUE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
_DIGIT_RUN = re.compile(r"[0-9]{9,}", re.ASCII)
_DIGIT_GROUPS = re.compile(r"[0-9]+(?:[.:-]+[0-9]+)*", re.ASCII)
_IPV4 = re.compile(r"(?:^|[^0-9.])[0-9]{1,3}(?:[.-][0-9]{1,3}){3}(?:$|[^0-9.])", re.ASCII)
# Database ids of this shape hold long runs of digits by chance.
_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{32,}", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_COLON_HEX = re.compile(r"[0-9A-Fa-f]{0,4}(?:[:-][0-9A-Fa-f]{0,4}){2,7}", re.ASCII)
_SEPARATORS = str.maketrans("", "", "._:-")
_SPACED = str.maketrans("_", " ")


def identity_in(text: str) -> str:
    """Return what kind of identity `text` looks like, or "" for a harmless opaque id of at most 64 characters.

    Stricter than the filter of texts: an id has no sentence around it that could tell a telephone from a number.
    """
    if len(text) > MAX_ID_CHARACTERS or not _OPAQUE_ID.fullmatch(text):
        return "email" if "@" in text else "free_text"
    if _UUID.search(text) or _HEXADECIMAL.search(text):
        return "uuid"
    if _IPV4.search(text) or _is_colon_hex(text):
        return "ip_address"
    if _OBJECT_ID.fullmatch(text) and not text.isdigit():
        return ""
    # Both as it is written and as words, as in "tel:…": what looks like an identity in one way is one.
    hits = hits_in(text) or hits_in(text.translate(_SPACED))
    return hits[0].kind if hits else _number_in(text)


def _number_in(text: str) -> str:
    runs = [text.translate(_SEPARATORS)] if _DIGIT_GROUPS.fullmatch(text) else _DIGIT_RUN.findall(text)
    for run in runs:
        if len(run) > _LONGEST_COUNTER and not (len(run) in _GTIN_DIGITS and gtin(run)):
            return "phone"
    return ""


def _is_colon_hex(text: str) -> bool:
    # IPv6 and hardware addresses. Groups of digits alone are dates and article numbers, judged as numbers.
    return bool(_COLON_HEX.fullmatch(text)) and (":" in text or len(text) == len("00-00-00-00-00-00"))
