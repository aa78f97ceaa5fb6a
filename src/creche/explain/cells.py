"""The cells of a table as the user gave them, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from creche.table.observations import Observations
from creche.table.table import Table

__all__ = ["feature_values", "format_cell", "format_difference"]

LARGEST_WHOLE = 1e15  # whole numbers below are shown with all digits


def feature_values(observations: Observations, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of these columns, None for missing ones."""
    x = observations.x
    if isinstance(x, Table):
        return {name: x.columns[name].to_objects().tolist() for name in names if name in x.columns}
    return dict(zip(names, x.T.tolist(), strict=True))


def format_cell(value: Any, digits: int = 6) -> str:
    """Return a cell as text; numbers that are not whole have `digits` significant digits, large ones no fraction.

    Examples
    --------
    >>> format_cell(3.25), format_cell(True), format_cell(None), format_cell(datetime(2020, 8, 20))
    ('3.25', 'yes', 'missing', '2020-08-20')
    >>> format_cell(1234.5678), format_cell(1234.5678, digits=10), format_cell(2_500_000)
    ('1234.57', '1234.5678', '2500000')
    >>> format_cell(224258.0, digits=5), format_cell(1490402.7, digits=5), format_cell(1.5e30)
    ('224258', '1490403', '1.5e+30')

    """
    if value is None:
        return "missing"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        if abs(number) < LARGEST_WHOLE and (number.is_integer() or abs(number) >= 10**digits):
            return format_cell(round(number))
        return f"{number:.{digits}g}"
    return str(value).removesuffix(" 00:00:00") if isinstance(value, datetime) else str(value)


def format_difference(value: float, digits: int = 4) -> str:
    """Return a number with its sign.

    Examples
    --------
    >>> format_difference(12.3456), format_difference(-0.5), format_difference(123456.7)
    ('+12.35', '-0.5', '+123457')

    """
    return ("+" if value >= 0 else "") + format_cell(value, digits)
