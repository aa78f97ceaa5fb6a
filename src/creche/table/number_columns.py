"""Columns of numbers that are written as words: with which marks and units, and which words stand for none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.table.cell_format import CellFormat
from creche.table.cell_types import number_column
from creche.table.number_marks import (
    AMBIGUOUS,
    Marks,
    collect_evidence,
    is_number,
    join_digits,
    resolve_marks,
)
from creche.table.number_words import (
    PLAIN,
    WrittenNumber,
    are_plain,
    is_sign,
    split_number,
    split_numbers,
)
from creche.table.table import Column
from creche.table.text_rules import MARKERS, NotRead, TextRules, are_missing, note_missing

__all__ = ["explain_refusal", "find_marks", "is_stray", "parse_number", "read_numbers"]

WHOLE = re.compile(r"[+-]?[0-9]+")

MIN_NUMBERS_FOR_UNITS = 3  # distinct ones

# More units than these in one column are not units.
MAX_MIXED_UNITS = 4

# A column is inspected word by word only if at least half of its first words are numbers.
PROBED_WORDS = 1000


def parse_number(word: str, format: CellFormat) -> float | int | None:
    """Return the number that a word stands for: an int if an int64 can hold it, otherwise a float; None if it is none.

    Examples
    --------
    >>> parse_number("1.234,5 €", CellFormat(decimal=",", thousands=".", unit="€"))
    1234.5
    >>> parse_number("8.5", CellFormat(decimal=",", thousands=".")) is None
    True

    """
    if format.decimal == "." and format.unit != "%" and PLAIN.fullmatch(word):
        return _to_number(word)
    written = split_number(word)
    if written is None:
        return float(word) if PLAIN.fullmatch(word) and not any(c.isdigit() for c in word) else None
    return _value_of(written, format)


def _value_of(written: WrittenNumber, format: CellFormat) -> float | int | None:
    """Return the number that these parts of a word stand for; None if the format has others."""
    if written.unit != format.unit and (written.unit or format.unit == "%"):
        return None
    if written.is_accounting and not format.is_accounting:
        return None
    plain = join_digits(written.digits, format.decimal, format.thousands)
    return None if plain is None else _to_number(f"-{plain}" if written.is_negative else plain)


def explain_refusal(word: str, format: CellFormat) -> str:
    """Return why a word is not a number as the format has it, and what to do about it; empty if there is nothing to
    say.

    Examples
    --------
    >>> explain_refusal("1,5", CellFormat())
    "the decimal mark of this column is '.': to read ',' as one, set ReadOptions(decimal_comma=True)"
    >>> explain_refusal("5 kg", CellFormat(unit="g"))
    "the unit of this column is 'g'"

    """
    other = "," if format.decimal == "." else "."
    swapped = replace(format, decimal=other, thousands="" if format.thousands == other else format.thousands)
    if parse_number(word, swapped) is not None:
        change = advise("ReadOptions.decimal_comma", other == ",")
        return f"the decimal mark of this column is {format.decimal!r}: to read {other!r} as one, set {change}"
    written = split_number(word)
    if written is not None and written.unit != format.unit and is_number(written.digits):
        return f"the unit of this column is {format.unit!r}" if format.unit else "this column has no units"
    if word.lower() in MARKERS:
        return f"if it stands for a missing value, set {advise('ReadOptions.missing_values', [word])}"
    return ""


def find_marks(columns: list[list[str]]) -> Marks | None:
    """Return the marks on which the columns of a table agree, each given by its distinct words; None if on none."""
    decimals: set[str] = set()
    thousands: set[str] = set()
    for words in columns:
        if are_plain(words):
            if _find_decimal_point(words):
                decimals.add(".")
            continue
        probed = split_numbers(words[:PROBED_WORDS])
        if not _may_be_numbers(probed):
            continue
        written = [*probed, *split_numbers(words[PROBED_WORDS:])]
        found = collect_evidence(part.digits for part in written if part is not None)
        if resolve_marks(found, None, False) is not None:
            decimals |= found.decimal or {"," if mark == "." else "." for mark in found.thousands & {".", ","}}
            thousands |= found.thousands
    if len(decimals) != 1 or len(thousands) > 1 or decimals & thousands:
        return None
    return Marks(decimals.pop(), next(iter(thousands), ""))


def read_numbers(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | NotRead | None:
    """Return the column of numbers, or why there is none; None if too few of the words are numbers."""
    if are_plain(words):
        column = _read_plain_numbers(codes, words, text, missing)
        if column is not None or not text.are_cells:
            return column
    parts = _split_all(words[:PROBED_WORDS])
    if not _may_be_numbers(parts):
        return None
    parts += _split_all(words[PROBED_WORDS:])
    if not _are_negative([part for part in parts if part is not None]):
        parts = [None if part is not None and part.has_minus_after else part for part in parts]
    rows = np.bincount(codes[codes >= 0], minlength=len(words))
    numbers = [(part, int(n)) for part, n in zip(parts, rows.tolist(), strict=True) if part is not None]
    total = int(rows.sum())
    signed = sum(n for part, n in numbers if part.unit or part.is_accounting)
    grouped = sum(n for part, n in numbers if "," in part.digits or " " in part.digits or "\u00a0" in part.digits)
    if not text.are_cells and 2 * max(signed, grouped) <= total:
        return None
    others = {word: int(n) for word, part, n in zip(words, parts, rows.tolist(), strict=True) if part is None}
    if not are_missing(others, len(numbers), total):
        return None
    units = Counter[str]()
    for part, n in numbers:
        units[part.unit] += n
    named = [unit for unit in units if unit]
    if len(named) > MAX_MIXED_UNITS:  # such as addresses
        return None
    if len(named) > 1 or (named == ["%"] and units[""]):
        mixture = " and ".join(repr(unit) if unit else "none" for unit, _ in units.most_common(2))
        return NotRead(f"is read as words, since its numbers have different signs or units: {mixture}")
    if named and len(numbers) < MIN_NUMBERS_FOR_UNITS and not is_sign(named[0]):
        return None  # 2WD and 4WD, 5" pipe
    evidence = collect_evidence(part.digits for part, _ in numbers)
    marks = resolve_marks(evidence, text.marks, text.is_separated_by_comma)
    if marks is None:
        if not evidence.open and not (evidence.decimal and evidence.thousands):
            return None
        return NotRead("is read as words, since its numbers have contradictory decimal and thousands marks")
    format = CellFormat(
        marks.decimal, marks.thousands, named[0] if named else "", any(part.is_accounting for part, _ in numbers), None,
        (*missing, *others),
    )  # fmt: skip
    minus = " with a minus after them" if any(part.has_minus_after for part, _ in numbers) else " in parentheses"
    values = [
        None if part is None else _value_of(part, format) if part.unit else parse_number(word, format)
        for word, part in zip(words, parts, strict=True)
    ]
    if any(value is None and part is not None for part, value in zip(parts, values, strict=True)):
        return None
    known = [i for i, value in enumerate(values) if value is not None]
    recoded = np.full(len(words) + 1, -1, dtype=np.int32)
    recoded[known] = np.arange(len(known))
    column = number_column(recoded[codes], [values[i] for i in known])
    return replace(column, format=format, note="; ".join(_describe(codes, words, others, format, marks, minus)))


def _read_plain_numbers(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | None:
    """Return the column of words that `float` reads, or None if their points might stand between thousands."""
    decimal, thousands = (text.marks.decimal, text.marks.thousands) if text.marks is not None else (".", "")
    lines = "\n".join(words)
    if not text.are_cells or ("." in lines and (decimal != "." or not _find_decimal_point(words))):
        return None
    # What has neither of these is a whole number.
    is_whole = not any(mark in lines for mark in ".eEnN")
    values = [_to_number(word) for word in words] if is_whole else list(map(float, words))
    return replace(number_column(codes, values), format=CellFormat(decimal, thousands, missing=missing))


def _are_negative(parts: Sequence[WrittenNumber]) -> bool:
    """Whether a minus after some of these numbers is a sign: it is none in grades (2-, 2, 2+), or if all have it."""
    signed = [part for part in parts if part.has_minus_after]
    return len(signed) < len(parts) and any(len(part.digits) > 1 for part in signed)


def _find_decimal_point(words: list[str]) -> bool:
    """Whether a word has a point that can be only a decimal mark, unlike 1.234."""
    return any("." in word and AMBIGUOUS["."].fullmatch(word.lstrip("+-")) is None for word in words)


def _to_number(plain: str) -> float | int:
    if len(plain) <= 18 and plain.isdecimal():
        return int(plain)
    if WHOLE.fullmatch(plain) and len(plain.lstrip("+-0")) <= 19:
        value = int(plain.lstrip("+-0") or 0) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= value < 2**63:
            return value
    return float(plain)


def _split_all(words: list[str]) -> list[WrittenNumber | None]:
    """Take words apart; inf and nan are numbers, too."""
    return [
        WrittenNumber(False, "") if part is None and PLAIN.fullmatch(word) else part
        for word, part in zip(words, split_numbers(words), strict=True)
    ]


def _may_be_numbers(parts: Sequence[WrittenNumber | None]) -> bool:
    """Whether enough of the first words of a column are numbers, and not of too many units, as addresses are."""
    units = {part.unit for part in parts if part is not None and part.unit and not part.has_minus_after}
    return 2 * sum(part is not None for part in parts) >= len(parts) and len(units) <= MAX_MIXED_UNITS


def is_stray(word: str) -> bool:
    """Whether a word is neither a number nor a usual marker of missing values."""
    return _split_all([word]) == [None] and word.lower() not in MARKERS


def _describe(
    codes: NDArray[np.int32], words: list[str], others: dict[str, int], format: CellFormat, marks: Marks, minus: str
) -> list[str]:
    """Return remarks on a column of numbers that are not plain."""
    notes = []
    if marks.doubtful:
        value = parse_number(marks.doubtful, format)
        notes.append(
            f"can be read in two ways: {marks.doubtful!r} is read as {value:g}; if that is wrong, set "
            f"{advise('ReadOptions.decimal_comma', marks.decimal == '.')}"
        )
    if format.unit or format.is_accounting:
        unit = f", without {format.unit!r}" if format.unit else ""
        notes.append(f"is read as numbers{unit}{f', negative{minus}' if format.is_accounting else ''}")
    return notes + note_missing(codes, words, tuple(others))
