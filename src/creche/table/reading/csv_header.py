"""Where the rows of a CSV file begin: titles above the column names, and whether there are names at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from creche.table.cell_format import DEFAULT_MISSING
from creche.table.datetimes import is_date
from creche.table.number_words import PLAIN, split_number
from creche.table.text_rules import MARKERS

__all__ = ["count_titles", "find_doubtful_name", "fit_names", "looks_like_row"]

MAX_TITLE_ROWS = 30

# So many of the rows may be remarks below the table.
MAX_FOOTER_LINES = 10

# In fewer rows, nothing tells that the first line is a row.
MIN_ROWS_FOR_HEADER = 3

INSPECTED_ROWS = 50

YEARS = (1800, 2200)

MIN_SCALE = 4  # columns

MIN_SURE_SERIES = 3  # columns

PROBED_DATES = 5  # values


def count_titles(rows: Sequence[Sequence[str]]) -> int:
    """Return how many of the first rows are above the table: shorter than most rows, or with one cell filled."""
    if len(rows) < MIN_ROWS_FOR_HEADER:
        return 0
    width, count = Counter(map(len, rows[1:])).most_common(1)[0]
    if width < 2 or 2 * count < len(rows) - 1:
        return 0
    for i, row in enumerate(rows[:MAX_TITLE_ROWS]):
        filled = sum(bool(cell) for cell in row)
        is_title = len(row) < width - 1 or (len(row) < width and filled <= 1) or (filled <= 1 and width > 2)
        is_title = is_title or (len(row) == width - 1 and _are_names(rows[i + 1 :], width))
        if not is_title:
            return i if i < len(rows) - 1 else 0
    return 0


def _are_names(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first of these rows holds names, and those below it have a column of numbers."""
    below = [row for row in rows[1:] if len(row) == width]
    if not below or len(rows[0]) != width or len(set(rows[0])) < width:
        return False
    if any(not cell or _plain_number(cell) is not None for cell in rows[0]):
        return False
    columns = zip(*below, strict=True)
    return any(all(cell in DEFAULT_MISSING or _plain_number(cell) is not None for cell in cells) for cells in columns)


def fit_names(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return as many names as the rows have cells, if that of an index or of an empty last cell is not there."""
    if not rows:
        return names
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if count < len(rows) - MAX_FOOTER_LINES:
        return names
    if width == len(names) + 1:
        last_is_empty = all(not row[-1] for row in rows if len(row) == width)
        return [*names, ""] if last_is_empty else ["", *names]
    return names[:-1] if width == len(names) - 1 and not names[-1] else names


def looks_like_row(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is like those below it, so that it holds no names."""
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if len(below) < MIN_ROWS_FOR_HEADER or len(below) < len(rows) - 1 - MAX_FOOTER_LINES:
        return False
    below = below[:INSPECTED_ROWS]
    others = [row for row in below if row != first]  # names may be repeated
    below = others if 2 * len(others) >= len(below) and len(others) >= MIN_ROWS_FOR_HEADER else below
    numeric_names: list[float] = []
    matches, is_certain, is_unlike, is_outside = 0, False, False, False
    for i, cell in enumerate(first):
        if _is_missing(cell):
            continue
        values = [row[i] for row in below if not _is_missing(row[i])]
        numbers = [number for number in map(_plain_number, values) if number is not None]
        own = _plain_number(cell)
        distinct = set(values)
        if len(numbers) > 0.9 * len(values) and numbers:
            if own is None:
                return False
            spread = max(numbers) - min(numbers)
            is_outside = is_outside or not min(numbers) - spread <= own <= max(numbers) + spread
            numeric_names.append(own)
        elif values and is_date(cell) and all(map(is_date, values[:PROBED_DATES])):
            is_certain = True
        elif cell in distinct:
            matches += 1
        elif own is not None or 2 * len(distinct) <= len(values):
            is_unlike = True
    if is_certain:
        return True
    if numeric_names:
        if _is_series(numeric_names):
            return False
        has_decimals = any(not number.is_integer() or number < 0 for number in numeric_names)
        return has_decimals or not (is_unlike or is_outside)
    return not is_unlike and matches == len(first) and matches > 1


def find_doubtful_name(rows: Sequence[Sequence[str]]) -> str | None:
    """Return a cell of a first row of names that may be a value.

    Such is a number, a mark of a missing value, what the column below holds too, or an empty cell where all are empty.
    """
    numbers = [_plain_number(cell) for cell in rows[0]]
    numeric = [number for number in numbers if number is not None]
    is_series = _is_series(numeric) and (len(numeric) >= MIN_SURE_SERIES or numeric[0] >= YEARS[0])
    below = [row for row in rows[1:INSPECTED_ROWS] if row != rows[0]]
    for i, (cell, number) in enumerate(zip(rows[0], numbers, strict=True)):
        is_doubtful = number is not None and not is_series
        is_repeated = bool(cell) and any(len(row) > i and row[i] == cell for row in below)
        if is_doubtful or is_repeated or (cell and _is_missing(cell)):
            return cell
    return None if any(rows[0]) else ""


def _is_missing(cell: str) -> bool:
    return cell in DEFAULT_MISSING or cell.lower() in MARKERS


def _is_series(numbers: list[float]) -> bool:
    """Whether numbers are names of columns that count, years, or steps of a scale such as wavelengths."""
    whole = all(number.is_integer() for number in numbers)
    if numbers and whole and all(YEARS[0] <= number <= YEARS[1] for number in numbers):
        return True
    steps = {round(b - a, 6) for a, b in pairwise(numbers)}
    return (
        len(numbers) > 1 and len(steps) == 1 and 0 not in steps and (numbers[0] in (0, 1) or len(numbers) >= MIN_SCALE)
    )


def _plain_number(cell: str) -> float | None:
    if PLAIN.fullmatch(cell):
        return float(cell) if cell[-1:].isdigit() or cell[-1:] == "." else None
    written = split_number(cell)
    if written is None:
        return None
    digits = written.digits
    for mark, other in ((",", "."), (".", ",")):
        if digits.count(mark) > 1 or 0 <= digits.find(mark) < digits.rfind(other):
            digits = digits.replace(mark, "")  # it separates thousands
    digits = re.sub(r"[^0-9.eE+-]", "", digits.replace(",", "."))
    try:
        return -float(digits) if written.is_negative else float(digits)
    except ValueError:
        return None
