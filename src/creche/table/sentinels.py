"""Numbers and dates that may stand for a missing value, such as -999 and 9999-12-31."""

from __future__ import annotations

import numpy as np

from creche._advice import advise
from creche.table.table import Column

__all__ = ["describe_sentinel", "find_sentinel"]

LOW = (-9.0, -99.0, -999.0, -9999.0, -99999.0)

HIGH = (999.0, 9999.0, 99999.0, 999999.0)

# What programs write for no date: the first and last days of their calendars.
DATES = np.array(
    [
        "0001-01-01",
        "1753-01-01",
        "1899-12-30",
        "1899-12-31",
        "1900-01-01",
        "1970-01-01",
        "2099-12-31",
        "2999-12-31",
        "9999-12-31",
    ],
    dtype="datetime64[D]",
)

DATE_GAP = np.timedelta64(365 * 25, "D")  # the least distance from all other dates

MIN_ROWS = 2  # one such number may be a slip

MIN_OTHERS = 10

GAP = 3.0  # a high one is larger than the others by at least this factor


def find_sentinel(column: Column) -> tuple[int | str, int] | None:
    """Return a value that looks like a mark of missing values, and in how many rows it is; None if there is none.

    It is the lowest or highest value of the column, consists of nines or is the first or last day of some calendar,
    occurs more than once, and lies far from all other values: below zero where these are not, or several times as
    large; decades before or after them.

    Examples
    --------
    >>> find_sentinel(Column("whole", np.array([*range(20, 60), -999, -999])))
    (-999, 2)
    >>> find_sentinel(Column("whole", np.array([*range(-20, 60), -99]))) is None
    True

    """
    if column.kind == "datetime":
        return _find_sentinel_date(column)
    if column.kind not in ("number", "whole"):
        return None
    values = column.values
    if len(values) < MIN_OTHERS + MIN_ROWS:
        return None
    low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))  # of those that are not missing
    if low not in LOW and high not in HIGH:
        return None
    values = values[~column.missing]
    for value in (low, high):
        if value not in (LOW if value == low else HIGH):
            continue
        others = values[values != value]
        rows = len(values) - len(others)
        if rows < MIN_ROWS or len(others) < MIN_OTHERS:
            continue
        if others.min() >= 0 if value < 0 else GAP * np.abs(others).max() <= value:
            return int(value), rows
    return None


def _find_sentinel_date(column: Column) -> tuple[str, int] | None:
    values = column.values[~column.missing].astype("datetime64[D]")
    if len(values) < MIN_OTHERS + MIN_ROWS:
        return None
    for value in (values.min(), values.max()):
        others = values[values != value]
        rows = len(values) - len(others)
        if value in DATES and rows >= MIN_ROWS and len(others) >= MIN_OTHERS and (abs(others - value) > DATE_GAP).all():
            return str(value), rows
    return None


def describe_sentinel(name: str, value: int | str, rows: int) -> tuple[str, str]:
    """Return what was found in the column of that name, and what to do about it."""
    return (
        f"column {name!r} holds {value} in {rows:,} rows, far from all other values",
        f"if it stands for a missing value, set {advise('ReadOptions.missing_values', [str(value)])}",
    )
