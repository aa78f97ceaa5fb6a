"""Observations: features and labels of a table or of arrays, checked but not yet encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest
from creche.table.checks import check_finite, check_matrix, warn
from creche.table.reading.dataframes import NEEDED, fill_masked
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.table import Column, Table

__all__ = ["Observations", "read_observations"]

WHEN_LABELS_MISS = ("error", "drop")


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Features and labels.

    Attributes
    ----------
    x : Table or (n, d) float32 or float64 array
        A table also holds the columns that are no features.
    y : (n,) array of labels, or (n, k) of numbers
    labels : tuple of str
        The names of the label columns.
    rows : (n,) int64
        Which of the user's rows these are, from 0.
    of : int
        How many rows the user's table has.
    first : int
        What the user calls row 0: 1 in a table, 0 in an array.
    kinds : tuple of str
        The kinds of the label columns; empty for arrays.

    """

    x: Table | NDArray[np.floating[Any]]
    y: NDArray[Any]
    labels: tuple[str, ...]
    rows: NDArray[np.int64]
    of: int
    first: int
    kinds: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.y)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """The rows as the user counts them."""
        return self.rows + self.first

    @property
    def label(self) -> str:
        return ", ".join(self.labels)

    def table(self, names: Sequence[str] | None = None) -> Table:
        """Features (those of these names, or all) and labels as columns."""
        if isinstance(self.x, Table):
            columns = dict((self.x if names is None else self.x.select(names)).columns)
            source = self.x.source
        else:
            columns = {f"x{i}": Column("number", self.x[:, i].astype(np.float64)) for i in range(self.x.shape[1])}
            source = "X"
        for name, values in zip(self.labels, [self.y] if self.y.ndim == 1 else self.y.T, strict=True):
            columns[f"{name} (label)" if name in columns else name] = _as_column(values)
        return Table(columns, source, self.first)

    def take(self, which: NDArray[np.int64]) -> Observations:
        """These of them, by place."""
        if len(which) == len(self.y) and (len(which) == 0 or bool((which == np.arange(len(which))).all())):
            return self  # all of them, in the table's order: no copy
        x = self.x.take(which) if isinstance(self.x, Table) else self.x[which]
        return Observations(x, self.y[which], self.labels, self.rows[which], self.of, self.first, self.kinds)


def read_observations(
    data: Any,
    y: Any = None,
    label: str | Sequence[str] | None = None,
    *,
    expected: Mapping[str, str] | None = None,
    missing_label: str = "error",
    read_options: ReadOptions | None = None,
) -> Observations:
    """Features and labels: out of a file or DataFrame that holds both, or with the labels beside it, or out of arrays.

    Parameters
    ----------
    data, y, label
        As `creche.train` takes them.
    expected : dict of str to kind of column, optional
        As what columns are to be read.
    missing_label : {"error", "drop"}
        What becomes of rows whose label is missing.
    read_options : ReadOptions, optional
        How the file is written.

    Raises
    ------
    TableError
        If they are empty, of different length, not finite, or without the label.

    """
    if missing_label not in WHEN_LABELS_MISS:
        raise TableError(f"missing_label: got {missing_label!r}; {nearest(missing_label, WHEN_LABELS_MISS)}")
    names = (label,) if isinstance(label, str) else tuple(label or ())
    if not is_table(data):
        if y is None and names:
            raise TableError(f"got {type(data).__name__}; {NEEDED}")
        return _from_arrays(data, y, names)
    table = _nonempty(read_table(data, read_options, expected))
    if y is None:
        return _from_table(table, names, missing_label)
    labels = _labels(y, len(table), names)
    # A label that has a name is no feature, though the table holds it too.
    known = names or ((y.name,) if isinstance(getattr(y, "name", None), str) else ())
    table = table.select([name for name in table.names if name not in known]) if known else table
    names = names or _names_of(y, labels)
    return Observations(table, labels, names, np.arange(len(table)), len(table), table.first_row)


def _nonempty(table: Table) -> Table:
    if len(table) == 0:
        raise TableError(f"{table.source}: has no rows; there is nothing to learn from")
    return table


def _from_arrays(data: Any, y: Any, names: tuple[str, ...]) -> Observations:
    if y is None:
        raise TableError("y: is missing; give arrays X and y, or a table with the name of its label")
    x = check_matrix(data)
    check_finite(x)
    labels = _labels(y, len(x), names)
    return Observations(x, labels, names or _names_of(y, labels), np.arange(len(x)), len(x), 0)


