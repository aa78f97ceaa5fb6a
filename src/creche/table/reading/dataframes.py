"""DataFrames of any library, and plain Python data, as Polars frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from creche.errors import TableError
from creche.table.reading.series import fill_masked, series_from_array, series_from_objects, series_from_pandas
from creche.table.table import clean_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ACCEPTED_DATA", "frame_from_plain_data", "is_frame", "iterate_frames"]

ACCEPTED_DATA = (
    "needs a file (CSV, Parquet, Arrow, JSON lines), a DataFrame (Polars, pandas, PyArrow, …), or arrays X and y"
)

LAZY_ROWS = 65_536  # rows of a lazy frame that are collected at a time


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame, by its type."""
    return hasattr(type(data), "columns") or (hasattr(type(data), "__arrow_c_stream__") and not _is_series(data))


def iterate_frames(data: Any, source: str) -> Iterator[pl.DataFrame]:
    """Yield a DataFrame as a Polars frame, or a lazy Polars frame as several of some rows each.

    Raises
    ------
    TableError
        If it is no DataFrame, or its columns make no table.

    """
    import narwhals as nw
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        names = clean_names(data.collect_schema().names(), source)[0]
        yield from (_rename(frame, names) for frame in _collect_batches(data, source))
        return
    if _has_repeated_names(data):  # narwhals refuses them
        data = data.set_axis(clean_names([str(name) for name in data.columns], source)[0], axis=1)
    if type(data).__name__ == "RecordBatch":
        data = pl.DataFrame(data)
    try:
        frame: Any = nw.from_native(data)
    except TypeError as error:
        if not is_frame(data) or not hasattr(data, "__arrow_c_stream__"):
            raise TableError(f"data: got {type(data).__name__}; {ACCEPTED_DATA}") from error
        frame = nw.from_native(pl.DataFrame(data))
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = clean_names([str(name) for name in frame.columns], source)[0]
    native = frame.to_native()
    if frame.implementation.is_polars():
        yield _rename(native, names)
    elif frame.implementation.is_pandas_like():
        pandas = frame.to_pandas()
        yield pl.DataFrame([series_from_pandas(name, pandas.iloc[:, i], source) for i, name in enumerate(names)])
    else:
        yield _rename(frame.to_polars(), names)


def frame_from_plain_data(data: Any, source: str) -> pl.DataFrame | None:
    """Make a frame from a dict of columns, a list of dicts or an array; None for anything else.

    Raises
    ------
    TableError
        If its columns differ in length, or hold values that no table can.

    """
    import polars as pl

    if isinstance(data, np.ndarray) and data.ndim == 2:
        return pl.DataFrame({f"x{i}": data[:, i] for i in range(data.shape[1])})
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        for row, value in enumerate(data, 1):
            if not isinstance(value, Mapping):
                raise TableError(f"{source}: row {row} is a {type(value).__name__}; needs a dict, like row 1")
        keys = dict.fromkeys(name for row in data for name in row)
        data = {name: [row.get(name) for row in data] for name in keys}
    if not isinstance(data, Mapping):
        return None
    names = clean_names([str(name) for name in data], source)[0]
    columns = {name: _series_from_any(name, values, source) for name, values in zip(names, data.values(), strict=True)}
    lengths = {name: len(series) for name, series in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name!r} has {length:,}" for name, length in list(lengths.items())[:4])
        raise TableError(f"{source}: its columns differ in length: {counts}; needs one value per row in each")
    return pl.DataFrame(list(columns.values()))


def _rename(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return a frame whose columns have these names."""
    return frame if frame.columns == names else frame.rename(dict(zip(frame.columns, names, strict=True)))


def _is_series(data: Any) -> bool:
    return type(data).__name__ in ("Series", "ChunkedArray")


def _collect_batches(data: pl.LazyFrame, source: str) -> Iterator[pl.DataFrame]:
    import polars as pl

    empty = True
    try:
        for frame in data.collect_batches(chunk_size=LAZY_ROWS, lazy=True):
            empty = False
            yield frame
        if empty:
            yield data.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TableError(
            f"{source}: the lazy frame cannot be collected ({str(error).splitlines()[0]}); collect it first to see why"
        ) from error


def _has_repeated_names(data: Any) -> bool:
    columns = getattr(data, "columns", None)
    return bool(getattr(columns, "has_duplicates", False))  # pandas only; the error of narwhals names no column


def _series_from_any(name: str, values: Any, source: str) -> pl.Series:
    import polars as pl

    if isinstance(values, pl.Series):
        return values.alias(name)
    if hasattr(type(values), "factorize"):  # a pandas Series
        return series_from_pandas(name, values, source)
    if hasattr(type(values), "__array__") or hasattr(type(values), "dtype"):
        array = fill_masked(values)
        if array.ndim != 1:
            raise TableError(f"{source}: column {name!r} has shape {array.shape}; needs one value per row")
        if array.dtype.kind in "biufmM":
            return series_from_array(name, array)
        values = array.tolist()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TableError(f"{source}: column {name!r} is a {type(values).__name__}; needs a list with one value per row")
    return series_from_objects(name, list(values), source)
