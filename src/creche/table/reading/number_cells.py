"""The columns of numbers in a text file, parsed together: the cells of many columns are one series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import Rule
from creche.table.datetime_columns import COMPACT_DATES
from creche.table.number_columns import parse_number
from creche.table.number_marks import AMBIGUOUS
from creche.table.number_words import MIN_CODE_DIGITS
from creche.table.reading.number_frames import count_nulls
from creche.table.table import Column
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    import polars as pl

__all__ = ["clear_codes", "find_unread", "has_clear_point", "parse_numbers"]

# Cells of several columns that are parsed together; a longer column is parsed by itself.
STACKED_CELLS = 2**20

# Most columns that hold something else than numbers or whole numbers, or a point that is not a mark of thousands, show
# it within this number of rows, or a quarter of the rows.
PROBED_ROWS = 16

MAX_PROBED_ROWS = 200


def parse_numbers(frame: pl.DataFrame, rules: Mapping[str, Rule], text: TextRules) -> dict[str, Column]:
    """Parse columns of cells that are all numbers such as 1.5, or words for missing values, if nothing is doubtful.

    They have the values that `creche.table.word_columns.column_from_words` would read, but no format.

    Parameters
    ----------
    frame : polars.DataFrame
    rules : dict of str to Rule
        Columns with a rule of another kind than numbers, or with a decimal comma, are left out.
    text : TextRules

    """
    import polars as pl

    if not text.are_cells:
        return {}
    alike: dict[tuple[tuple[str, ...], bool, bool], list[str]] = {}
    any_rule = Rule()
    for name, dtype, nulls in zip(frame.columns, frame.dtypes, count_nulls(frame), strict=True):
        rule = rules.get(name, any_rule)
        is_number = rule.kind in (None, "number", "whole") and (rule.format is None or rule.format.decimal == ".")
        if dtype == pl.String and nulls < len(frame) and is_number:
            is_clear = rule.format is not None or text.marks is not None
            alike.setdefault((text.missing_words(rule.format), is_clear, rule.kind is None), []).append(name)
    out: dict[str, Column] = {}
    for (words, is_clear, may_be_dates), names in alike.items():
        for some, cells in _stack(frame, names):
            columns = _parse_stacked(clear_codes(cells, words), len(some), words, is_clear, may_be_dates)
            out.update((some[i], column) for i, column in columns.items())
    return out


def _stack(frame: pl.DataFrame, names: list[str]) -> Iterator[tuple[list[str], pl.Series]]:
    """Yield the names of some columns, and the cells of one after another."""
    import polars as pl

    step = max(1, STACKED_CELLS // max(1, len(frame)))
    for begin in range(0, len(names), step):
        some = names[begin : begin + step]
        columns = frame[some].get_columns()
        yield some, columns[0] if len(some) == 1 else pl.concat(columns, rechunk=True)


def clear_codes(cells: pl.Series, words: tuple[str, ...]) -> pl.Series:
    """Return the cells without those that look like numbers but stand for missing values, such as -999."""
    own = [word for word in words if word not in DEFAULT_MISSING]
    codes = [word for word in own if parse_number(word, CellFormat()) is not None]
    return cells.set(cells.str.strip_chars().is_in(codes), None) if codes else cells


def _parse_stacked(
    cells: pl.Series, n_columns: int, words: tuple[str, ...], is_clear: bool, may_be_dates: bool
) -> dict[int, Column]:
    """Return the columns of numbers among those whose cells are one after another, by index."""
    import polars as pl

    rows = len(cells) // n_columns
    head_rows = rows if rows < PROBED_ROWS else max(PROBED_ROWS, min(rows // 4, MAX_PROBED_ROWS))
    every = np.arange(n_columns)
    head = _select_columns(cells, every, n_columns, head_rows)
    may_be_number = ~find_unread(head, pl.Float64, words)[0].reshape(n_columns, -1).any(axis=1)
    may_be_whole = may_be_number & ~find_unread(head, pl.Int64, words)[0].reshape(n_columns, -1).any(axis=1)
    out: dict[int, Column] = {}
    whole = every[may_be_whole]
    unread, values = find_unread(_select_columns(cells, whole, n_columns), pl.Int64, words)
    missing = np.asarray(values.is_null().to_numpy()).reshape(-1, rows)
    exact = np.asarray(values.fill_null(0).to_numpy()).reshape(-1, rows)
    is_whole = np.asarray(~unread.reshape(-1, rows).any(axis=1))
    in_range = (exact >= COMPACT_DATES[0]) & (exact <= COMPACT_DATES[1])
    is_date = np.asarray((missing | in_range).all(axis=1) & may_be_dates)
    has_gaps = np.asarray(missing.any(axis=1))
    if may_be_dates:
        is_whole[_find_codes(cells, whole, exact, missing, head_rows)] = False
    # The kind of a column without any value is that of its rule.
    for k in np.flatnonzero(np.asarray(is_whole & ~is_date & ~missing.all(axis=1))).tolist():
        floats = np.where(missing[k], np.nan, exact[k].astype(np.float64)) if has_gaps[k] else None
        out[int(whole[k])] = Column("whole", exact[k] if floats is None else floats)
    left = every[may_be_number]
    left = left[~np.isin(left, whole[is_whole])]
    unread, values = find_unread(_select_columns(cells, left, n_columns), pl.Float64, words)
    is_number = ~unread.reshape(-1, rows).any(axis=1)
    numbers = np.asarray(values.to_numpy()).reshape(-1, rows)  # null becomes NaN
    if not is_clear:
        is_number &= np.isin(left, _find_pointed(cells, left[is_number], n_columns))
    return out | {int(left[k]): Column("number", numbers[k]) for k in np.flatnonzero(is_number).tolist()}


def _find_codes(
    cells: pl.Series, columns: NDArray[np.int64], values: NDArray[Any], missing: NDArray[np.bool_], head_rows: int
) -> NDArray[np.int64]:
    """Return the places of those columns of whole numbers that may be codes: equally long, some with zeros in front."""
    rows = values.shape[1]
    n_columns = len(cells) // rows
    places = np.arange(len(columns))
    for end in (head_rows, rows):
        some = _select_columns(cells, columns[places], n_columns, end)
        lengths = some.str.len_bytes().fill_null(0).to_numpy().reshape(len(places), end)
        longest = lengths.max(axis=1, initial=0)
        is_alike = ((lengths == longest[:, np.newaxis]) | (lengths == 0)).all(axis=1) & (longest >= MIN_CODE_DIGITS)
        # With a zero in front, a number is less than its digits promise.
        places = np.array(
            [
                place
                for place, length in zip(places[is_alike], longest[is_alike], strict=True)
                if values[place].min(where=~missing[place], initial=np.iinfo(np.int64).max)
                < 10.0 ** (float(length) - 1)
            ],
            dtype=np.int64,
        )
        if len(places) == 0:
            break
    return places


def find_unread(
    cells: pl.Series, dtype: type[pl.DataType], words: tuple[str, ...]
) -> tuple[NDArray[np.bool_], pl.Series]:
    """Return a mask of the cells that are neither of that type nor words for missing values, and the parsed cells."""
    import polars as pl

    parsed = cells.cast(dtype, strict=False)
    unread = parsed.is_null() & cells.is_not_null()
    mask = np.array(unread.to_numpy())
    if mask.any():
        known = cells.filter(unread).str.strip_chars().is_in(pl.Series(words, dtype=pl.String).implode())
        mask[mask] = ~np.asarray(known.to_numpy())
    return mask, parsed


def _find_pointed(cells: pl.Series, columns: NDArray[np.int64], n_columns: int) -> NDArray[np.int64]:
    """Return those of the columns of numbers with a point that cannot be a mark of thousands."""
    left, rows = columns, len(cells) // n_columns
    for end in (min(PROBED_ROWS, rows), rows):
        some = _select_columns(cells, left, n_columns, end)
        has_point = some.str.contains(".", literal=True)
        is_clear = has_point & ~some.str.contains(rf"^[+-]?{AMBIGUOUS['.'].pattern}$")
        left = left[~np.asarray(is_clear.fill_null(False).to_numpy()).reshape(len(left), end).any(axis=1)]
    return np.setdiff1d(columns, left)


def has_clear_point(cells: pl.Series) -> bool:
    """Whether one of the cells of a column of numbers has a point that cannot be a mark of thousands."""
    return len(_find_pointed(cells, np.zeros(1, dtype=np.int64), 1)) == 1


def _select_columns(cells: pl.Series, columns: NDArray[np.int64], n_columns: int, end: int | None = None) -> pl.Series:
    """Return the cells of some columns, or of the first rows of these, from those of `n_columns`."""
    rows = len(cells) // n_columns
    end = rows if end is None else end
    if len(columns) == n_columns and end == rows:
        return cells
    return cells.gather((columns[:, np.newaxis] * rows + np.arange(end)).reshape(-1))
