"""DataFrames of any library that narwhals knows, as Polars frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from creche.errors import TableError
from creche.table.names import checked_names
from creche.table.objects import series_of_array, series_of_objects

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NEEDED", "frames_of", "is_frame", "series_of_pandas"]

NEEDED = "needs a file (CSV, Parquet, Arrow, JSON lines), a DataFrame (Polars, pandas, PyArrow, …), or arrays X and y"
LAZY_ROWS = 65_536


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame, going by its type."""
    return hasattr(type(data), "columns") or (hasattr(type(data), "__arrow_c_stream__") and not _is_series(data))


def _is_series(data: Any) -> bool:
    return type(data).__name__ in ("Series", "ChunkedArray")


def frames_of(data: Any, source: str) -> Iterator[pl.DataFrame]:
    """The frame; a lazy Polars frame as several, one after the other.

    Raises
    ------
    TableError
        If it is no DataFrame, or no table.

    """
    import narwhals as nw
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        checked_names(data.collect_schema().names(), source)
        yield from _collected(data, source)
        return
    if _repeated_names(data):
        checked_names([str(name) for name in data.columns], source)
    if type(data).__name__ == "RecordBatch":
        data = pl.DataFrame(data)
    try:
        frame: Any = nw.from_native(data)
    except TypeError as error:
        if not is_frame(data) or not hasattr(data, "__arrow_c_stream__"):
            raise TableError(f"got {type(data).__name__}; {NEEDED}") from error
        frame = nw.from_native(pl.DataFrame(data))
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = checked_names([str(name) for name in frame.columns], source)
    native = frame.to_native()
    if frame.implementation.is_polars():
        yield native
    elif frame.implementation.is_pandas_like():
        pandas = frame.to_pandas()
        yield pl.DataFrame([series_of_pandas(name, pandas.iloc[:, i], source) for i, name in enumerate(names)])
    else:
        yield frame.to_polars()


def _collected(data: pl.LazyFrame, source: str) -> Iterator[pl.DataFrame]:
    import polars as pl

    empty = True
    try:
        for frame in data.collect_batches(chunk_size=LAZY_ROWS, lazy=True):
            empty = False
            yield frame
        if empty:
            yield data.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TableError(f"{source}: its lazy frame cannot be collected: {str(error).splitlines()[0]}") from error


def _repeated_names(data: Any) -> bool:
    columns = getattr(data, "columns", None)
    return bool(getattr(columns, "has_duplicates", False))  # of pandas, about which narwhals would not say which


def series_of_pandas(name: str, series: Any, source: str) -> pl.Series:
    """A pandas Series as one of Polars, without Arrow between them."""
    import polars as pl

    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise TableError(f"{source}: column {name!r} holds complex numbers; needs real ones")
    if kind in "biuf" and not hasattr(dtype, "categories"):
        if isinstance(dtype, np.dtype):
            return series_of_array(name, series.to_numpy())
        missing = series.isna().to_numpy(dtype=bool)
        filled = series.fillna(False if kind == "b" else 0).to_numpy(
            dtype={"b": bool, "f": np.float64}.get(kind, np.int64)
        )
        values = pl.Series(name, filled)
        return values.set(pl.Series(missing), None) if missing.any() else values
    if kind == "M":
        plain = series.dt.tz_convert(None) if getattr(dtype, "tz", None) is not None else series
        return series_of_array(name, plain.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return series_of_array(name, series.to_numpy(dtype="timedelta64[us]"))
    if str(dtype).startswith("period["):
        return series_of_array(name, series.dt.to_timestamp().to_numpy())
    return _of_pandas_objects(name, series, source)


def _of_pandas_objects(name: str, series: Any, source: str) -> pl.Series:
    """Categories, strings and objects: each different value is converted once."""
    import polars as pl

    try:
        codes, different = series.factorize()
    except TypeError as error:  # of what cannot be hashed
        raise series_of_objects_error(name, series, source) from error
    values = series_of_objects(name, list(different), source)
    places = pl.Series(np.where(codes < 0, len(values), codes))
    return values.extend_constant(None, 1).gather(places)


def series_of_objects_error(name: str, series: Any, source: str) -> TableError:
    try:
        series_of_objects(name, list(series), source)
    except TableError as error:
        return error
    return TableError(f"{source}: column {name!r} holds objects; needs numbers, words, or dates")
