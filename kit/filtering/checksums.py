"""Check digits: what tells an identifier from any other number of its length."""

from collections.abc import Callable, Sequence
from datetime import date

_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_P = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ISO_7064 = "10X98765432"


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: cards, IMEI, SIN, personnummer, teudat zehut."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def gtin(digits: str) -> bool:
    """GS1: EAN-8, UPC-A, EAN-13 (ISBN-13 among them), GTIN-14."""
    tripled = sum(3 * int(digit) for digit in digits[-2::-2])
    return (tripled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def isbn10(text: str) -> bool:
    """ISO 2108 as it was until 2006; the last place may be X."""
    values = [10 if character in "xX" else int(character) for character in text]
    return sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=True)) % 11 == 0


def mod97(text: str) -> bool:
    """ISO 13616: an IBAN without blanks."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Verhoeff's dihedral check: Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][int(digit)])])
    return check == 0


def iso7064(digits: str) -> bool:
    """ISO 7064 MOD 11,10: Steuer-ID, OIB."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def weighted(digits: str, weights: Sequence[int], modulus: int) -> int:
    """Return the weighted sum of the first digits under `modulus`."""
    return sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=False)) % modulus


def is_day(year: int, month: int, day: int) -> bool:
    """Tell whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def born(digits: str) -> bool:
    """Tell whether YYMMDD is a day; months of other centuries and sexes are moved by 20, 40, 50, 60 or 80."""
    month = int(digits[2:4])
    month = month % 20 if month % 20 <= 12 else month - 50
    # 2000 is a leap year: a day that is one in any century.
    return month > 0 and is_day(2000, month, int(digits[4:6]))


def nhs(digits: str) -> bool:
    """United Kingdom, NHS number."""
    return (11 - weighted(digits, range(10, 1, -1), 11)) % 11 == int(digits[9])


def dni(text: str) -> bool:
    """Spain, NIF and NIE: the letter."""
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return _DNI[int(number) % 23] == text[-1]


def citizen_18(text: str) -> bool:
    """China, resident identity number."""
    year, month, day = int(text[6:10]), int(text[10:12]), int(text[12:14])
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    return is_day(year, month, day) and _ISO_7064[weighted(text, weights, 11)] == text[17].upper()


def _pesel(digits: str) -> bool:
    return born(digits) and (10 - weighted(digits[:10], (1, 3, 7, 9) * 3, 10)) % 10 == int(digits[10])


def _tckn(digits: str) -> bool:
    values = [int(digit) for digit in digits]
    tenth = (7 * sum(values[0:9:2]) - sum(values[1:8:2])) % 10
    return digits[0] != "0" and tenth == values[9] and sum(values[:10]) % 10 == values[10]


def _cpf(digits: str) -> bool:
    first = weighted(digits, range(10, 1, -1), 11)
    second = weighted(digits, range(11, 1, -1), 11)
    wanted = [0 if each < 2 else 11 - each for each in (first, second)]
    return len(set(digits)) > 1 and wanted == [int(digits[9]), int(digits[10])]


def _norway(digits: str) -> bool:
    first = (11 - weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2), 11)) % 11
    second = (11 - weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 11)) % 11
    return [first, second] == [int(digits[9]), int(digits[10])]


def _baltic(digits: str) -> bool:
    check = weighted(digits, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1), 11)
    if check == 10:
        check = weighted(digits, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3), 11) % 10
    return digits[0] in "123456" and born(digits[1:7]) and check == int(digits[10])


def _belgium(digits: str) -> bool:
    return any(97 - int(century + digits[:9]) % 97 == int(digits[9:]) for century in ("", "2")) and digits[2:4] < "13"


def _amka(digits: str) -> bool:
    return born(digits[4:6] + digits[2:4] + digits[:2]) and luhn(digits)


def _egn(digits: str) -> bool:
    return born(digits) and weighted(digits, (2, 4, 8, 5, 10, 9, 7, 3, 6), 11) % 10 == int(digits[9])


def _personnummer(digits: str) -> bool:
    return born(digits) and luhn(digits)


def _cnp(digits: str) -> bool:
    check = weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9), 11)
    is_counted = 1 <= int(digits[7:9]) <= 52 and (1 if check == 10 else check) == int(digits[12])
    return digits[0] in "12345678" and born(digits[1:7]) and is_counted


def _south_africa(digits: str) -> bool:
    return born(digits) and digits[10] in "01" and luhn(digits)


def _nir(digits: str) -> bool:
    return digits[0] in "1234" and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _steuer_id(digits: str) -> bool:
    # Of the first ten digits one stands there twice or three times.
    return digits[0] != "0" and len(set(digits[:10])) in {8, 9} and iso7064(digits)


#: Numbers of persons that states give, by their length; each with what decides.
NATIONAL: dict[int, tuple[Callable[[str], bool], ...]] = {
    10: (_egn, _personnummer),
    11: (_pesel, _tckn, _cpf, _norway, _baltic, _belgium, _amka, _steuer_id, iso7064),
    12: (verhoeff,),
    13: (_cnp, _south_africa),
    15: (_nir,),
}


def is_national(digits: str) -> bool:
    """Tell whether `digits` bear the check digits of a person's number."""
    return any(check(digits) for check in NATIONAL.get(len(digits), ()))
