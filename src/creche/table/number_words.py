"""Numbers as people write them: decimal and thousands marks, currency signs, units, accounting parentheses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

__all__ = [
    "AMBIGUOUS",
    "MIN_CODE_DIGITS",
    "PLAIN",
    "MarkEvidence",
    "Marks",
    "WrittenNumber",
    "are_codes",
    "are_plain",
    "collect_evidence",
    "is_number",
    "is_sign",
    "join_digits",
    "resolve_marks",
    "split_number",
]

# What Polars parses as a number; Python's float() accepts more, such as 1_000.
PLAIN = re.compile(r"[+-]?(?:(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:e[+-]?[0-9]++)?|inf|infinity|nan)", re.IGNORECASE)

PLAIN_LINES = re.compile(rf"(?:(?:{PLAIN.pattern})(?:\n|\Z))*+", re.IGNORECASE)

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

# Numbers that can be read with either mark.
AMBIGUOUS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}\{mark}[0-9]{{3}}") for mark in ".,"}

# Whole numbers of fewer digits that begin with a zero are those of months, days and hours.
MIN_CODE_DIGITS = 3

GROUPED = {mark: re.compile(rf"[0-9]{{1,3}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}

# Lakh and crore: 12,34,567.
INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}")


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


def _to_ascii(word: str) -> str:
    """Return a word with the digits and marks of numbers as ASCII has them."""
    plain = word.translate(MARKS_OF_SCRIPTS)
    return "".join(c if c.isascii() or not c.isdecimal() else str(unicodedata.decimal(c)) for c in plain)


def is_number(word: str) -> bool:
    """Whether a word is a number in some way of writing numbers.

    Examples
    --------
    >>> is_number("1.234,5 kg"), is_number("192.168.7.8"), is_number("SW1A")
    (True, False, False)

    """
    written = split_number(word)
    marks = None if written is None else resolve_marks(collect_evidence([written.digits]), None, False)
    if written is None or marks is None:
        return False
    return join_digits(written.digits, marks.decimal, marks.thousands) is not None


def join_digits(digits: str, decimal: str, thousands: str) -> str | None:
    """Return digits in the notation that `float` reads, or None if their marks are not these.

    Examples
    --------
    >>> join_digits("1.234,5", ",", "."), join_digits("1 234", ".", " "), join_digits("1,5", ".", ",")
    ('1234.5', '1234', None)

    """
    body, exponent = digits, ""
    at = max(digits.find("e"), digits.find("E"))
    if at >= 0:
        body, exponent = digits[:at], digits[at:]
    whole, mark, fraction = body.partition(decimal)
    if mark and not (fraction.isdigit() or (fraction == "" and whole)):
        return None
    if not whole.isdigit():
        if whole:
            groups = _split_groups(whole, thousands)
            if groups is None:
                return None
            whole = "".join(groups)
        elif not fraction:
            return None
    return f"{whole or '0'}{'.' if fraction else ''}{fraction}{exponent}"


@dataclass(slots=True)
class MarkEvidence:
    """What the numbers of a column tell about their marks.

    Attributes
    ----------
    decimal : set of str
        Marks that some number can have only as its decimal mark, as in 1.5 and 0.123.
    thousands : set of str
        Marks that some number can have only between groups of three digits, as in 1.234.567.
    open : dict of str to str
        For each mark that some number can have as either, as in 8,520, such a number.
    is_broken : bool
        Whether some word is not a number with any marks.
    has_small, has_large : bool
        Whether there is a number without marks up to 999, and above.
    keeps_zeros : bool
        Whether a number that can be read either way ends with 0, so that decimals are not cut off there.

    """

    decimal: set[str] = field(default_factory=set)
    thousands: set[str] = field(default_factory=set)
    open: dict[str, str] = field(default_factory=dict)
    is_broken: bool = False
    has_small: bool = False
    has_large: bool = False
    keeps_zeros: bool = False


def collect_evidence(all_digits: Iterable[str]) -> MarkEvidence:
    """Collect what numbers, as `split_number` returns their digits, tell about the marks of their column."""
    found = MarkEvidence()
    for digits in all_digits:
        body = digits
        has_exponent = not digits.isdigit() and ("e" in digits or "E" in digits)
        if has_exponent:
            body = re.split("[eE]", digits)[0]
        points, commas = body.count("."), body.count(",")
        spaced = re.search(f"[{SPACES}]", body) is not None
        if spaced or any(mark in body for mark in APOSTROPHES):
            found.thousands.add(" " if spaced else "'")
            body = re.sub(f"[{SPACES}{APOSTROPHES}]", "", body)
            if points + commas == 1:
                found.decimal.add("." if points else ",")
        elif points and commas:
            last = max(body.rfind("."), body.rfind(","))
            decimal, group = body[last], "." if body[last] == "," else ","
            if body.count(decimal) > 1:
                found.is_broken = True
            found.decimal.add(decimal)
            found.thousands.add(group)
        elif points + commas > 1:
            mark = "." if points else ","
            if not (GROUPED[mark].fullmatch(body) or (mark == "," and INDIAN.fullmatch(body))):
                found.is_broken = True
            found.thousands.add(mark)
        elif points + commas == 1:
            mark = "." if points else ","
            if has_exponent or not AMBIGUOUS[mark].fullmatch(body):
                found.decimal.add(mark)
            else:
                found.open.setdefault(mark, digits)
                found.keeps_zeros = found.keeps_zeros or body.endswith("0")
        elif body.isdigit():
            is_large = len(body.lstrip("0")) > 3
            found.has_large, found.has_small = found.has_large or is_large, found.has_small or not is_large
    return found


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of the numbers of a column or a table.

    Attributes
    ----------
    decimal, thousands : str
        As in `creche.table.cell_format.CellFormat`.
    doubtful : str
        A number that can be read in two ways, if nothing but likelihood decided; otherwise empty.

    """

    decimal: str = "."
    thousands: str = ""
    doubtful: str = ""


