"""DataFrames of any library, and plain Python data, as frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from creche._system.forks import check_polars
from creche.errors import TableError
from creche.table.reading.plain_frame import (
    PlainFrame,
    plain_frame_from_columns,
    plain_frame_from_pandas,
    plain_frame_from_records,
)
from creche.table.reading.series import Values
from creche.table.table import LIBRARIES, FrameLibrary, Table, clean_names

if TYPE_CHECKING:
    import polars as pl

    from creche.table.reading.plain_frame import Frame

__all__ = [
    "ACCEPTED_DATA",
    "frame_from_plain_data",
    "is_frame",
    "is_pandas_frame",
    "is_row",
    "iterate_frames",
    "library_of",
]

ACCEPTED_DATA = (
    "needs a file (CSV, Parquet, Arrow, JSON, Excel), a DataFrame (Polars, pandas, PyArrow, …), or arrays X and y"
)

LAZY_ROWS = 65_536  # rows of a lazy frame that are collected at a time


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame, by its type."""
    return hasattr(type(data), "columns") or (hasattr(type(data), "__arrow_c_stream__") and not _is_series(data))


def is_pandas_frame(data: Any) -> bool:
    """Whether it is a DataFrame of pandas, by its type."""
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns")


def library_of(data: Any) -> FrameLibrary:
    """Return the library of DataFrames in which results about some data come; that of the first of several frames.

    Examples
    --------
    >>> import pandas as pd
    >>> library_of(pd.DataFrame({"x": [1]})), library_of("penguins.csv")
    ('pandas', 'polars')

    """
    if isinstance(data, Table):
        return data.library
    first = data[0] if isinstance(data, list) and data else data
    name = type(first).__module__.partition(".")[0]
    is_known = name in LIBRARIES and (is_frame(first) or is_row(first))
    return next((library for library in LIBRARIES if library == name), "polars") if is_known else "polars"


def iterate_frames(data: Any, source: str) -> Iterator[Frame]:
    """Yield a DataFrame as a Polars frame (a plain one if it is of pandas), a lazy one as several of some rows each.

    Raises
    ------
    TableError
        If it is not a DataFrame, or its columns make no table.

    """
    if is_pandas_frame(data):
        yield plain_frame_from_pandas(data, source)
        return
    if not is_frame(data):
        raise TableError(f"data: got {type(data).__name__}; {ACCEPTED_DATA}")
    check_polars(source, "pass a pandas DataFrame, a dict of columns or arrays")
    import narwhals as nw
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        names = clean_names(data.collect_schema().names(), source)[0]
        yield from (_rename(frame, names) for frame in _collect_batches(data, source))
        return
    if type(data).__name__ == "RecordBatch":
        data = pl.DataFrame(data)
    try:
        frame: Any = nw.from_native(data)
    except TypeError as error:
        if not hasattr(data, "__arrow_c_stream__"):
            raise TableError(f"data: got {type(data).__name__}; {ACCEPTED_DATA}") from error
        frame = nw.from_native(pl.DataFrame(data))
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    names = clean_names([str(name) for name in frame.columns], source)[0]
    native = frame.to_native()
    if frame.implementation.is_polars():
        yield _rename(native, names)
    elif frame.implementation.is_pandas_like():
        yield plain_frame_from_pandas(frame.to_pandas(), source)
    else:
        yield _rename(frame.to_polars(), names)


def frame_from_plain_data(data: Any, source: str) -> PlainFrame | None:
    """Make a frame from a dict of columns or of one row, a row of a DataFrame, a list of dicts or an array.

    A structured array has a column for each of its fields.

    None for anything else.

    Raises
    ------
    TableError
        If its columns differ in length, or hold values that no table can.

    """
    if isinstance(data, np.ndarray) and data.dtype.names is not None and data.ndim == 1:
        return plain_frame_from_columns({name: _values_of_field(data[name]) for name in data.dtype.names}, source)
    if isinstance(data, np.ndarray) and data.ndim == 2:
        return PlainFrame({f"x{i}": Values(data[:, i]) for i in range(data.shape[1])}, source)
    if is_row(data):
        return plain_frame_from_columns(dict(zip(data.index, data.tolist(), strict=True)), source)
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        return plain_frame_from_records(data, source)
    return plain_frame_from_columns(data, source) if isinstance(data, Mapping) else None


def _values_of_field(field: Any) -> Any:
    """Return the values of a field of a structured array; words may be bytes, as NumPy reads them from text files."""
    if field.dtype.kind == "S":
        with suppress(UnicodeDecodeError):
            field = np.strings.decode(field, "utf-8")
    return field if field.dtype.kind in "biufmM" else field.tolist()


def is_row(data: Any) -> bool:
    """Whether it is a row of a pandas DataFrame: a Series whose index is the names of the columns."""
    if not hasattr(type(data), "factorize") or not hasattr(type(data), "index"):
        return False
    return len(data.index) > 0 and all(isinstance(name, str) for name in data.index)


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
