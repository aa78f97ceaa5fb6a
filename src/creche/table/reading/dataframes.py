"""Python's own values, out of JSON or of a DataFrame's columns of objects, as a Polars series."""

from __future__ import annotations

import datetime
import decimal
import json
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_types import DECIMAL_COMMA, ColumnContext, Rule, coerce_column, column_from_words, missing_column
from creche.table.table import Column, Table, check_names

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "NEEDED",
    "concatenate_frames",
    "fill_masked",
    "frame_from_plain_data",
    "is_frame",
    "iterate_frames",
    "nested_error",
    "series_from_array",
    "series_from_objects",
    "series_from_pandas",
    "table_from_frame",
]


def nested_error(source: str, name: str, what: str) -> TableError:
    return TableError(
        f"{source}: column {name!r} holds {what}; needs one value per cell: leave the column out, or spread it over "
        "several"
    )


def frame_from_plain_data(data: Any, source: str) -> pl.DataFrame | None:
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
        # MOVED

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


def fill_masked(values: Any) -> NDArray[Any]:
    """As an array; what is masked is missing: NaN, NaT or None."""
    array = np.asarray(values)
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return array
    missing = {"f": np.nan, "m": "NaT", "M": "NaT"}.get(array.dtype.kind)
    plain = array.copy() if missing is not None else array.astype(object)
    plain[np.ma.getmaskarray(values)] = missing
    return plain


def series_from_array(name: str, array: NDArray[Any]) -> pl.Series:
    """Of numbers, booleans, moments or durations, each in a type that Polars knows."""
    import polars as pl

    known = {
        "f": np.float64 if array.dtype.itemsize > 8 else array.dtype,
        "M": "datetime64[us]",
        "m": "timedelta64[us]",
    }
    return pl.Series(name, array.astype(known.get(array.dtype.kind, array.dtype), copy=False))


def series_from_objects(name: str, values: Sequence[Any], source: str) -> pl.Series:
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


NEEDED = "needs a file (CSV, Parquet, Arrow, JSON lines), a DataFrame (Polars, pandas, PyArrow, …), or arrays X and y"


