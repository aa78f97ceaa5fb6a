"""The columns of numbers in a text file, parsed together: the cells of many columns are one series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import Rule
from creche.table.datetime_columns import COMPACT_DATES
from creche.table.number_columns import parse_number
from creche.table.number_words import AMBIGUOUS
from creche.table.reading.number_frames import count_nulls
from creche.table.table import Column
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    import polars as pl

__all__ = ["parse_numbers"]

# Cells of several columns that are parsed together; a longer column is parsed by itself.
STACKED_CELLS = 2**20

# A column of a longer table is not parsed if one of its first cells is no number.
PROBED_FOR_WORDS = 200

# Most columns with a point that is no mark of thousands show it here.
PROBED_ROWS = 8


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
        if len(frame) > 4 * PROBED_FOR_WORDS:
            names = _drop_words(frame.head(PROBED_FOR_WORDS), names, words)
        for some, cells in _stack(frame, names):
            columns = _parse_stacked(_clear_codes(cells, words), len(some), words, is_clear, may_be_dates)
            out.update((some[i], column) for i, column in columns.items())
    return out


def _drop_words(frame: pl.DataFrame, names: list[str], words: tuple[str, ...]) -> list[str]:
    """Return the names of the columns without a cell that is neither a number nor a word for a missing value."""
    import polars as pl

    kept = []
    for some, cells in _stack(frame, names):
        unread = _find_unread(cells, cells.cast(pl.Float64, strict=False), words).reshape(len(some), -1)
        kept += [name for name, is_unread in zip(some, np.asarray(unread.any(axis=1)), strict=True) if not is_unread]
    return kept


def _stack(frame: pl.DataFrame, names: list[str]) -> Iterator[tuple[list[str], pl.Series]]:
    """Yield the names of some columns, and the cells of one after another."""
    import polars as pl

    step = max(1, STACKED_CELLS // max(1, len(frame)))
    for begin in range(0, len(names), step):
        some = names[begin : begin + step]
        columns = frame[some].get_columns()
        yield some, columns[0] if len(some) == 1 else pl.concat(columns, rechunk=True)


def _clear_codes(cells: pl.Series, words: tuple[str, ...]) -> pl.Series:
    """Return the cells without those that look like numbers but stand for missing values, such as -999."""
    own = [word for word in words if word not in DEFAULT_MISSING]
    codes = [word for word in own if parse_number(word, CellFormat()) is not None]
    return cells.set(cells.str.strip_chars().is_in(codes), None) if codes else cells


def _parse_stacked(
    cells: pl.Series, n_columns: int, words: tuple[str, ...], is_clear: bool, may_be_dates: bool
) -> dict[int, Column]:
    """Return the columns of numbers among those whose cells are one after another, by index."""
    import polars as pl

    numbers = cells.cast(pl.Float64, strict=False)
    unread = _find_unread(cells, numbers, words).reshape(n_columns, -1)
    readable = np.flatnonzero(~unread.any(axis=1))
    values = np.asarray(numbers.to_numpy()).reshape(n_columns, -1)[readable]  # null becomes NaN
    is_integral = np.asarray((np.isnan(values) | (values == np.trunc(values))).all(axis=1))
    out: dict[int, Column] = {}
    integral = readable[is_integral]
    others = dict(zip(readable[~is_integral].tolist(), values[~is_integral], strict=True))
    if len(integral):
        some = _select_columns(cells, integral, n_columns)
        whole = some.cast(pl.Int64, strict=False)
        is_whole = np.asarray(~_find_unread(some, whole, words).reshape(len(integral), -1).any(axis=1))
        missing = np.asarray(whole.is_null().to_numpy()).reshape(len(integral), -1)
        exact = np.asarray(whole.fill_null(0).to_numpy()).reshape(len(integral), -1)
        is_date = missing | ((exact >= COMPACT_DATES[0]) & (exact <= COMPACT_DATES[1]))
        is_date_column = np.asarray(is_date.all(axis=1) & may_be_dates)
        for k, (i, row) in enumerate(zip(integral.tolist(), values[is_integral], strict=True)):
            if not is_whole[k]:
                others[i] = row
            elif is_date_column[k]:
                continue
            elif not missing[k].any():
                out[i] = Column("whole", exact[k])
            elif not missing[k].all():  # the kind of a column without values is that of its rule
                out[i] = Column("whole", np.where(missing[k], np.nan, exact[k].astype(np.float64)))
    if not is_clear:
        pointed = _find_pointed(cells, np.array(list(others), dtype=np.int64), n_columns)
        others = {i: row for i, row in others.items() if i in pointed}
    return out | {i: Column("number", row) for i, row in others.items()}


def _find_unread(cells: pl.Series, parsed: pl.Series, words: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return a mask of the cells that are neither parsed nor a word for a missing value."""
    import polars as pl

    unread = parsed.is_null() & cells.is_not_null()
    mask = np.array(unread.to_numpy())
    if mask.any():
        known = cells.filter(unread).str.strip_chars().is_in(pl.Series(words, dtype=pl.String).implode())
        mask[mask] = ~np.asarray(known.to_numpy())
    return mask


def _find_pointed(cells: pl.Series, columns: NDArray[np.int64], n_columns: int) -> set[int]:
    """Return those of the columns of numbers with a point that cannot be a mark of thousands."""
    found: set[int] = set()
    rows = len(cells) // n_columns
    for end in (min(PROBED_ROWS, rows), rows):
        left = np.array([i for i in columns.tolist() if i not in found], dtype=np.int64)
        if len(left):
            some = _select_columns(cells, left, n_columns, end)
            has_point = some.str.contains(".", literal=True)
            is_clear = has_point & ~some.str.contains(rf"^[+-]?{AMBIGUOUS['.'].pattern}$")
            clear = np.asarray(is_clear.fill_null(False).to_numpy()).reshape(len(left), end).any(axis=1)
            found.update(left[clear].tolist())
    return found


def _select_columns(cells: pl.Series, columns: NDArray[np.int64], n_columns: int, end: int | None = None) -> pl.Series:
    """Return the cells of some columns, or of the first rows of these, from those of `n_columns`."""
    rows = len(cells) // n_columns
    end = rows if end is None else end
    if len(columns) == n_columns and end == rows:
        return cells
    return cells.gather((columns[:, np.newaxis] * rows + np.arange(end)).reshape(-1))
