"""A finding: how the values of one column differ from the training rows, and when such a difference is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from creche._phrases import format_count

__all__ = ["MIN_DISTANCE", "MIN_ROWS", "Finding", "FindingKind", "count_values", "normal_bound"]

FindingKind = Literal["outside_range", "unseen_category", "missing_values", "distribution"]

MIN_ROWS = 50  # for a comparison of distributions, of the rows and of the training rows

MIN_DISTANCE = 0.2  # between distributions, from 0 to 1: about half a standard deviation of a normal distribution


@dataclass(frozen=True, slots=True)
class Finding:
    """How the values of one column differ from the training rows.

    Attributes
    ----------
    column : str
    kind : {"outside_range", "unseen_category", "missing_values", "distribution"}
    count : int
        How many values it concerns.
    rows : int
        The number of rows checked; for all but missing values, of those with a value in this column.
    message : str
        What was found, with the name of the column.
    unit : str
        The unit that the values may be in; empty if there is none that fits.

    """

    column: str
    kind: FindingKind
    count: int
    rows: int
    message: str
    unit: str = ""


def count_values(count: int, rows: int) -> str:
    """Write how many values a finding concerns, with a verb.

    Examples
    --------
    >>> count_values(1, 200), count_values(3, 200), count_values(1, 1)
    ('1 of 200 values is', '3 of 200 values are', 'the value is')

    """
    if rows == 1:
        return "the value is"
    return f"{count:,} of {format_count(rows, 'value')} {'is' if count == 1 else 'are'}"


def normal_bound(level: float) -> float:
    """Return what a standard normal number exceeds, in either direction, with at most this probability.

    Examples
    --------
    >>> normal_bound(0.05) > 1.96
    True

    """
    return math.sqrt(-2 * math.log(level / 2))
