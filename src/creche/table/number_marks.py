"""The marks of numbers: which of them stand before decimals, and which between thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from creche.table.number_words import APOSTROPHES, SPACES, split_number, write_shapes

__all__ = ["AMBIGUOUS", "MarkEvidence", "Marks", "collect_evidence", "is_number", "join_digits", "resolve_marks"]

# Numbers that can be read with either mark.
AMBIGUOUS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}\{mark}[0-9]{{3}}") for mark in ".,"}

GROUPED = {mark: re.compile(rf"[0-9]{{1,3}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}

# Lakh and crore: 12,34,567.
INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}")

# Of a digit, what tells about marks is only whether it is zero.
ANY_BUT_ZERO = str.maketrans("23456789", "1" * 8)


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
    for digits in _take_differing(all_digits):
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


def _take_differing(all_digits: Iterable[str]) -> Iterable[str]:
    """Return the first number of each way of writing: the others tell nothing new about marks."""
    numbers = list(all_digits)
    first: dict[str, str] = {}
    for shape, digits in zip(write_shapes(numbers, ANY_BUT_ZERO), numbers, strict=True):
        first.setdefault(shape, digits)
    return first.values()


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
