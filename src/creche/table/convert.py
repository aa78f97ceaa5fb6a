"""From Polars frames to columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.columns import Column, Table
from creche.table.kinds import DECIMAL_COMMA, Place, Rule, coerced, column_of_words, missing_column
from creche.table.objects import nested_error

if TYPE_CHECKING:
    import polars as pl

__all__ = ["joined", "table_of_frame"]

US_PER_SECOND = 1_000_000


def table_of_frame(
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
        place = Place(source, series.name, first_row)
        read = _any_column if rule.loose else _column
        columns[series.name] = read(series, rule, place, cells, decimal_comma)
    return Table(columns, source, first_row)


def joined(frames: Sequence[pl.DataFrame], source: str) -> pl.DataFrame:
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


def _any_column(series: pl.Series, rule: Rule, place: Place, cells: bool, decimal_comma: bool) -> Column:
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


def _column(series: pl.Series, rule: Rule, place: Place, cells: bool, decimal_comma: bool) -> Column:
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
            return coerced(column, rule, place)
        codes, words = _factorized(series)
        return column_of_words(codes, words, rule, place, numbers, decimal_comma)
    if rule.kind == "words" and (dtype.is_numeric() or dtype == pl.Boolean):
        codes, words = _factorized(series.cast(pl.String))
        return column_of_words(codes, words, rule, place, False)
    return coerced(_typed(series, place), rule, place)


def _typed(series: pl.Series, place: Place) -> Column:
    """The column that a series of numbers, booleans or times is, by its type."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        return Column("yes_no", _floats(series))
    if dtype.is_integer():
        return _whole(series) or Column("number", _floats(series))
    if dtype.is_numeric():  # float and decimal
        return Column("number", _floats(series))
    if dtype == pl.Duration:
        return Column("number", _floats(series.cast(pl.Duration("us")).to_physical()) / US_PER_SECOND)
    if dtype in (pl.Date, pl.Datetime):
        if getattr(dtype, "time_zone", None) is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Column("moment", np.asarray(series.cast(pl.Datetime("us")).to_numpy()).astype("datetime64[us]"))
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