def resolve_marks(found: MarkEvidence, of_table: Marks | None, is_separated_by_comma: bool) -> Marks | None:
    """Return the marks of a column, or None if its numbers contradict each other or the marks of the table.

    Parameters
    ----------
    found : MarkEvidence
    of_table : Marks, optional
        The marks, if the user has set them or the other columns agree on them.
    is_separated_by_comma : bool
        Whether commas separate the cells of the table.

    """
    if found.is_broken or len(found.decimal) > 1 or len(found.thousands) > 1 or found.decimal & found.thousands:
        return None
    if found.decimal or found.thousands:
        return _resolve_by_evidence(found, of_table)
    if not found.open:
        return of_table or Marks()
    if of_table is not None or len(found.open) > 1:  # 1,234 beside 1.234: one of them has to be thousands
        return None if of_table is None else Marks(of_table.decimal, "," if of_table.decimal == "." else ".")
    ((mark, example),) = found.open.items()
    other = "," if mark == "." else "."
    if found.has_large:  # others are without a mark between thousands
        return Marks(mark, "", example if mark == "," else "")
    if mark == "," or (found.has_small and found.keeps_zeros):
        return Marks(other, mark, example)
    return Marks(mark, "", "" if is_separated_by_comma else example)


def _resolve_by_evidence(found: MarkEvidence, of_table: Marks | None) -> Marks | None:
    thousands = next(iter(found.thousands), "")
    if found.decimal:
        decimal = next(iter(found.decimal))
    elif thousands in (".", ","):
        decimal = "," if thousands == "." else "."
    else:  # only spaces or apostrophes: 1 234,567 would be evidence
        decimal = of_table.decimal if of_table is not None else "."
    if of_table is not None and found.decimal and decimal != of_table.decimal:
        return None
    others = (found.thousands | set(found.open)) - {decimal}
    if len(others) > 1 or (thousands == decimal):
        return None
    return Marks(decimal, next(iter(others), of_table.thousands if of_table is not None else ""))


def _split_groups(whole: str, thousands: str) -> Sequence[str] | None:
    """Return the groups of digits of a whole number, or None if they are not separated by that mark."""
    marks = {" ": SPACES, "'": APOSTROPHES}.get(thousands, thousands)
    if not marks:
        return None
    groups = re.split(f"[{re.escape(marks)}]", whole)
    if not all(group.isdigit() for group in groups) or len(groups[-1]) != 3 or not 1 <= len(groups[0]) <= 3:
        return None
    inner = {len(group) for group in groups[1:-1]}
    return groups if inner <= {3} or (thousands == "," and inner <= {2} and len(groups[0]) <= 2) else None
