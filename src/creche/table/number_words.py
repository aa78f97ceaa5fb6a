"""Numbers as people write them, taken apart: digits, signs, currencies, units, accounting parentheses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

__all__ = [
    "APOSTROPHES",
    "MIN_CODE_DIGITS",
    "PLAIN",
    "SPACES",
    "WrittenNumber",
    "are_codes",
    "are_plain",
    "is_sign",
    "split_number",
    "split_numbers",
    "write_shapes",
]

# What Polars parses as a number; Python's float() accepts more, such as 1_000.
PLAIN = re.compile(r"[+-]?(?:(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:e[+-]?[0-9]++)?|inf|infinity|nan)", re.IGNORECASE)

PLAIN_LINES = re.compile(rf"(?:(?:{PLAIN.pattern})\n)*+(?:{PLAIN.pattern})", re.IGNORECASE)

SPACES = " \u00a0\u2007\u2009\u202f"

APOSTROPHES = "'\u2019"

CURRENCIES = (
    "US\\$|CA\\$|A\\$|C\\$|NZ\\$|HK\\$|S\\$|R\\$|[$€£¥₹₽₩₺₫₴₦₱฿₪₡₲₵₸₼₾¢]|USD|EUR|GBP|JPY|CHF|CNY|RMB|INR|CAD|AUD|NZD|SEK|NOK|"
    "DKK|PLN|CZK|HUF|RON|BGN|RUB|UAH|BRL|MXN|ARS|CLP|COP|ZAR|KRW|SGD|HKD|TWD|THB|IDR|MYR|PHP|VND|TRY|ILS|AED|SAR|EGP|NGN|"
    "KES|Rs\\.?|Fr\\.|SFr\\.?"
)

# A unit begins with no digit, and holds digits only as exponents: m2, kg/m³, km/h, mg/dl, °C, fl oz.
UNIT = rf"%|‰|{CURRENCIES}|[A-Za-zµμΩ°º\"′″](?:[A-Za-zµμΩ°·./%$€£^²³23-]| (?=[A-Za-z])){{0,14}}"

# 1.5D+03 is how Fortran writes 1.5e3.
DIGITS = rf"(?:[0-9][0-9.,{SPACES}{APOSTROPHES}]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+|[dD][+-][0-9]+)?"

WRITTEN = (
    rf"(?P<open>\()?[{SPACES}]*(?P<sign>[+\-−])?[{SPACES}]*(?P<prefix>(?:{CURRENCIES}))?[{SPACES}]*(?P<inner>[+\-−])?"
    rf"[{SPACES}]*(?P<digits>{DIGITS})(?P<after>[{SPACES}]?[\-−](?=[{SPACES}]|\Z))?[{SPACES}]*(?P<suffix>{UNIT})?"
    rf"[{SPACES}]*(?P<close>\))?"
)

# Marks of other scripts; their digits are those that Unicode calls decimal.
MARKS_OF_SCRIPTS = str.maketrans({"．": ".", "，": ",", "－": "-", "＋": "+", "％": "%", "٫": ".", "٬": ",", "٪": "%"})

# Words that differ only in digits are taken apart alike, unless letters come between, as in 1e5 and 5 m2.
ANY_DIGIT = str.maketrans("123456789", "0" * 9)
LETTER_BETWEEN_DIGITS = re.compile("0.*[A-Za-z].*0")

# Whole numbers of fewer digits that begin with a zero are those of months, days and hours.
MIN_CODE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """The parts of a word that is a number.

    Attributes
    ----------
    is_negative : bool
    digits : str
        Digits with their marks and exponent.
    unit : str
        The currency sign or unit; empty if there is none.
    is_accounting : bool
        Whether the number is in parentheses, or has its minus after it.
    has_minus_after : bool

    """

    is_negative: bool
    digits: str
    unit: str = ""
    is_accounting: bool = False
    has_minus_after: bool = False


def are_plain(words: Sequence[str]) -> bool:
    """Whether each word is what `PLAIN` matches: by one search, since most columns of numbers are such.

    Examples
    --------
    >>> are_plain(["1", "-2.5e3", ".5"]), are_plain(["1", "1,5"])
    (True, False)

    """
    if not words or not PLAIN.fullmatch(words[0]):
        return not words
    lines = "\n".join(words)
    return PLAIN_LINES.fullmatch(lines) is not None and lines.count("\n") == len(words) - 1


def are_codes(words: Sequence[str]) -> bool:
    """Whether all words are whole numbers of equally many digits, some with zeros in front that a number would lose.

    Examples
    --------
    >>> are_codes(["00501", "10115"]), are_codes(["10115", "80331"]), are_codes(["007", "12"]), are_codes(["01", "12"])
    (True, False, False, False)

    """
    width = len(words[0])
    return (
        width >= MIN_CODE_DIGITS
        and any(word.startswith("0") for word in words)
        and all(len(word) == width and word.isdecimal() for word in words)
    )


@cache
def _written_pattern() -> re.Pattern[str]:
    """Compile the pattern of numbers with signs and units: when one is first looked for, since that takes long."""
    return re.compile(WRITTEN)


def is_sign(unit: str) -> bool:
    """Whether a unit is a currency or a percent sign.

    Examples
    --------
    >>> is_sign("$"), is_sign("EUR"), is_sign("kg")
    (True, True, False)

    """
    return re.fullmatch(f"%|‰|{CURRENCIES}", unit) is not None


def split_number(word: str) -> WrittenNumber | None:
    """Take a word apart, or return None if it is not a number with at most a sign, a currency and a unit.

    Examples
    --------
    >>> split_number("$9,520"), split_number("(0.299)").is_accounting, split_number("-60.30 kg").unit
    (WrittenNumber(is_negative=False, digits='9,520', unit='$', is_accounting=False, has_minus_after=False), True, 'kg')
    >>> split_number("12.50-").is_negative, split_number("1.5D+03").digits, split_number("٣٫٥").digits
    (True, '1.5e+03', '3.5')
    >>> split_number("SW1A 1AA") is None
    True

    """
    if not word.isascii():
        word = _to_ascii(word)
    match = None if word.isalpha() else _written_pattern().fullmatch(word)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    signs = [sign for sign in (match["sign"], match["inner"]) if sign]
    has_minus_after = match["after"] is not None
    is_accounting = match["open"] is not None or has_minus_after
    if len(signs) + (match["open"] is not None) + has_minus_after > 1:
        return None
    unit = "…".join(part for part in (match["prefix"], match["suffix"]) if part)
    is_negative = is_accounting or bool(signs and signs[0] != "+")
    digits = match["digits"].strip(SPACES).replace("D", "e").replace("d", "e")
    return WrittenNumber(is_negative, digits, unit, is_accounting, has_minus_after)


def split_numbers(words: Sequence[str]) -> list[WrittenNumber | None]:
    """Take words apart as `split_number` does, each way of writing them once: fast where a million are written alike.

    Examples
    --------
    >>> [part.digits if part else None for part in split_numbers(["12 kg", "7.5 kg", "-31 kg", "SW1A"])]
    ['12', '7.5', '31', None]

    """
    places: dict[str, tuple[WrittenNumber, slice] | None] = {}
    split: list[WrittenNumber | None] = []
    for word, shape in zip(words, write_shapes(words, ANY_DIGIT), strict=True):
        if shape not in places:
            places[shape] = _find_digits(shape)
        found = places[shape]
        if found is None:
            split.append(split_number(word))
        else:
            part, place = found
            split.append(
                WrittenNumber(part.is_negative, word[place], part.unit, part.is_accounting, part.has_minus_after)
            )
    return split


def _find_digits(shape: str) -> tuple[WrittenNumber, slice] | None:
    """Return the parts of all words of a shape, and where each has its digits; None if they differ in more."""
    if not shape.isascii() or LETTER_BETWEEN_DIGITS.search(shape):
        return None
    part = split_number(shape)
    if part is None:
        return None
    begin = shape.index(part.digits)
    return part, slice(begin, begin + len(part.digits))


def write_shapes(words: Sequence[str], table: Mapping[int, int | str]) -> list[str]:
    """Return words with some characters replaced: all at once, since there may be a million.

    Examples
    --------
    >>> write_shapes(["12 kg", "7 kg"], {ord(digit): "0" for digit in "123456789"})
    ['00 kg', '0 kg']

    """
    shapes = "\n".join(words).translate(table).split("\n")
    return shapes if len(shapes) == len(words) else [word.translate(table) for word in words]


def _to_ascii(word: str) -> str:
    """Return a word with the digits and marks of numbers as ASCII has them."""
    plain = word.translate(MARKS_OF_SCRIPTS)
    return "".join(c if c.isascii() or not c.isdecimal() else str(unicodedata.decimal(c)) for c in plain)
