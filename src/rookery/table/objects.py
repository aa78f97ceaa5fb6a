"""Python's own values, out of JSON or of a DataFrame's columns of objects, as a Polars series."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery.errors import TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["nested_error", "series_of_objects"]


def nested_error(source: str, name: str, what: str) -> TableError:
    return TableError(
        f"{source}: column {name!r} holds {what}; needs one value per cell: leave the column out, or spread it over several"
    )


def series_of_objects(name: str, values: Sequence[Any], source: str) -> pl.Series:
    """The values as numbers, as yes and no, as moments if all of them are, and as words otherwise; None for missing.

    Raises
    ------
    TableError
        If a value holds several.

    """
    import polars as pl

    present = [value for value in values if value is not None]
    for value in present:
        if isinstance(value, list | tuple | dict | set | bytes) or hasattr(value, "__array__") and getattr(value, "shape", ()):
            raise nested_error(source, name, f"a {type(value).__name__}, such as {str(value)[:40]}")
    if all(isinstance(value, bool) for value in present):
        return pl.Series(name, values, dtype=pl.Boolean)
    if any(isinstance(value, bool) for value in present):
        return pl.Series(name, [_word(value) for value in values], dtype=pl.String)
    if all(isinstance(value, numbers.Integral) and -(2**63) <= value < 2**63 for value in present):
        return pl.Series(name, [None if value is None else int(value) for value in values], dtype=pl.Int64)
    if all(isinstance(value, numbers.Real | decimal.Decimal) for value in present):
        return pl.Series(name, [None if value is None else _float(value) for value in values], dtype=pl.Float64)
    if all(isinstance(value, datetime.date) for value in present):
        return pl.Series(name, [None if value is None else value.isoformat() for value in values], dtype=pl.String)
    return pl.Series(name, [_word(value) for value in values], dtype=pl.String)


def _word(value: Any) -> str | None:
    if value is None or value != value:  # NaN is unlike itself
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
