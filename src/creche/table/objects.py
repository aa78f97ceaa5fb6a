"""Python's own values, out of JSON or of a DataFrame's columns of objects, as a Polars series."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["frame_of_plain_data", "nested_error", "series_of_array", "series_of_objects", "unmasked"]


def nested_error(source: str, name: str, what: str) -> TableError:
    return TableError(
        f"{source}: column {name!r} holds {what}; needs one value per cell: leave the column out, or spread it over "
        "several"
    )


def frame_of_plain_data(data: Any, source: str) -> pl.DataFrame | None:
    """The frame that a dict from names to columns, a list of dicts or an array makes; None for anything else.

    Raises
    ------
    TableError
        If its columns differ in length, or hold what no table can.

    """
    import polars as pl

    if isinstance(data, np.ndarray) and data.ndim == 2:
        return pl.DataFrame({f"x{i}": data[:, i] for i in range(data.shape[1])})
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        for row, value in enumerate(data, 1):
            if not isinstance(value, Mapping):
                raise TableError(f"{source}: row {row} is a {type(value).__name__}; needs a dict, as the first one is")
        names = dict.fromkeys(name for row in data for name in row)
        data = {name: [row.get(name) for row in data] for name in names}
    if not isinstance(data, Mapping):
        return None
    columns = {str(name): _series_of_any(str(name), values, source) for name, values in data.items()}
    lengths = {name: len(series) for name, series in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} has {length:,}" for name, length in list(lengths.items())[:4])
        raise TableError(f"{source}: its columns differ in length: {shown}; needs one value per row in each")
    return pl.DataFrame(list(columns.values()))


def _series_of_any(name: str, values: Any, source: str) -> pl.Series:
    import polars as pl

    if isinstance(values, pl.Series):
        return values.alias(name)
    if hasattr(type(values), "factorize"):  # a pandas Series
        from creche.table.frames import series_of_pandas

        return series_of_pandas(name, values, source)
    if hasattr(type(values), "__array__") or hasattr(type(values), "dtype"):
        array = unmasked(values)
        if array.ndim != 1:
            raise TableError(f"{source}: column {name!r} has shape {array.shape}; needs one value per row")
        if array.dtype.kind in "biufmM":
            return series_of_array(name, array)
        values = array.tolist()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TableError(f"{source}: column {name!r} is a {type(values).__name__}; needs a list with one value per row")
    return series_of_objects(name, list(values), source)


def unmasked(values: Any) -> NDArray[Any]:
    """As an array; what is masked is missing: NaN, NaT or None."""
    array = np.asarray(values)
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return array
    missing = {"f": np.nan, "m": "NaT", "M": "NaT"}.get(array.dtype.kind)
    plain = array.copy() if missing is not None else array.astype(object)
    plain[np.ma.getmaskarray(values)] = missing
    return plain


def series_of_array(name: str, array: NDArray[Any]) -> pl.Series:
    """Of numbers, booleans, moments or durations, each in a type that Polars knows."""
    import polars as pl

    known = {
        "f": np.float64 if array.dtype.itemsize > 8 else array.dtype,
        "M": "datetime64[us]",
        "m": "timedelta64[us]",
    }
    return pl.Series(name, array.astype(known.get(array.dtype.kind, array.dtype), copy=False))


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
        if isinstance(value, list | tuple | dict | set | bytes) or (
            hasattr(value, "__array__") and getattr(value, "shape", None)
        ):
            raise nested_error(source, name, f"a {type(value).__name__}, such as {str(value)[:40]}")
    if all(isinstance(value, bool) for value in present):
        return pl.Series(name, values, dtype=pl.Boolean)
    if any(isinstance(value, bool) for value in present):
        return pl.Series(name, [_word(value) for value in values], dtype=pl.String)
    if all(isinstance(value, numbers.Integral) and -(2**63) <= int(value) < 2**63 for value in present):
        return pl.Series(name, [None if value is None else int(value) for value in values], dtype=pl.Int64)
    if all(isinstance(value, numbers.Real | decimal.Decimal) for value in present):
        return pl.Series(name, [None if value is None else _float(value) for value in values], dtype=pl.Float64)
    if all(isinstance(value, datetime.date) for value in present):
        return pl.Series(name, [None if value is None else value.isoformat() for value in values], dtype=pl.String)
    words = [_word(value) for value in values]
    try:
        return pl.Series(name, words, dtype=pl.String)
    except UnicodeEncodeError as error:
        raise TableError(
            f"{source}: column {name!r} holds {error.object[:60]!r}, which is no text in Unicode; decode it with the "
            "encoding that it was written in"
        ) from error


def _word(value: Any) -> str | None:
    if value is None or value != value:  # NaN is unlike itself
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
