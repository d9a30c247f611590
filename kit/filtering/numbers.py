"""Digits with what stands between them: telephone, card, a person's number, or goods, dates and prices."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from kit.filtering.checksums import gtin, is_day, is_national, isbn10, luhn, nhs
from kit.filtering.context import claimed_kind

_CANDIDATE = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d[:.,T])(?:\+ ?|\(\+?)?\d(?:[ .\-/()\u00a0\u2010-\u2013]{0,3}+\d){5,}+"
    r"(?: ?(?:x|ext\.?) ?\d{1,6})?+(?![A-Za-z0-9_])"
)
_AREA = re.compile(r"\(\d{1,6}\)")
_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?\d+$")
_GROUP = re.compile(r"\d+")
_ATTACHED_BEFORE = re.compile(r"[A-Za-z][A-Za-z0-9]*[-_/.:#]+$")
_ATTACHED_AFTER = re.compile(r"[-_/][A-Za-z]")
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"3(?:0[0-59]|[689]\d)\d{11,13}|35\d{14}|(?:1800|2131)\d{11}|220[0-4]\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}|"
    r"(?:50|5[6-9]|6[0-9])\d{10,17}|0604\d{8,15}|9[0-9]\d{14}"
)
# North America, China, Italy, Russia: what begins with no 0.
_MOBILE = re.compile(r"1?[2-9]\d\d[2-9]\d{6}|1[3-9]\d{9}|3[2-9]\d{8,9}|8[3489]\d{9}")
_DATE = re.compile(
    r"(?:19|20)\d\d([-./ ])(\d\d?)\1(\d\d?)(?:[ -]\d\d?)?|(\d\d?)([-./ ])(\d\d?)\5(?:19|20)?\d\d(?: \d\d?)?|"
    r"(?:19|20)\d\d ?[-/–] ?(?:19|20)\d\d(?: ?[-/] ?(?:19|20)\d\d)*|(?:19|20)\d{6}(?:[ -]?\d{4,6})?"
)
#: Lengths of the groups of digits that national forms of telephone numbers have when they begin with no 0.
_TELEPHONE_GROUPS = frozenset(
    {
        (3, 3, 4),
        (1, 3, 3, 4),
        (3, 7),
        (3, 3, 3),
        (3, 2, 2, 2),
        (2, 2, 2, 2),
        (3, 3, 2, 2),
        (1, 3, 3, 2, 2),
        (2, 3, 2, 2),
    }
    | {
        (3, 2, 2),
        (3, 2, 3),
        (2, 3, 4),
        (3, 4, 4),
        (1, 3, 3, 2),
        (2, 4, 4),
        (2, 5, 4),
        (4, 3, 3),
        (2, 3, 3),
        (3, 3, 5),
        (5, 5),
        (5, 6),
        (2, 3, 3, 3),
    }
)
#: … and of numbers of persons: SSN, ITIN; AHV; KR; LV; TH; CPF; CNPJ; Aadhaar; FR; ES; SE and DK; CZ; PL tax.
_PERSON_GROUPS = frozenset(
    {(3, 2, 4), (3, 4, 4, 2), (6, 7), (6, 5), (1, 4, 5, 2, 1), (3, 3, 3, 2), (2, 3, 3, 4, 2), (4, 4, 4)}
    | {(1, 2, 2, 2, 3, 3, 2), (1, 2, 2, 2, 3, 3), (6, 4), (3, 3, 2, 2), (3, 2, 2, 3), (2, 6, 1), (8, 4)}
)
_BORN_GROUPS = frozenset({(6, 7), (6, 5), (6, 4), (8, 4)})
_VERSION = re.compile(r"\d+(?:\.\d+){2,}")
_CARD_GROUPS = frozenset(
    {
        (4, 4, 4, 4),
        (4, 6, 5),
        (4, 6, 4),
        (4, 4, 5),
        (4, 4, 4, 4, 3),
        (4, 4, 4),
        (4, 4, 4, 1),
        (4, 4, 4, 2),
        (4, 4, 4, 3),
    }
)
# Words of somebody talking; titles of goods have few of them.
_SPOKEN = re.compile(
    r"\b(?:i|i'm|my|me|you|your|we|us|our|he|his|she|her|they|them|is|are|was|were|be|has|have|not|please|can|could|will|"
    r"would|this|that|ich|mein\w*|mir|du|dein\w*|wir|uns|ist|sind|war|bitte|nicht|je|mon|ma|vous|votre|nous|est|sont|"
    r"pas|yo|mi|tu|su|es|son|por favor|no|sono|mio|mia|per favore)\b",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]{2,}")


class Number(NamedTuple):
    """A candidate: where, its digits, lengths of its groups, what stands between them."""

    start: int
    end: int
    written: str
    digits: str
    groups: tuple[int, ...]


def numbers_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of numbers that identify people."""
    for match in _CANDIDATE.finditer(text):
        written = _EXTENSION.sub("", match[0])
        parts = _GROUP.findall(written)
        number = Number(match.start(), match.end(), written, "".join(parts), tuple(map(len, parts)))
        kind = _kind(text, number)
        if kind:
            yield kind, match.start(), match.end()


