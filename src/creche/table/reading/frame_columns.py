"""From Polars frames to a table: each column by its type, or by what its words hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_types import DECIMAL_COMMA, ColumnContext, Rule, coerce_column, column_from_words, missing_column
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.series import nested_error
from creche.table.table import Column, Table

if TYPE_CHECKING:
    import polars as pl

    from creche.table.reading.plain_frame import Frame

__all__ = ["concatenate_frames", "table_from_frame"]

US_PER_SECOND = 1_000_000  # microseconds


def table_from_frame(
    frame: Frame,
    source: str,
    rules: dict[str, Rule],
    *,
    first_row: int = 1,
    cells: bool = False,
    decimal_comma: bool = False,
) -> Table:
    """Convert a frame to a table.

    Parameters
    ----------
    frame : polars.DataFrame or PlainFrame
    source : str
        The name of the table in messages.
    rules : dict of str to Rule
        The kinds as which columns are read. Columns without a rule get one, which learns the kind from this frame.
    first_row : int, default 1
        The row number of the first row.
    cells : bool, default False
        Whether words are the cells of a text file, in which what looks like a number is one.
    decimal_comma : bool, default False
        Whether numbers in cells are written 1.234,5.

    Raises
    ------
    TableError
        If a value is not of its rule's kind, or is a list or another container.

    """
    if isinstance(frame, PlainFrame):
        return frame.to_table(rules, first_row)
    columns: dict[str, Column] = {}
    for series in frame:
        rule = rules.setdefault(series.name, Rule())
        context = ColumnContext(source, series.name, first_row)
        read = _read_leniently if rule.lenient else _read_column
        columns[series.name] = read(series, rule, context, cells, decimal_comma)
    return Table(columns, source, first_row)


def concatenate_frames(frames: Sequence[Frame], source: str) -> Frame:
    """Return one frame of all rows; where a frame lacks a column, its values are missing.

    Raises
    ------
    TableError
        If there are no frames.

    """
    if not frames:
        raise TableError(f"{source}: is empty; needs a line of column names and rows below it")
    if len(frames) == 1:
        return frames[0]
    plain = [frame for frame in frames if isinstance(frame, PlainFrame)]
    if len(plain) == len(frames):
        return PlainFrame.concatenate(plain)
    return _concatenate_polars([f.to_polars() if isinstance(f, PlainFrame) else f for f in frames])


def _concatenate_polars(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    if all(frame.schema == frames[0].schema for frame in frames):
        return pl.concat(frames)
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:  # a column of numbers here and of words there becomes words
        return pl.concat([frame.cast(pl.String) for frame in frames], how="diagonal")


def _read_column(series: pl.Series, rule: Rule, context: ColumnContext, cells: bool, decimal_comma: bool) -> Column:
    import polars as pl

    dtype = series.dtype
    if series.null_count() == len(series):
        return missing_column(rule.kind or "number", len(series))
    if isinstance(dtype, pl.Categorical | pl.Enum):
        series, dtype = series.cast(pl.String), pl.String()
    if dtype == pl.String:
        numbers = cells or rule.kind in ("number", "whole")
        is_candidate = numbers and rule.kind in (None, "number", "whole")
        column = _parse_numbers(series, decimal_comma) if is_candidate else None
        if column is not None:
            return coerce_column(column, rule, context)
        codes, words = _factorize(series)
        return column_from_words(codes, words, rule, context, numbers, decimal_comma)
    if rule.kind == "words" and (dtype.is_numeric() or dtype == pl.Boolean):
        codes, words = _factorize(series.cast(pl.String))
        return column_from_words(codes, words, rule, context, False)
    return coerce_column(_column_by_type(series, context), rule, context)


def _column_by_type(series: pl.Series, context: ColumnContext) -> Column:
    """Convert a series of numbers, booleans or times by its type."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        return Column("boolean", _to_floats(series))
    if dtype.is_integer():
        return _to_whole(series) or Column("number", _to_floats(series))
    if dtype.is_numeric():  # float and decimal
        return Column("number", _to_floats(series))
    if dtype == pl.Duration:
        return Column("number", _to_floats(series.cast(pl.Duration("us")).to_physical()) / US_PER_SECOND)
    if dtype in (pl.Date, pl.Datetime):
        if getattr(dtype, "time_zone", None) is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Column("datetime", np.asarray(series.cast(pl.Datetime("us")).to_numpy()).astype("datetime64[us]"))
    if dtype == pl.Time:
        codes, words = _factorize(series.cast(pl.String))
        return Column("words", codes, tuple(words))
    what = {pl.List: "lists", pl.Array: "arrays", pl.Struct: "objects of several values", pl.Binary: "bytes"}
    found = next((description for nested, description in what.items() if dtype == nested), f"values of {dtype}")
    raise nested_error(context.source, context.name, found)


def _to_floats(series: pl.Series) -> NDArray[np.float64]:
    import polars as pl

    return np.asarray(series.cast(pl.Float64).to_numpy())  # null becomes NaN


def _to_whole(series: pl.Series) -> Column | None:
    """Return the column of whole numbers, or None if int64 cannot hold all values."""
    import polars as pl

    missing = series.null_count()
    values = series.cast(pl.Int64, strict=False)
    if values.null_count() > missing:
        return None
    return Column("whole", _to_floats(values) if missing else np.asarray(values.to_numpy()))


def _parse_numbers(series: pl.Series, decimal_comma: bool) -> Column | None:
    """Parse words that are all numbers, or return None: the same as `column_from_words`, but faster."""
    import polars as pl

    if decimal_comma:
        has_mark = series.str.contains("[.,]")
        if (has_mark & ~series.str.contains(f"^(?:{DECIMAL_COMMA})$")).any():
            return None
        series = series.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    whole = _to_whole(series)
    if whole is not None:
        return whole
    values = series.cast(pl.Float64, strict=False)
    return None if values.null_count() > series.null_count() else Column("number", _to_floats(values))


def _factorize(series: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the code of each row (-1 where missing), and the distinct words in order of first occurrence."""
    import polars as pl

    words = series.drop_nulls().unique(maintain_order=True)
    codes = series.cast(pl.Enum(words)).to_physical().cast(pl.Int32).fill_null(-1)
    return np.asarray(codes.to_numpy()), words.to_list()


def _read_leniently(series: pl.Series, rule: Rule, context: ColumnContext, cells: bool, decimal_comma: bool) -> Column:
    """Read a column that is only passed on: nothing is an error, and no digit is lost."""
    import polars as pl

    if series.dtype.is_nested() or series.dtype == pl.Binary:
        rule.kind = "words"
        series = pl.Series(series.name, [None if v is None else _as_text(v) for v in series.to_list()], dtype=pl.String)
    elif series.dtype.is_integer() and not _fits_exactly(series):
        rule.kind = "words"
    try:
        return _read_column(series, rule, context, cells, decimal_comma)
    except TableError:
        rule.kind = "words"
        return _read_column(series, rule, context, cells, decimal_comma)


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)


def _fits_exactly(series: pl.Series) -> bool:
    """Whether a column keeps these whole numbers exactly: as int64, or as float64 if some are missing."""
    low, high = series.min(), series.max()
    if low is None or high is None:
        return True
    bound = 2**53 if series.null_count() else 2**63 - 1
    return -bound <= int(low) and int(high) <= bound  # type: ignore[arg-type]