LAZY_ROWS = 65_536


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame, going by its type."""
    return hasattr(type(data), "columns") or (hasattr(type(data), "__arrow_c_stream__") and not _is_series(data))


def _is_series(data: Any) -> bool:
    return type(data).__name__ in ("Series", "ChunkedArray")


def iterate_frames(data: Any, source: str) -> Iterator[pl.DataFrame]:
    """The frame; a lazy Polars frame as several, one after the other.

    Raises
    ------
    TableError
        If it is no DataFrame, or no table.

    """
    import narwhals as nw
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        check_names(data.collect_schema().names(), source)
        yield from _collected(data, source)
        return
    if _repeated_names(data):
        check_names([str(name) for name in data.columns], source)
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
    names = check_names([str(name) for name in frame.columns], source)
    native = frame.to_native()
    if frame.implementation.is_polars():
        yield native
    elif frame.implementation.is_pandas_like():
        pandas = frame.to_pandas()
        yield pl.DataFrame([series_from_pandas(name, pandas.iloc[:, i], source) for i, name in enumerate(names)])
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


def series_from_pandas(name: str, series: Any, source: str) -> pl.Series:
    """A pandas Series as one of Polars, without Arrow between them."""
    import polars as pl

    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise TableError(f"{source}: column {name!r} holds complex numbers; needs real ones")
    if kind in "biuf" and not hasattr(dtype, "categories"):
        if isinstance(dtype, np.dtype):
            return series_from_array(name, series.to_numpy())
        missing = series.isna().to_numpy(dtype=bool)
        filled = series.fillna(False if kind == "b" else 0).to_numpy(
            dtype={"b": bool, "f": np.float64}.get(kind, np.int64)
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
    return _of_pandas_objects(name, series, source)


def _of_pandas_objects(name: str, series: Any, source: str) -> pl.Series:
    """Categories, strings and objects: each different value is converted once."""
    import polars as pl

    try:
        codes, different = series.factorize()
    except TypeError as error:  # of what cannot be hashed
        raise object_series_error(name, series, source) from error
    values = series_from_objects(name, list(different), source)
    places = pl.Series(np.where(codes < 0, len(values), codes))
    return values.extend_constant(None, 1).gather(places)


def object_series_error(name: str, series: Any, source: str) -> TableError:
    try:
        series_from_objects(name, list(series), source)
    except TableError as error:
        return error
    return TableError(f"{source}: column {name!r} holds objects; needs numbers, words, or dates")


US_PER_SECOND = 1_000_000


def table_from_frame(
    frame: pl.DataFrame,
    source: str,
    rules: dict[str, Rule],
    *,
    first_row: int = 1,
    cells: bool = False,
    decimal_comma: bool = False,
) -> Table:
    """The columns of a frame.

    Parameters
    ----------
    frame : polars.DataFrame
    source : str
    rules : dict of str to Rule
        What columns are read as; a rule is added for each that has none, and learns what this frame shows.
    first_row : int, default 1
    cells : bool, default False
        Whether words are the cells of a text file, so that those that look like numbers are meant as such.
    decimal_comma : bool, default False

    Raises
    ------
    TableError
        If a value is not of the kind that its rule says, or holds several.

    """
    columns: dict[str, Column] = {}
    for series in frame:
        rule = rules.setdefault(series.name, Rule())
        place = ColumnContext(source, series.name, first_row)
        read = _any_column if rule.loose else _column
        columns[series.name] = read(series, rule, place, cells, decimal_comma)
    return Table(columns, source, first_row)


def concatenate_frames(frames: Sequence[pl.DataFrame], source: str) -> pl.DataFrame:
    """One frame of the rows of all; a column that some frames lack is missing there.

    Raises
    ------
    TableError
        If there are none.

    """
    import polars as pl

    if not frames:
        raise TableError(f"{source}: is empty; needs column names and rows below them")
    if len(frames) == 1:
        return frames[0]
    if all(frame.schema == frames[0].schema for frame in frames):
        return pl.concat(frames)
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:  # numbers here and words there: all are words
        return pl.concat([frame.cast(pl.String) for frame in frames], how="diagonal")


def _any_column(series: pl.Series, rule: Rule, place: ColumnContext, cells: bool, decimal_comma: bool) -> Column:
    """A column that is only passed on: nothing is refused, and no digit lost."""
    import polars as pl

    if series.dtype.is_nested() or series.dtype == pl.Binary:
        rule.kind = "words"
        series = pl.Series(series.name, [None if v is None else _as_text(v) for v in series.to_list()], dtype=pl.String)
    elif series.dtype.is_integer() and not _is_exact(series):
        rule.kind = "words"
    try:
        return _column(series, rule, place, cells, decimal_comma)
    except TableError:
        rule.kind = "words"
        return _column(series, rule, place, cells, decimal_comma)


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)


def _is_exact(series: pl.Series) -> bool:
    """Whether whole numbers are kept as they are: as int64, or as float64 where some are missing."""
    low, high = series.min(), series.max()
    if low is None or high is None:
        return True
    bound = 2**53 if series.null_count() else 2**63 - 1
    return -bound <= int(low) and int(high) <= bound  # type: ignore[arg-type]


def _column(series: pl.Series, rule: Rule, place: ColumnContext, cells: bool, decimal_comma: bool) -> Column:
    import polars as pl

    dtype = series.dtype
    if series.null_count() == len(series):
        return missing_column(rule.kind or "number", len(series))
    if isinstance(dtype, pl.Categorical | pl.Enum):
        series, dtype = series.cast(pl.String), pl.String()
    if dtype == pl.String:
        numbers = cells or rule.kind in ("number", "whole")
        column = (
            _numbers_in_words(series, decimal_comma) if numbers and rule.kind in (None, "number", "whole") else None
        )
        if column is not None:
            return coerce_column(column, rule, place)
        codes, words = _factorized(series)
        return column_from_words(codes, words, rule, place, numbers, decimal_comma)
    if rule.kind == "words" and (dtype.is_numeric() or dtype == pl.Boolean):
        codes, words = _factorized(series.cast(pl.String))
        return column_from_words(codes, words, rule, place, False)
    return coerce_column(_typed(series, place), rule, place)


def _typed(series: pl.Series, place: ColumnContext) -> Column:
    """The column that a series of numbers, booleans or times is, by its type."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        return Column("boolean", _floats(series))
    if dtype.is_integer():
        return _whole(series) or Column("number", _floats(series))
    if dtype.is_numeric():  # float and decimal
        return Column("number", _floats(series))
    if dtype == pl.Duration:
        return Column("number", _floats(series.cast(pl.Duration("us")).to_physical()) / US_PER_SECOND)
    if dtype in (pl.Date, pl.Datetime):
        if getattr(dtype, "time_zone", None) is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Column("datetime", np.asarray(series.cast(pl.Datetime("us")).to_numpy()).astype("datetime64[us]"))
    if dtype == pl.Time:
        codes, words = _factorized(series.cast(pl.String))
        return Column("words", codes, tuple(words))
    what = {pl.List: "lists", pl.Array: "arrays", pl.Struct: "objects of several values", pl.Binary: "bytes"}
    raise nested_error(place.source, place.name, next((w for t, w in what.items() if dtype == t), f"values of {dtype}"))


def _floats(series: pl.Series) -> NDArray[np.float64]:
    import polars as pl

    return np.asarray(series.cast(pl.Float64).to_numpy())  # null becomes NaN


def _whole(series: pl.Series) -> Column | None:
    """None if int64 does not hold all values."""
    import polars as pl

    missing = series.null_count()
    values = series.cast(pl.Int64, strict=False)
    if values.null_count() > missing:
        return None
    return Column("whole", _floats(values) if missing else np.asarray(values.to_numpy()))


def _numbers_in_words(series: pl.Series, decimal_comma: bool) -> Column | None:
    """The numbers that all the words are, or None; the same as by `kinds`, only faster."""
    import polars as pl

    if decimal_comma:
        marked = series.str.contains("[.,]")
        if (marked & ~series.str.contains(f"^(?:{DECIMAL_COMMA})$")).any():
            return None
        series = series.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    whole = _whole(series)
    if whole is not None:
        return whole
    values = series.cast(pl.Float64, strict=False)
    return None if values.null_count() > series.null_count() else Column("number", _floats(values))


def _factorized(series: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """The different words, in the order in which they come, and the place of each row's among them; -1 for missing."""
    import polars as pl

    words = series.drop_nulls().unique(maintain_order=True)
    codes = series.cast(pl.Enum(words)).to_physical().cast(pl.Int32).fill_null(-1)
    return np.asarray(codes.to_numpy()), words.to_list()
