"""Recognises strings that identify people, so that a door can refuse what it would otherwise keep.

For opaque ids only: names and free text cannot be judged, and no field may carry them.
"""

import re

MAX_ID_CHARACTERS = 64
# A number this long can be somebody's telephone; shorter ones are counters and article numbers.
_PHONE_DIGITS = 9
_CARD_DIGITS = range(13, 20)
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
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_SEPARATORS = str.maketrans("", "", "._:-")


def identity_in(text: str) -> str:
    """Return what kind of identity `text` looks like, or "" for a harmless opaque id of at most 64 characters."""
    if len(text) > MAX_ID_CHARACTERS or not _OPAQUE_ID.fullmatch(text):
        return "email" if "@" in text else "free_text"
    if _UUID.search(text) or _HEXADECIMAL.search(text):
        return "uuid"
    if _IPV4.search(text) or _is_colon_hex(text):
        return "ip_address"
    if _OBJECT_ID.fullmatch(text) and not text.isdigit():
        return ""
    compact = text.translate(_SEPARATORS).upper()
    if _is_iban(compact):
        return "iban"
    return _number_in(text, compact)


def _number_in(text: str, compact: str) -> str:
    runs = [compact] if _DIGIT_GROUPS.fullmatch(text) else _DIGIT_RUN.findall(text)
    for run in runs:
        if len(run) in _GTIN_DIGITS and _is_gtin(run):
            continue
        if len(run) in _CARD_DIGITS and _is_luhn(run):
            return "card"
        if len(run) >= _PHONE_DIGITS:
            return "phone"
    return ""


def _is_colon_hex(text: str) -> bool:
    # IPv6 and hardware addresses. Groups of digits alone are dates and article numbers, judged as numbers.
    return bool(_COLON_HEX.fullmatch(text)) and (":" in text or len(text) == len("00-00-00-00-00-00"))


def _is_iban(compact: str) -> bool:
    if not _IBAN.fullmatch(compact):
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_luhn(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _is_gtin(digits: str) -> bool:
    tripled = sum(3 * int(digit) for digit in digits[-2::-2])
    return (tripled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
