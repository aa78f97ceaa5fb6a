"""The columns of numbers in a DataFrame, read as matrices of one type each rather than one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import Rule
from creche.table.number_columns import parse_number
from creche.table.table import Column, clean_names
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    import polars as pl

__all__ = ["count_nulls", "read_numbers", "take_numbers"]

# Numbers that are copied at a time.
COPIED_VALUES = 2**22

LARGEST_WHOLE = 2**63 - 1

KINDS = {"f": "number", "i": "whole", "u": "whole", "b": "boolean"}  # by the kind of a NumPy type


def take_numbers(
    data: Any, rules: Mapping[str, Rule], source: str, text: TextRules
) -> tuple[list[str], dict[str, Column], Any]:
    """Read the columns of a pandas DataFrame that NumPy holds as numbers or booleans.

    Parameters
    ----------
    data : pandas.DataFrame
    rules : dict of str to Rule
        The kinds as which columns are read; a column that is of another kind is left.
    source : str
        The name of the table in messages.
    text : TextRules
        Its words for missing values may be numbers.

    Returns
    -------
    names : list of str
        The names of all columns, each different.
    columns : dict of str to Column
        Those that were read.
    rest : pandas.DataFrame or None
        The other columns, under these names; None if there are none.

    """
    names = clean_names([str(name) for name in data.columns], source)[0]
    if len(data) == 1:  # parting its columns would take longer than reading them
        is_renamed = names != data.columns.tolist()
        return names, {}, data.set_axis(names, axis=1) if is_renamed else data
    by_type: dict[np.dtype[Any], list[int]] = {}
    rest = []
    for i, dtype in enumerate(data.dtypes.tolist()):
        if isinstance(dtype, np.dtype) and dtype.kind in KINDS:
            by_type.setdefault(dtype, []).append(i)
        else:
            rest.append(i)
    read = {}
    step = max(1, COPIED_VALUES // max(1, len(data)))
    for dtype, positions in by_type.items():
        for begin in range(0, len(positions), step):
            some = positions[begin : begin + step]
            # A copy, since the user may change the DataFrame.
            values = np.array(data.iloc[:, some].to_numpy().T, dtype=_plain_type(dtype), order="C")
            for i, column in zip(some, _number_columns(values, text, KINDS[dtype.kind]), strict=True):
                fitting = _fit_rule(column, rules.get(names[i]))
                if fitting is None:
                    rest.append(i)
                else:
                    read[names[i]] = fitting
    others = sorted(rest)
    return names, read, data.iloc[:, others].set_axis([names[i] for i in others], axis=1) if others else None


def read_numbers(frame: pl.DataFrame, rules: dict[str, Rule], text: TextRules) -> dict[str, Column]:
    """Read the columns of a Polars frame whose type is a number or boolean, unless their rules want another kind.

    A rule without a kind learns that of its column.
    """
    import polars as pl

    by_kind: dict[tuple[str, Any], list[str]] = {}
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        kind = "boolean" if dtype == pl.Boolean else "number" if dtype.is_float() else "whole"
        if kind != "whole" or (dtype.is_integer() and dtype not in (pl.Int128, pl.UInt64)):
            by_kind.setdefault((kind, dtype), []).append(name)
    out = {}
    for (kind, _), names in by_kind.items():
        for name, column in _columns_of_frame(frame[names], kind, text).items():
            rule = rules.setdefault(name, Rule())
            fitting = _fit_rule(column, rule)
            if fitting is not None:
                out[name] = fitting
                if rule.kind is None and not _is_missing(fitting):
                    rule.kind = fitting.kind
    return out


def _columns_of_frame(frame: pl.DataFrame, kind: str, text: TextRules) -> dict[str, Column]:
    """Return the columns of a Polars frame of one type of numbers, without those in which each value is null."""
    import polars as pl

    by_gaps: dict[bool, list[str]] = {}
    for name, nulls in zip(frame.columns, count_nulls(frame), strict=True):
        if nulls < len(frame):
            by_gaps.setdefault(nulls > 0, []).append(name)
    out: dict[str, Column] = {}
    for has_gaps, names in by_gaps.items():
        part = frame[names]
        values = (part.cast(pl.Float64) if has_gaps else part).to_numpy().T  # null becomes NaN
        out.update(zip(names, _number_columns(values, text, kind), strict=True))
    return out


def count_nulls(frame: pl.DataFrame) -> tuple[int, ...]:
    """Return the number of nulls in each column."""
    return frame.null_count().row(0) if frame.width else ()


def _plain_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that holds all values of a type of numbers or booleans, as `_number_columns` takes them."""
    return dtype if dtype == np.uint64 else np.dtype(np.int64 if dtype.kind in "iu" else np.float64)


def _number_columns(values: NDArray[Any], text: TextRules, kind: str) -> list[Column]:
    """Return a column of that kind for each row of a matrix; whole numbers that int64 cannot hold are numbers."""
    if values.dtype == np.uint64 and values.max(initial=0) > LARGEST_WHOLE:
        is_large: list[bool] = np.any(values > LARGEST_WHOLE, axis=1).tolist()
        return [
            _number_columns(row[np.newaxis].astype(np.float64), text, "number")[0] if large
            else _number_columns(row[np.newaxis].astype(np.int64), text, "whole")[0]
            for row, large in zip(values, is_large, strict=True)
        ]  # fmt: skip
    format = None
    words = [word for word in text.missing if word not in DEFAULT_MISSING]
    codes = [number for number in (parse_number(word, CellFormat()) for word in words) if number is not None]
    if codes and kind != "boolean":
        values = values.astype(np.float64)
        values[np.isin(values, codes)] = np.nan
        format = CellFormat(missing=text.missing_words(None))
    is_whole = kind == "whole" and values.dtype.kind in "iu"
    values = np.ascontiguousarray(values, dtype=np.int64 if is_whole else np.float64)
    return [Column(kind, row, (), format) for row in values]


def _fit_rule(column: Column, rule: Rule | None) -> Column | None:
    """Return the column as the rule wants it, or None if that needs more than another type."""
    if rule is None:
        return column
    if rule.format is not None and rule.format.missing != DEFAULT_MISSING:
        return None  # numbers may be among its words for missing values
    if rule.kind is None or rule.kind == column.kind:
        return column
    if rule.kind == "number":
        return Column("number", column.values.astype(np.float64, copy=False), (), column.format)
    return None


def _is_missing(column: Column) -> bool:
    """Whether each value is missing; quickly, where the first is not."""
    return bool(column.values[0] != column.values[0]) and bool(column.missing.all())