def _kind(text: str, number: Number) -> str:
    claimed = claimed_kind(text, number.start, number.end)
    if claimed == "card" and len(number.digits) in range(12, 20):
        return "card"
    if _is_card(number) and (claimed != "goods" or number.groups == (4, 4, 4, 4)):
        return "card"
    if number.written.startswith(("+", "(+")):
        return "phone" if 7 <= len(number.digits) <= 17 else ""
    if claimed == "goods" or (
        _is_date(number.written.strip("() ")) and not (claimed == "phone" and _is_paired(number))
    ):
        return ""
    if claimed in {"phone", "personal"}:
        return _as_claimed(claimed, number)
    if _is_attached(text, number) or _is_goods(text, number):
        return ""
    return _by_shape(text, number)


def _is_paired(number: Number) -> bool:
    # 07 02 14 07 is a telephone where something says so, though it begins like a day.
    return number.groups == (2, 2, 2, 2) and "." not in number.written


def _is_attached(text: str, number: Number) -> bool:
    if _ATTACHED_AFTER.match(text, number.end):
        return True
    return _ATTACHED_BEFORE.search(text, max(0, number.start - 24), number.start) is not None


def _as_claimed(claimed: str, number: Number) -> str:
    # Years and house numbers stand near such words as well.
    return claimed if 6 <= len(number.digits) <= 20 and not _is_version(number) else ""


def _is_version(number: Number) -> bool:
    return bool(_VERSION.fullmatch(number.written)) and min(number.groups[:-1]) == 1


def _is_card(number: Number) -> bool:
    digits = number.digits
    if len(number.groups) > 1 and number.groups not in _CARD_GROUPS:
        return False
    if not _CARD.fullmatch(digits) or not luhn(digits):
        return False
    # On its own a number of 12 or 13 digits that is a good bar code is one.
    return not (len(number.groups) == 1 and len(digits) in {12, 13} and gtin(digits))


def _is_date(written: str) -> bool:
    match = _DATE.fullmatch(written)
    if not match:
        return False
    day_or_month = (match[2], match[3]) if match[2] else (match[4], match[6])
    if day_or_month[0] is None:
        digits = "".join(_GROUP.findall(written))
        return len(_GROUP.findall(written)) > 1 or is_day(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    return all(1 <= int(each) <= 31 for each in day_or_month)


def _is_goods(text: str, number: Number) -> bool:
    digits, groups = number.digits, number.groups
    if len(digits) in {8, 12, 13, 14} and gtin(digits) and (len(groups) == 1 or digits[:3] in {"978", "979"}):
        return True
    if len(digits) != 10 or not isbn10(digits):
        return False
    # Books, with or without hyphens; 3-3-4 is a telephone.
    return (len(groups) == 1 and not _is_sentence(text)) or (len(groups) == 4 and groups[-1] == 1)


def _by_shape(text: str, number: Number) -> str:
    digits, groups = number.digits, number.groups
    if len(groups) == 1:
        return _bare(text, digits)
    if any(mark in number.written for mark in ("--", "..", "  ", "//", " - ")) or "/" in number.written[8:]:
        return ""
    if _is_amount(number.written) or _is_version(number):
        return ""
    if groups in _BORN_GROUPS:
        return "national_id" if _is_born(digits) else ""
    if groups in _PERSON_GROUPS and groups not in _TELEPHONE_GROUPS:
        return "national_id" if groups != (4, 4, 4) or is_national(digits) else ""
    if _is_grouped_telephone(number):
        return "phone"
    begins_with_trunk = number.written.lstrip("(").startswith("0") or number.written.startswith("8 (")
    is_likely = begins_with_trunk or _AREA.match(number.written) or len(_SPOKEN.findall(text)) > 1
    return "phone" if is_likely and 8 <= len(digits) <= 15 and len(groups) <= 7 else ""


def _is_grouped_telephone(number: Number) -> bool:
    _, _, written, digits, groups = number
    if groups in _TELEPHONE_GROUPS:
        return len(digits) >= 8 or "." not in written
    # With the code of the country, and no sign before it.
    return groups[0] <= 3 and groups[1:] in _TELEPHONE_GROUPS and 10 <= len(digits) <= 13 and digits[0] != "0"


def _is_born(digits: str) -> bool:
    first = digits[2:] if len(digits) == 12 else digits
    month, day = int(first[2:4]), int(first[4:6])
    # Year first in some countries, day first in others.
    return (1 <= month <= 12 and 1 <= day <= 31) or _day_first(first)


def _day_first(digits: str) -> bool:
    return 1 <= int(digits[:2]) <= 31 and 1 <= int(digits[2:4]) <= 12


def _is_amount(written: str) -> bool:
    # 1.234.567 and 1 234 567: thousands.
    return bool(re.fullmatch(r"[1-9]\d?(?:([ .])\d{3})(?:\1\d{3})*|[1-9]\d{0,2}(?:\.\d{3})+|\d+\.\d+", written))


def _is_sentence(text: str) -> bool:
    return len(_WORDS.findall(text)) > 2


def _bare(text: str, digits: str) -> str:
    if (len(digits) in {9, 10, 11} and digits[0] == "0") or (len(digits) in {10, 11} and _MOBILE.fullmatch(digits)):
        return "phone"
    if is_national(digits) or (len(digits) == 10 and nhs(digits)):
        return "national_id"
    if len(digits) == 15 and luhn(digits):
        return "device"
    is_international = digits.startswith("00") and len(digits) in {12, 13, 14}
    return "phone" if is_international or (9 <= len(digits) <= 13 and _is_sentence(text)) else ""
