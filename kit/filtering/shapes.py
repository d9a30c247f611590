"""Identifiers known by their shape: addresses of people, machines and accounts, keys, lettered national numbers."""

import ipaddress
import re
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from kit.filtering.checksums import born, citizen_18, dni, mod97

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
# Ends of file names and of scoped package versions, which stand where a domain would.
_NO_DOMAIN = re.compile(
    r"(?i)png|jpe?g|gif|svg|webp|ico|m?js|jsx|tsx?|s?css|html?|json|xml|ya?ml|md|txt|py|rs|go|java|rb|php|c|h|cpp|exe|dll|"
    r"so|zip|t?gz|tar|bz2|xz|deb|rpm|whl|jar"
)
# A version of four parts begins with a small one and goes on with none of three digits; an address seldom does.
_SMALL_FIRST, _SMALL_REST = 32, 100
_MOST_BYTE = 255
# ISO 3166-1.
_COUNTRY = re.compile(
    r"A[DEFGILMORTUWXZ]|B[ABDEFGHIJMNORSTWYZ]|C[ADFGHIKLMNORUVWYZ]|D[EJKMOZ]|E[CEGRST]|F[IJMOR]|"
    r"G[ABDEFGHILMNPQRTUWY]|H[KNRTU]|I[DELMNQRST]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEGHKLMNOQRSTUVWXYZ]|"
    r"N[ACEGILOPRZ]|OM|P[AEFGHKLRSTWY]|QA|R[EOSUW]|S[ABCDEGIKLMNORSTVXYZ]|T[DGHJLMNORTVWZ]|U[AGSYZ]|V[ACEGNU]|WS|"
    r"XK|Y[ET]|Z[AMW]"
)


class Shape(NamedTuple):
    """A pattern whose first group, or the whole, is the identifier when `is_one` says so."""

    kind: str
    pattern: re.Pattern[str]
    is_one: Callable[[re.Match[str]], bool] | None = None


def _shape(kind: str, pattern: str, is_one: Callable[[re.Match[str]], bool] | None = None, flags: int = 0) -> Shape:
    return Shape(kind, re.compile(pattern, flags), is_one)


def _is_mail(match: re.Match[str]) -> bool:
    return not _NO_DOMAIN.fullmatch(match[0].rpartition(".")[2])


def _is_ipv4(match: re.Match[str]) -> bool:
    parts = [int(part) for part in re.findall(r"\d+", match[0])]
    if max(parts) > _MOST_BYTE or any(len(part) > 1 and part[0] == "0" for part in re.findall(r"\d+", match[0])):
        return False
    if parts[0] in {10, 127} or parts[:2] == [192, 168]:
        return True
    before = match.string[max(0, match.start() - 16) : match.start()].lower()
    if re.search(r"\b(?:ip|ipv4|address|addr|host|server|client|from|login|ping|dns|gateway)\W*(?:is\W*)?$", before):
        return True
    if re.search(r"(?:\bv|version|release|build|rev|[a-z][_/-])[ .:]*$", before):
        return False
    return parts[0] >= _SMALL_FIRST or max(parts) >= _SMALL_REST


def _is_ipv6(match: re.Match[str]) -> bool:
    text = match[0]
    if not any(character.isdigit() for character in text) and "::" in text and text.count(":") < 4:
        return False
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return text.count(":") >= 3 or text.lower().startswith(("fe80", "2001", "fc", "fd", "::1"))


def _is_iban(match: re.Match[str]) -> bool:
    compact = re.sub(r"[ \-.]", "", match[0]).upper()
    # A blank may be followed by the next word of the sentence.
    return any(mod97(compact[:end]) for end in range(len(compact), 14, -1))


def _is_short_iban(match: re.Match[str]) -> bool:
    compact = re.sub(r"[ .-]", "", match[0])
    return _COUNTRY.match(compact) is not None and mod97(compact)


def _is_base58(match: re.Match[str]) -> bool:
    return any(_checks(match[0], alphabet) for alphabet in (_BASE58, _BASE58_RIPPLE))


def _checks(text: str, alphabet: str) -> bool:
    number = 0
    for character in text:
        place = alphabet.find(character)
        if place < 0:
            return False
        number = number * 58 + place
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _is_mixed(match: re.Match[str]) -> bool:
    return any(character.isdigit() for character in match[0]) and any(character.isalpha() for character in match[0])


def _is_dni(match: re.Match[str]) -> bool:
    return dni(re.sub(r"[ .-]", "", match[0]).upper())


def _is_finnish(match: re.Match[str]) -> bool:
    digits = match[0][:6]
    return 1 <= int(digits[:2]) <= 31 and 1 <= int(digits[2:4]) <= 12


def _is_citizen_18(match: re.Match[str]) -> bool:
    return citizen_18(match[0])


def _is_curp(match: re.Match[str]) -> bool:
    return born(match[0][4:10])


_LEFT, _RIGHT = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_I = re.IGNORECASE

