"""Identifiers that only the words before them tell: licences, passports, accounts, plates, web sites."""

import re

from kit.filtering.context import PERSONAL

_LINK = (
    r"(?:[\s:=#.,\"'()-]|is|was|no|nr|num|number|nummer|numéro|número|numero|id|code|my|the|are|with|at|on|has|expires|"
    r"plate|card){0,8}?"
)
_LICENCE = (
    r"driv(?:er'?s?|ers'?|ing)[ -]?(?:licen[cs]e|permit|lic)|licen[cs]e|dl|führerschein\w*|permis(?: de conduire)?|"
    r"patente|rijbewijs\w*|licencia|carnet|körkort\w*|prawo jazdy|cnh"
)
_ACCOUNTS = (
    r"account|acct|konto\w*|iban|bban|bic|swift|wallet|bitcoin|btc|ethereum|eth|routing|sort code|card|visa|cf|id"
)
_DEVICES = (
    r"imei|idfa|gaid|advertising[ -]id|device[ -]id|serial|mac|plate|kennzeichen|vin|token|api[ _-]?key|secret|"
    r"password|bearer|insurance"
)
#: Words that claim what follows, in any of their forms.
CLAIMING = rf"{_LICENCE}|{PERSONAL}|{_ACCOUNTS}|{_DEVICES}"
_CLAIMED = re.compile(
    rf"(?<![^\W_])(?<!\w-)(?:{CLAIMING})(?![^\W_])(?!-[^\W\d]){_LINK}"
    r"[\s:=#.\"'(]([A-Z0-9](?:[ ./_-]?[A-Z0-9]){4,44})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
#: Words after which a bare domain is somebody's own.
SITES = (
    r"website|web site|site|homepage|home page|url|link|photo|domain|webseite|page|blog|files with you|visit|browse|"
    r"portfolio|profile"
)
_SITE = re.compile(
    rf"(?<![^\W_])(?:{SITES})(?![^\W_])[\s:=#\"'(-]{{0,4}}(?:(?:is|at|on|to|here)[\s:]{{1,3}})?"
    r"((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,5}[^\W\d_]{2,24})(?![\w-])",
    re.IGNORECASE,
)
_LEAST_DIGITS = 3
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[.-]?[a-z]+\d*)?", re.IGNORECASE)
# Words before and after the identifier are in the match when blanks part them; they hold no digits.
_WITH_DIGITS = re.compile(r"[^ ]*\d[^ ]*(?: (?:[^ ]{1,2} )?[^ ]*\d[^ ]*)*")


def claims_in(text: str) -> list[tuple[str, int, int]]:
    """Return (kind, start, end) of tokens that the words before them claim to be somebody's."""
    found = [("url", match.start(1), match.end(1)) for match in _SITE.finditer(text)]
    for match in _CLAIMED.finditer(text):
        for part in _WITH_DIGITS.finditer(match[1]):
            if sum(map(str.isdigit, part[0])) >= _LEAST_DIGITS and not _VERSION.fullmatch(part[0]):
                start = match.start(1) + part.start()
                found.append(("personal", start, start + len(part[0])))
    return found
