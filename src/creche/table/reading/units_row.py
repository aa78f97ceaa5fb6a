"""A row of units below the column names, such as kg and cm: it is no observation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from creche.table.cell_format import DEFAULT_MISSING
from creche.table.datetimes import is_date
from creche.table.number_words import PLAIN, is_number
from creche.table.text_rules import MARKERS

__all__ = ["describe_units_row", "is_units_row"]

UNIT = (  # compiled when a cell may be one
    r"[%‰$€£¥°]|[\[(]?[A-Za-zµμΩ°%$€£¥][A-Za-zµμΩ°%$€£¥0-9 ./·*^²³⁻¹-]{0,15}[\])]?"
)

BRACKETS = r"\[.*\]|\(.*\)"

MIN_ROWS = 3  # below it

INSPECTED_ROWS = 50


def is_units_row(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has units in the columns of numbers, and nothing that could be a value in the others.

    Examples
    --------
    >>> rows = [["1.5", "20", "a"], ["2.5", "30", "b"], ["0.5", "10", "a"]]
    >>> is_units_row(["kg", "cm", ""], rows), is_units_row(["(kg)", "", "-"], rows), is_units_row(["3", "cm", ""], rows)
    (True, True, False)
    >>> is_units_row(["kg", "", "a"], rows), is_units_row(["unknown", "", ""], rows)
    (False, False)

    """
    if any(map(PLAIN.fullmatch, first)):  # as in nearly all tables
        return False
    rows = [row for row in below[:INSPECTED_ROWS] if len(row) == len(first)]
    if len(rows) < MIN_ROWS:
        return False
    n_units = n_others = 0
    for i, cell in enumerate(first):
        if _is_missing(cell):
            continue
        values = [row[i] for row in rows if not _is_missing(row[i])]
        if values and all(map(is_number, values)):
            if is_number(cell) or not re.fullmatch(UNIT, cell):
                return False
            n_units += 1
        elif cell in values or is_date(cell) or is_number(cell):
            return False
        else:
            n_others += re.fullmatch(BRACKETS, cell) is None
    return n_units > 1 or (n_units == 1 and n_others == 0)


def describe_units_row(row: Sequence[str]) -> str:
    """Return what is left out with such a row."""
    units = ", ".join(cell for cell in row if not _is_missing(cell))
    return f"the row below the column names, which holds units ({units[:40]}), is left out"


def _is_missing(cell: str) -> bool:
    return cell in DEFAULT_MISSING or cell.lower() in MARKERS
