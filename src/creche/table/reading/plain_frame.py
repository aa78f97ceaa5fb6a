"""Plain data as columns of values: what a Polars frame is for the other sources, without Polars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche._system.forks import check_polars
from creche.errors import TableError
from creche.table.cell_types import ColumnContext, Rule
from creche.table.reading.series import (
    Values,
    column_by_type,
    column_of_values,
    fill_masked,
    is_missing,
    values_from_pandas,
)
from creche.table.table import Column, Table, clean_names
from creche.table.text_rules import TextRules
from creche.table.word_columns import columns_from_words, convert_typed_column, unusable_column

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "Frame",
    "PlainFrame",
    "is_scalar",
    "plain_frame_from_columns",
    "plain_frame_from_pandas",
    "plain_frame_from_records",
]

Frame: TypeAlias = "pl.DataFrame | PlainFrame"


PLAIN_TEXT = TextRules()


class PlainFrame:
    """Named columns of values of one length: arrays, lists of Python objects, or pandas Series.

    Parameters
    ----------
    values : dict of str to Values
    source : str
        The name of the table in messages.

    """

    def __init__(self, values: Mapping[str, Values], source: str) -> None:
        self._values = dict(values)
        self.source = source

    def __len__(self) -> int:
        return len(next(iter(self._values.values()))) if self._values else 0

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._values)

    def select(self, names: Sequence[str]) -> PlainFrame:
        """Return the frame of these columns, in this order."""
        return PlainFrame({name: self._values[name] for name in names}, self.source)

    def slice(self, start: int, rows: int) -> PlainFrame:
        """Return some rows in a row."""
        taken = slice(start, start + rows)
        return PlainFrame({name: values.take(taken) for name, values in self._values.items()}, self.source)

    def values(self, name: str) -> Values:
        """Return the values of a column."""
        return self._values[name]

    def to_table(self, rules: dict[str, Rule], first_row: int = 1, text: TextRules = PLAIN_TEXT) -> Table:
        """Convert to a table, as `creche.table.reading.frame_columns.table_from_frame` does.

        Raises
        ------
        TableError
            If a value is not of its rule's kind, or is a list or another container.

        """
        columns: dict[str, Column] = {}
        words: dict[bool, dict[str, tuple[NDArray[np.int32], list[str]]]] = {False: {}, True: {}}
        for name, values in self._values.items():
            is_required = name in rules
            rule, context = rules.setdefault(name, Rule()), ColumnContext(self.source, name, first_row)
            try:
                column = column_of_values(values, rule, context)
            except TableError as error:
                if is_required:
                    raise
                column = unusable_column(len(values), error)
            columns[name] = column
            if column.kind == "words" and not column.doubt:
                words[values.are_cells][name] = (column.values, list(column.words))
            else:
                columns[name] = convert_typed_column(column, rule, context, text)
        for are_cells, found in words.items():
            own = replace(text, are_cells=are_cells)
            columns |= columns_from_words(found, rules, self.source, first_row, own)[0] if found else {}
        return Table(columns, self.source, first_row)

    def to_polars(self) -> pl.DataFrame:
        """Convert to a Polars frame of the same types, in which words stay words."""
        check_polars(self.source)
        import polars as pl

        return pl.DataFrame([_to_series(name, values, self.source) for name, values in self._values.items()])

    @classmethod
    def concatenate(cls, frames: Sequence[PlainFrame]) -> PlainFrame:
        """Return one frame of all rows; where a frame lacks a column, its values are missing."""
        names = dict.fromkeys(name for frame in frames for name in frame.columns)
        return cls({name: _concatenate_values(name, frames) for name in names}, frames[0].source)


def plain_frame_from_pandas(data: Any, source: str) -> PlainFrame:
    """Convert a pandas DataFrame.

    Raises
    ------
    TableError
        If a column has no name, or two have the same.

    """
    names = clean_names([str(name) for name in data.columns], source)[0]
    return PlainFrame(
        {n: values_from_pandas(series) for n, (_, series) in zip(names, data.items(), strict=True)}, source
    )


def plain_frame_from_records(records: Sequence[Any], source: str, needed: str = "a dict, like row 1") -> PlainFrame:
    """Convert one dict per row; where a row lacks a key, its value is missing.

    Parameters
    ----------
    records : sequence of dict
    source : str
    needed : str, default "a dict, like row 1"
        What a row must be, for messages.

    Raises
    ------
    TableError
        If a row is not a dict.

    """
    keys: dict[Any, None] = {}
    for row, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            raise TableError(f"{source}: row {row} is a {type(record).__name__}; needs {needed}")
        keys.update(dict.fromkeys(record))
    names = clean_names([str(key) for key in keys], source)[0]
    columns = ([record.get(key) for record in records] for key in keys)
    return PlainFrame(dict(zip(names, map(Values, columns), strict=True)), source)


def plain_frame_from_columns(columns: Mapping[Any, Any], source: str) -> PlainFrame:
    """Convert a dict of columns, or of scalars: then there is one row.

    Raises
    ------
    TableError
        If the columns differ in length, or hold values that no table can.

    """
    names = clean_names([str(name) for name in columns], source)[0]
    if all(map(is_scalar, columns.values())):
        return PlainFrame({name: Values([value]) for name, value in zip(names, columns.values(), strict=True)}, source)
    pairs = zip(names, columns.values(), strict=True)
    values = {name: _values_of_column(name, column, source) for name, column in pairs}
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name!r} has {length:,}" for name, length in list(lengths.items())[:4])
        raise TableError(f"{source}: its columns differ in length: {counts}; needs one value per row in each")
    return PlainFrame(values, source)


def _to_series(name: str, values: Values, source: str) -> pl.Series:
    import polars as pl

    if not isinstance(values.distinct, list) and not np.ma.is_masked(values.distinct) and values.codes is None:
        types = {"M": "datetime64[us]", "m": "timedelta64[us]", "f": "float64"}
        return pl.Series(name, values.distinct.astype(types.get(values.distinct.dtype.kind, values.distinct.dtype)))
    objects = [None if is_missing(value) else value for value in values.to_objects()]
    try:
        return pl.Series(name, objects)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        pass  # of several types
    try:
        column = column_by_type(values, ColumnContext(source, name))
    except TableError:
        return pl.Series(name, objects, dtype=pl.Object)
    from creche.table.write import frame_of_table

    return frame_of_table(Table({name: column}, source)).to_series()


def is_scalar(value: Any) -> bool:
    """Whether a value is one cell rather than a column of them."""
    return isinstance(value, str | bytes) or not (
        hasattr(type(value), "__len__") or hasattr(type(value), "__iter__") or getattr(value, "shape", None)
    )


def _values_of_column(name: str, values: Any, source: str) -> Values:
    """Return the values of a column that is an array, a list or a Series of any library."""
    if hasattr(type(values), "factorize"):  # a pandas Series
        return values_from_pandas(values)
    if hasattr(type(values), "to_pylist") or hasattr(type(values), "to_list"):
        return _values_of_arrow(values)
    if hasattr(type(values), "__array__") or hasattr(type(values), "dtype"):
        array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
        if array.ndim != 1:
            raise TableError(f"{source}: column {name!r} has shape {array.shape}; needs one value per row")
        return Values(array if array.dtype.kind in "biufmM" else fill_masked(array).tolist())
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise TableError(f"{source}: column {name!r} is a {type(values).__name__}; needs a list with one value per row")
    return Values(list(values))


def _values_of_arrow(values: Any) -> Values:
    """Return the values of a PyArrow array or a Polars Series."""
    nulls = values.null_count
    if (nulls() if callable(nulls) else nulls) == 0:
        array = np.asarray(values)
        if array.ndim == 1 and array.dtype.kind in "biuf":
            return Values(array)
    return Values(values.to_pylist() if hasattr(values, "to_pylist") else values.to_list())


def _concatenate_values(name: str, frames: Sequence[PlainFrame]) -> Values:
    parts = [frame.values(name) if name in frame.columns else Values([None] * len(frame)) for frame in frames]
    arrays = [part.distinct for part in parts if part.codes is None and not isinstance(part.distinct, list)]
    kinds = {array.dtype.kind for array in arrays}
    if len(arrays) == len(parts) and (len(kinds) == 1 or kinds <= set("iuf")):
        join: Callable[..., Any] = np.ma.concatenate if any(map(np.ma.is_masked, arrays)) else np.concatenate
        return Values(join(arrays))
    objects = [value for part in parts for value in part.to_objects()]
    return Values(objects, None, any(part.are_cells for part in parts))
