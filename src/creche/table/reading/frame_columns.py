"""From Polars frames to a table: each column by its type, or by what its words hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule, convert_column, missing_column
from creche.table.number_marks import Marks
from creche.table.reading.number_cells import parse_numbers
from creche.table.reading.number_frames import read_numbers
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.series import nested_error
from creche.table.table import Column, Table
from creche.table.text_rules import TextRules
from creche.table.word_columns import column_from_words, columns_from_words, convert_typed_column, unusable_column

if TYPE_CHECKING:
    import polars as pl

    from creche.table.reading.plain_frame import Frame

__all__ = ["concatenate_frames", "factorize", "is_text", "table_from_frame"]

US_PER_SECOND = 1_000_000  # microseconds


def table_from_frame(
    frame: Frame,
    source: str,
    rules: dict[str, Rule],
    *,
    first_row: int = 1,
    text: TextRules = TextRules(),  # noqa: B008 - frozen
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
    text : TextRules
        How words are to be understood.

    Raises
    ------
    TableError
        If a value is not of its rule's kind, or is a list or another container in a column with a rule.

    """
    if isinstance(frame, PlainFrame):
        return frame.to_table(rules, first_row, text)
    columns: dict[str, Column | None] = dict.fromkeys(frame.columns)
    words: dict[str, tuple[NDArray[np.int32], list[str]]] = {}
    fast = parse_numbers(frame, rules, text)
    columns.update(read_numbers(frame, rules, text))
    for name in [name for name, column in columns.items() if column is None and name not in fast]:
        series, is_required = frame[name], name in rules
        rule = rules.setdefault(name, Rule())
        context = ColumnContext(source, name, first_row)
        if series.null_count() == len(series):
            columns[name] = missing_column(rule.kind or "number", len(series))
            continue
        if is_text(series):
            words[name] = factorize(series.cast(_string()))
            continue
        try:
            columns[name] = _read_typed(series, rule, context, text)
        except TableError as error:
            if is_required:
                raise
            columns[name] = unusable_column(len(series), error)
    points = ["0.5"] if any(column.kind == "number" for column in fast.values()) else []
    read, text = columns_from_words(words, rules, source, first_row, text, points)
    marks = text.marks or Marks()
    usual = CellFormat(marks.decimal, marks.thousands, missing=text.missing_words(None))
    for name, column in fast.items():
        rule = rules.setdefault(name, Rule())
        if column.kind == "whole" or marks.decimal == ".":
            rule.format = rule.format or usual
            rule.kind = rule.kind or column.kind  # it holds a number at least
            written = Column(column.kind, column.values, (), rule.format)
            read[name] = convert_column(written, rule, ColumnContext(source, name, first_row))
        else:
            read[name] = column_from_words(*factorize(frame[name]), rule, ColumnContext(source, name, first_row), text)
    return Table(
        {name: read[name] if column is None else column for name, column in columns.items()}, source, first_row
    )


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

    names, types = frames[0].columns, frames[0].dtypes
    # Schemas are dicts, which take longer to make and compare than lists.
    if all(frame.columns == names and frame.dtypes == types for frame in frames[1:]):
        return pl.concat(frames)
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:  # a column of numbers here and of words there becomes words
        return pl.concat([frame.cast(pl.String) for frame in frames], how="diagonal")


def _string() -> type[pl.String]:
    import polars as pl

    return pl.String


def is_text(series: pl.Series) -> bool:
    """Whether the values of a series are words."""
    import polars as pl

    return series.dtype == pl.String or isinstance(series.dtype, pl.Categorical | pl.Enum)


def _read_typed(series: pl.Series, rule: Rule, context: ColumnContext, text: TextRules) -> Column:
    """Convert a series that is not text to a column of the rule's kind."""
    import polars as pl

    if rule.kind == "words" and series.dtype.is_integer():  # of any size, so that no digit is lost
        codes, words = factorize(series.cast(pl.String))
        return column_from_words(codes, words, rule, context, text)
    return convert_typed_column(_column_by_type(series, context), rule, context, text)


def _to_microseconds(series: pl.Series, context: ColumnContext) -> NDArray[np.datetime64]:
    """Return dates and times, those with a time zone in UTC."""
    import polars as pl

    zone = getattr(series.dtype, "time_zone", None)
    times = series.cast(pl.Datetime("us", zone), strict=False)
    if times.null_count() > series.null_count():
        row = context.row_number(int((times.is_null() & series.is_not_null()).arg_true()[0]))
        raise TableError(
            f"{context.source}: row {row}, column {context.name!r} is a date that is too many years away; needs one of "
            "the years 1 to 9999, or an empty cell"
        )
    if zone is not None:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return np.asarray(times.to_numpy()).astype("datetime64[us]")


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
        return Column("datetime", _to_microseconds(series, context))
    if dtype == pl.Time:  # of 1 January 1970
        return Column(
            "datetime", np.asarray(series.to_physical().cast(pl.Float64).to_numpy() / 1000).astype("datetime64[us]")
        )
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


def factorize(series: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the code of each row (-1 where missing), and the distinct words in order of first occurrence."""
    import polars as pl

    words = series.drop_nulls().unique(maintain_order=True)
    codes = series.cast(pl.Enum(words)).to_physical().cast(pl.Int32).fill_null(-1)
    return np.asarray(codes.to_numpy()), words.to_list()