SHAPES: tuple[Shape, ...] = (
    _shape("email", r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])", _is_mail),
    _shape(
        "email",
        r"\w[\w.+-]{0,63}\s?[(\[]\s?at\s?[)\]]\s?[\w-]{1,63}(?:\.|\s?[(\[]\s?dot\s?[)\]]\s?)[a-z]{2,}",
        flags=_I,
    ),
    _shape("url", r"(?<![A-Za-z])[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>|]{3,}", flags=_I),
    _shape("url", r"(?<![\w@.-])www\d?\.[\w-]+(?:\.[\w-]+)+[^\s\"'<>|]*", flags=_I),
    _shape("ip_address", r"(?<![A-Za-z0-9.])(?<!\d-)\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d|-[a-z0-9])", _is_ipv4),
    _shape(
        "ip_address",
        r"(?<![A-Za-z0-9:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])",
        _is_ipv6,
        _I,
    ),
    _shape("mac_address", r"(?<![\w:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4,6}[0-9a-f]{2}(?![\w:-])", flags=_I),
    _shape("mac_address", r"(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])", _is_mixed, _I),
    _shape("uuid", rf"{_LEFT}[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}{_RIGHT}", flags=_I),
    _shape("iban", rf"{_LEFT}[A-Z]{{2}}\d\d(?:[ .-]?[A-Z0-9]){{11,30}}{_RIGHT}", _is_iban),
    _shape("iban", rf"{_LEFT}[a-z]{{2}}\d\d[a-z0-9]{{11,30}}{_RIGHT}", _is_iban),
    # Of countries that have none yet, or by another length: digits alone.
    _shape("iban", rf"{_LEFT}[A-Z]{{2}}\d\d(?:[ .-]?\d){{8,10}}{_RIGHT}", _is_short_iban),
    _shape("crypto", rf"{_LEFT}[1-9A-HJ-NP-Za-km-z]{{25,35}}{_RIGHT}", _is_base58),
    _shape("crypto", rf"{_LEFT}(?:bc1|tb1|ltc1|addr1)[02-9ac-hj-np-z]{{25,100}}{_RIGHT}", flags=_I),
    _shape("crypto", rf"{_LEFT}0x[0-9a-f]{{40}}{_RIGHT}", flags=_I),
    _shape("key", r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?", flags=re.ASCII),
    _shape("key", rf"{_LEFT}(?:AKIA|ASIA)[A-Z0-9]{{16}}{_RIGHT}", _is_mixed),
    _shape(
        "key",
        rf"{_LEFT}(?:gh[pousr]_|github_pat_|glpat-|[spr]k_(?:live|test)_|xox[abprs]-|sk-|AIza|npm_|pypi-AgEI|mb_)[\w-]{{16,}}",
        _is_mixed,
        re.ASCII,
    ),
    _shape("key", r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|CERTIFICATE)-----"),
    _shape("key", rf"{_LEFT}[0-9a-f]{{32,}}{_RIGHT}", _is_mixed, _I),
    _shape("location", r"(?<![\w.])-?\d{1,2}\.\d{4,}\s?[,;/ ]\s?-?\d{1,3}\.\d{4,}(?![\w.])"),
    _shape(
        "location",
        r"\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d+)?\s?['′’](?:\s?\d{1,2}(?:[.,]\d+)?\s?(?:[\"″”]|''))?\s?[NSEWO]",
    ),
    _shape("national_id", rf"{_LEFT}[A-Z]{{6}}\d\d[A-EHLMPRST]\d\d[A-Z]\d{{3}}[A-Z]{_RIGHT}", flags=_I),  # IT
    _shape("national_id", rf"{_LEFT}[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-DT]{_RIGHT}"),  # UK
    _shape(  # ES
        "national_id", rf"{_LEFT}(?:\d{{8}}|\d\d\.\d{{3}}\.\d{{3}}|[XYZ][ -]?\d{{7}})[ -]?[A-Z]{_RIGHT}", _is_dni, _I
    ),
    _shape("national_id", rf"{_LEFT}\d{{6}}[-+ABCDEFUVWXY]\d{{3}}[0-9A-FHJ-NPR-Y]{_RIGHT}", _is_finnish),
    _shape("national_id", rf"{_LEFT}[1-9]\d{{16}}[\dXx]{_RIGHT}", _is_citizen_18),  # CN
    _shape("national_id", rf"{_LEFT}[A-Z][AEIOUX][A-Z]{{2}}\d{{6}}[HMX][A-Z]{{5}}[A-Z0-9]\d{_RIGHT}", _is_curp),  # MX
    _shape("national_id", rf"{_LEFT}[A-Z]{{3}}[ABCFGHLJPTK][A-Z]\d{{4}}[A-Z]{_RIGHT}"),  # IN PAN
    _shape("national_id", rf"{_LEFT}\d\d[A-Z]{{5}}\d{{4}}[A-Z][1-9A-Z]Z[0-9A-Z]{_RIGHT}"),  # IN GSTIN
    _shape("national_id", rf"{_LEFT}[STFGM]\d{{7}}[A-Z]{_RIGHT}"),  # SG
    _shape("national_id", rf"{_LEFT}[A-Z]{{1,2}}\d{{6}}\([0-9A]\)"),  # HK
    _shape("national_id", rf"{_LEFT}[12]\d\d(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d\d|2[AB])\d{{6}}\d\d{_RIGHT}"),  # FR
    _shape("national_id", rf"{_LEFT}[A-Z9]{{5}}\d{{6}}[A-Z9]{{2}}\d[A-Z]{{2}}{_RIGHT}"),  # UK driving licence
)  # fmt: skip


def shapes_in(text: str) -> list[tuple[str, int, int]]:
    """Return (kind, start, end) of everything known by its shape."""
    return [
        (kind, match.start(), match.end())
        for kind, pattern, is_one in SHAPES
        for match in pattern.finditer(text)
        if is_one is None or is_one(match)
    ]