def _from_table(table: Table, names: tuple[str, ...], missing_label: str) -> Observations:
    if not names:
        raise TableError("label: is missing; name the column to predict, or give arrays X and y")
    if len(set(names)) < len(names):
        raise TableError(f"label: got {', '.join(names)}; needs each column once")
    columns = [table.column(name, "label") for name in names]
    keep = np.ones(len(table), dtype=np.bool_)
    for name, column in zip(names, columns, strict=True):
        keep &= ~_missing(name, column, table, missing_label)
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        raise TableError(f"label {names[0]!r}: is missing in each of the {len(table)} rows; there is nothing to learn")
    if len(rows) < len(table):
        warn(f"left out {len(table) - len(rows)} of {len(table)} rows, for their label is missing")
        columns = [column.take(rows) for column in columns]
    y = _values(names[0], columns[0]) if len(names) == 1 else _several(names, columns)
    x = Table({name: column for name, column in table.columns.items() if name not in names}, table.source)
    kinds = tuple(column.kind for column in columns)
    return Observations(
        x if len(rows) == len(table) else x.take(rows), y, names, rows, len(table), table.first_row, kinds
    )


def _missing(name: str, column: Column, table: Table, missing_label: str) -> NDArray[np.bool_]:
    missing = column.missing
    if missing.any() and missing_label == "error" and not missing.all():
        row = int(np.argmax(missing)) + table.first_row
        raise TableError(
            f"label {name!r}: row {row} is empty ({int(missing.sum()):,} of {len(table):,} rows are); fill it in, or "
            "leave such rows out with missing_label='drop'"
        )
    if column.values.dtype.kind == "f" and np.isinf(column.values).any():
        row = int(np.argmax(np.isinf(column.values)))
        raise TableError(f"label {name!r}: row {row + table.first_row} is {column.values[row]}; needs finite numbers")
    return missing


def _values(name: str, column: Column) -> NDArray[Any]:
    """A label without missing values as an array: words, whole numbers, yes/no or numbers."""
    if column.kind == "datetime":
        raise TableError(f"label {name!r}: holds dates; needs classes or numbers (the days since some day, say)")
    if column.kind == "words":
        return column.objects()
    if column.kind == "boolean" and column.words:
        return np.array(column.words, dtype=object)[column.values.astype(np.int64)]
    return column.values.astype({"whole": np.int64, "boolean": np.bool_, "number": np.float64}[column.kind])


def _several(names: tuple[str, ...], columns: list[Column]) -> NDArray[np.float64]:
    for name, column in zip(names, columns, strict=True):
        if column.kind not in ("number", "whole"):
            raise TableError(f"label {name!r}: holds no numbers; several labels at once must all be numbers")
    return np.column_stack([column.values.astype(np.float64) for column in columns])


def _as_column(labels: NDArray[Any]) -> Column:
    if labels.dtype.kind in "OUS":
        return Column.of_words([str(value) for value in labels.tolist()])
    if labels.dtype.kind == "b":
        return Column("boolean", labels.astype(np.float64))
    return Column("whole", labels.astype(np.int64)) if labels.dtype.kind in "iu" else Column("number", labels)


def _names_of(y: Any, labels: NDArray[Any]) -> tuple[str, ...]:
    if labels.ndim == 2:
        named = [str(name) for name in getattr(y, "columns", ())]
        return tuple(named) if len(named) == labels.shape[1] else tuple(f"y{i}" for i in range(labels.shape[1]))
    return (str(getattr(y, "name", None) or "y"),)


def _labels(y: Any, rows: int, names: tuple[str, ...]) -> NDArray[Any]:
    labels = fill_masked(y)
    if labels.ndim == 2 and labels.shape[1] > 0 and labels.dtype.kind in "iuf":
        labels = np.ascontiguousarray(labels, dtype=np.float64)  # sums go down the rows, however they came
    elif labels.ndim != 1:
        raise TableError(f"y: has shape {labels.shape}; needs one label per row, shape ({rows},)")
    if len(labels) != rows:
        raise TableError(f"X has {rows} rows and y has {len(labels)} labels; needs as many of one as of the other")
    count = 1 if labels.ndim == 1 else labels.shape[1]
    if names and len(names) != count:
        raise TableError(f"label: got {len(names)} names for {count} columns of y; needs one for each")
    _check_labels(labels)
    return labels


def _check_labels(labels: NDArray[Any]) -> None:
    if labels.dtype.kind == "f":
        finite = np.isfinite(labels)
        if not finite.all():
            wrong = np.argwhere(~finite)[0]
            column = f", column {wrong[1]}" if labels.ndim == 2 else ""
            raise TableError(
                f"y: row {wrong[0]}{column} is {labels[tuple(wrong)]}; needs finite numbers: leave such rows out"
            )
    elif labels.dtype == object:
        missing = next((row for row, value in enumerate(labels) if _is_missing(value)), None)
        if missing is not None:
            raise TableError(f"y: row {missing} is {labels[missing]}; leave out rows without a label")
    elif labels.dtype.kind not in "USbiu":
        raise TableError(f"y: holds {labels.dtype}; needs numbers or words")


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # NaN is not equal to itself
    except TypeError:
        return True  # pandas' NA says neither yes nor no
