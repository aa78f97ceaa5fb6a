"""Arrays, lists of Python objects and pandas Series as Polars series."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["fill_masked", "nested_error", "series_from_array", "series_from_objects", "series_from_pandas"]


def series_from_array(name: str, array: NDArray[Any]) -> pl.Series:
    """Make a series from numbers, booleans, datetimes or durations, in a type that Polars has."""
    import polars as pl

    types = {
        "f": np.float64 if array.dtype.itemsize > 8 else array.dtype,
        "M": "datetime64[us]",
        "m": "timedelta64[us]",
    }
    return pl.Series(name, array.astype(types.get(array.dtype.kind, array.dtype), copy=False))


def fill_masked(values: Any) -> NDArray[Any]:
    """Return an array in which masked values are missing ones: NaN, NaT or None."""
    array = np.asarray(values)
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return array
    missing = {"f": np.nan, "m": "NaT", "M": "NaT"}.get(array.dtype.kind)
    plain = array.copy() if missing is not None else array.astype(object)
    plain[np.ma.getmaskarray(values)] = missing
    return plain


def series_from_objects(name: str, values: Sequence[Any], source: str) -> pl.Series:
    """Make a series of numbers or booleans if all values are such, otherwise of words; None is a missing value.

    Raises
    ------
    TableError
        If a value is a list or another container.

    """
    import polars as pl

    present = [value for value in values if value is not None]
    for value in present:
        if isinstance(value, list | tuple | dict | set | bytes) or (
            hasattr(value, "__array__") and getattr(value, "shape", None)
        ):
            raise nested_error(source, name, f"a {type(value).__name__}, such as {str(value)[:40]}")
    if all(isinstance(value, bool) for value in present):
        return pl.Series(name, values, dtype=pl.Boolean)
    if any(isinstance(value, bool) for value in present):
        return pl.Series(name, [_to_word(value) for value in values], dtype=pl.String)
    if all(isinstance(value, numbers.Integral) and -(2**127) <= int(value) < 2**127 for value in present):
        fits = all(-(2**63) <= value < 2**63 for value in present)
        integers = [None if value is None else int(value) for value in values]
        return pl.Series(name, integers, dtype=pl.Int64 if fits else pl.Int128)
    if all(isinstance(value, numbers.Real | decimal.Decimal) for value in present):
        return pl.Series(name, [None if value is None else _to_float(value) for value in values], dtype=pl.Float64)
    if all(isinstance(value, datetime.date) for value in present):
        return pl.Series(name, [None if value is None else value.isoformat() for value in values], dtype=pl.String)
    words = [_to_word(value) for value in values]
    try:
        return pl.Series(name, words, dtype=pl.String)
    except UnicodeEncodeError as error:
        raise TableError(
            f"{source}: column {name!r} holds {error.object[:60]!r}, which is not valid Unicode; decode it with the "
            "encoding in which it was written"
        ) from error


def series_from_pandas(name: str, series: Any, source: str) -> pl.Series:
    """Convert a pandas Series to a Polars series, without pyarrow."""
    import polars as pl

    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise TableError(f"{source}: column {name!r} holds complex numbers; needs real numbers")
    if kind in "biuf" and not hasattr(dtype, "categories"):
        if isinstance(dtype, np.dtype):
            return series_from_array(name, series.to_numpy())
        missing = series.isna().to_numpy(dtype=bool)
        filled = series.fillna(False if kind == "b" else 0).to_numpy(
            dtype={"b": bool, "f": np.float64, "u": np.uint64}.get(kind, np.int64)
        )
        values = pl.Series(name, filled)
        return values.set(pl.Series(missing), None) if missing.any() else values
    if kind == "M":
        plain = series.dt.tz_convert(None) if getattr(dtype, "tz", None) is not None else series
        return series_from_array(name, plain.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return series_from_array(name, series.to_numpy(dtype="timedelta64[us]"))
    if str(dtype).startswith("period["):
        return series_from_array(name, series.dt.to_timestamp().to_numpy())
    return _series_from_pandas_objects(name, series, source)


def nested_error(source: str, name: str, what: str) -> TableError:
    """Return the error about a column whose cells hold several values each."""
    return TableError(
        f"{source}: column {name!r} holds {what}; needs one value per cell: leave the column out, or split it into "
        "several columns"
    )


def _series_from_pandas_objects(name: str, series: Any, source: str) -> pl.Series:
    """Convert categories, strings and objects: each distinct value once."""
    import polars as pl

    try:
        codes, distinct = series.factorize()
    except TypeError as error:  # a value cannot be hashed
        raise _object_error(name, series, source) from error
    values = series_from_objects(name, list(distinct), source)
    indices = pl.Series(np.where(codes < 0, len(values), codes))
    return values.extend_constant(None, 1).gather(indices)


def _object_error(name: str, series: Any, source: str) -> TableError:
    try:
        series_from_objects(name, list(series), source)
    except TableError as error:
        return error
    return TableError(
        f"{source}: column {name!r} holds objects of a type that cannot be read; needs numbers, words or dates"
    )


def _to_word(value: Any) -> str | None:
    if value is None or value != value:  # only NaN differs from itself
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
