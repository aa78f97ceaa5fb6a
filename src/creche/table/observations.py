"""Observations: the features and labels of a table or of arrays, checked but not yet encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import list_first
from creche.errors import NAMED_LIMIT, TableError
from creche.plan.words import MISSING_LABELS, MissingLabel, Task, check_word
from creche.table.cell_format import CellFormat, ExpectedColumn
from creche.table.checks import check_finite, check_matrix, find_note, warn
from creche.table.label_columns import check_label_objects, restore_integers
from creche.table.labels import check_exact
from creche.table.reading.dataframes import ACCEPTED_DATA
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.table import Column, FrameLibrary, Table

__all__ = ["Observations", "read_observations"]


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """The features and labels of some rows.

    Attributes
    ----------
    x : Table or (n, d) float32 or float64 array
        A table may also hold columns that are not features.
    y : (n,) array of labels, or (n, k) of numbers, or of booleans
    labels : tuple of str
        The names of the label columns.
    row_indices : (n,) int64 array
        The indices of these rows in the user's table, from 0.
    n_table_rows : int
        The number of rows of the user's table.
    first_row : int
        The row number of the table's first row: 1 for a table, 0 for an array.
    kinds : tuple of str
        The kinds of the label columns; empty for arrays.
    formats : tuple of CellFormat or None
        How the cells of the label columns are written, None where they are not text; empty for arrays.

    """

    x: Table | NDArray[np.floating[Any]]
    y: NDArray[Any]
    labels: tuple[str, ...]
    row_indices: NDArray[np.int64]
    n_table_rows: int
    first_row: int
    kinds: tuple[str, ...] = ()
    formats: tuple[CellFormat | None, ...] = ()

    def __len__(self) -> int:
        return len(self.y)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """The numbers of the rows, as the user counts them, (n,)."""
        return self.row_indices + self.first_row

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which results about these rows come."""
        return self.x.library if isinstance(self.x, Table) else "polars"

    @property
    def row_labels(self) -> Any:
        """The index of the DataFrame of pandas with these rows; None if there is none."""
        return self.x.row_labels if isinstance(self.x, Table) else None

    @property
    def label(self) -> str:
        """The name of the label; several names are joined by commas."""
        return ", ".join(self.labels)

    def table(self, names: Sequence[str] | None = None) -> Table:
        """Return features (all, or those of these names) and labels as the columns of a table."""
        if isinstance(self.x, Table):
            selected = self.x if names is None else self.x.select(names)
            table = Table(selected.columns, self.x.source, self.first_row)
        else:
            columns = {f"x{i}": Column("number", self.x[:, i].astype(np.float64)) for i in range(self.x.shape[1])}
            table = Table(columns, "X", self.first_row)
        taken, labels = set(table.columns), {}
        for name, values in zip(self.labels, [self.y] if self.y.ndim == 1 else self.y.T, strict=True):
            labels[f"{name} (label)" if name in taken else name] = _as_column(values)
        return table.changed(labels)

    def take(self, rows: NDArray[np.int64]) -> Observations:
        """Return the observations of these rows, by index."""
        if len(rows) == len(self.y) and (len(rows) == 0 or bool((rows == np.arange(len(rows))).all())):
            return self  # all rows in order need no copy
        x = self.x.take(rows) if isinstance(self.x, Table) else self.x[rows]
        return Observations(
            x,
            self.y[rows],
            self.labels,
            self.row_indices[rows],
            self.n_table_rows,
            self.first_row,
            self.kinds,
            self.formats,
        )


def read_observations(
    data: Any,
    y: Any = None,
    label: str | Sequence[str] | None = None,
    *,
    expected: Mapping[str, str | ExpectedColumn] | None = None,
    missing_label: MissingLabel = "error",
    read_options: ReadOptions | None = None,
    task: Task | None = None,
) -> Observations:
    """Read features and labels: from a table that holds both, from a table and an array of labels, or from arrays.

    Parameters
    ----------
    data, y, label
        As `creche.train` takes them.
    expected : dict of str to str or ExpectedColumn, optional
        The kinds as which columns are to be read, and how their cells are written.
    missing_label : {"error", "drop"}, default "error"
        What to do with rows without a label.
    read_options : ReadOptions, optional
        How the file is written, if that is not to be detected.
    task : {"classification", "regression", "multilabel"}, optional
        What is learnt; by default, the labels are to decide it.

    Raises
    ------
    TableError
        If they are empty, differ in length, are not finite, or lack the label, or if labels are of mixed kinds or would
        be rounded.

    """
    missing_label = check_word("missing_label", missing_label, MISSING_LABELS, error=TableError)
    names = (label,) if isinstance(label, str) else tuple(label or ())
    if not is_table(data):
        if y is None and names:
            raise TableError(f"data: got {type(data).__name__}; {ACCEPTED_DATA}")
        found = _from_arrays(data, y, names, task)
    elif y is None:
        check_label_objects(data, names)
        table = _check_not_empty(read_table(data, read_options, expected))
        found = _from_table(table, names, missing_label, data, read_options, task)
    else:
        table = _check_not_empty(read_table(data, read_options, expected))
        from creche.table.label_argument import read_label_argument  # only now: most tables hold their label

        labels = read_label_argument(y, len(table), names, task)
        # A named label is not a feature, even if the table holds a column of that name.
        label_names = (*names, *labels.columns)
        table = table.select([name for name in table.names if name not in label_names]) if label_names else table
        found = Observations(table, labels.values, labels.names, np.arange(len(table)), len(table), table.first_row)
    if task == "regression" and found.y.ndim == 1:
        check_exact(found.y, f"label {found.label!r}", found.row_numbers)
    return found


def _check_not_empty(table: Table) -> Table:
    if len(table) == 0:
        raise TableError(f"{table.source}: has no rows; needs at least one")
    return table


def _from_arrays(data: Any, y: Any, names: tuple[str, ...], task: Task | None) -> Observations:
    if y is None:
        raise TableError("y: is missing; pass arrays X and y, or a table and the name of its label column")
    x = check_matrix(data)
    check_finite(x)
    from creche.table.label_argument import read_label_argument

    labels = read_label_argument(y, len(x), names, task)
    return Observations(x, labels.values, labels.names, np.arange(len(x)), len(x), 0)


def _from_table(
    table: Table,
    names: tuple[str, ...],
    missing_label: str,
    data: Any,
    read_options: ReadOptions | None,
    task: Task | None,
) -> Observations:
    if not names:
        choices = list_first(table.names, NAMED_LIMIT)
        raise TableError(
            f"label: is missing; name the column to predict, one of {choices}; or pass arrays X and y", argument="label"
        )
    if len(set(names)) < len(names):
        raise TableError(f"label: got {', '.join(names)}, a name twice; needs each column once")
    names = tuple(table.find_name(name, "label") for name in names)
    columns = [table.columns[name] for name in names]
    for name, column in zip(names, columns, strict=True):
        if column.doubt:
            raise TableError(f"label {name!r}: {column.doubt}")
        note = find_note(table, name)
        if note:
            warn(f"label {name!r} {note}")
    keep = np.ones(len(table), dtype=np.bool_)
    for name, column in zip(names, columns, strict=True):
        keep &= ~_find_missing(name, column, table, missing_label)
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        raise TableError(
            f"label {names[0]!r}: is missing in each of the {len(table)} rows; fill it in, or predict another column"
        )
    if len(rows) < len(table):
        warn(f"dropped {len(table) - len(rows):,} of {len(table):,} rows without a label")
        columns = [column.take(rows) for column in columns]
    exact = [
        restore_integers(name, column, rows, rows + table.first_row, data, read_options)
        for name, column in zip(names, columns, strict=True)
    ]
    values = [
        _label_values(name, column) if integers is None else integers
        for name, column, integers in zip(names, columns, exact, strict=True)
    ]
    y = values[0] if len(names) == 1 else _stack_labels(names, values, rows + table.first_row, task)
    x = replace(table.select([name for name in table.names if name not in names]), first_row=1)
    kinds = tuple(column.kind for column in columns)
    return Observations(
        x if len(rows) == len(table) else x.take(rows), y, names, rows, len(table), table.first_row, kinds,
        tuple(column.format for column in columns),
    )  # fmt: skip


def _find_missing(name: str, column: Column, table: Table, missing_label: str) -> NDArray[np.bool_]:
    missing = column.missing
    if missing.any() and missing_label == "error" and not missing.all():
        row = int(np.argmax(missing)) + table.first_row
        note = find_note(table, name)
        hint = f"; the column {note}" if "read as missing" in note else ""
        if column.kind == "words" and column.format is not None and "NA" in column.format.missing:
            hint = f"; if a word such as NA or None is a class, set {advise('ReadOptions.default_missing', False)}"
        raise TableError(
            f"label {name!r}: row {row} is empty ({int(missing.sum()):,} of {len(table):,} rows are); fill it in, or "
            f"drop such rows with {advise('missing_label', 'drop')}{hint}"
        )
    if column.values.dtype.kind == "f" and np.isinf(column.values).any():
        row = int(np.argmax(np.isinf(column.values)))
        raise TableError(f"label {name!r}: row {row + table.first_row} is {column.values[row]}; needs finite numbers")
    return missing


def _label_values(name: str, column: Column) -> NDArray[Any]:
    """Return a label without missing values as an array of words, whole numbers, booleans or numbers."""
    if column.kind == "datetime":
        raise TableError(f"label {name!r}: holds dates; needs classes or numbers, such as the days since a fixed date")
    if column.kind == "words":
        return column.to_objects()
    if column.kind == "boolean" and column.words:
        return np.array(column.words, dtype=object)[column.values.astype(np.int64)]
    return column.values.astype({"whole": np.int64, "boolean": np.bool_, "number": np.float64}[column.kind])


def _stack_labels(
    names: tuple[str, ...], columns: Sequence[NDArray[Any]], row_numbers: NDArray[np.int64], task: Task | None
) -> NDArray[Any]:
    from creche.table.label_argument import are_one_hot
    from creche.table.label_stack import stack_labels

    stacked = stack_labels(columns, [f"label {name!r}" for name in names], task, row_numbers)
    if task is None and stacked.dtype.kind == "b" and are_one_hot(list(stacked.T)):
        warn(
            f"label {', '.join(names)}: exactly one of the columns is yes in each row (one-hot), and each is treated "
            f"as a label of its own; {advise('task', 'multilabel')} confirms this; to learn classes, make one column "
            "of "
            "them"
        )
    return stacked


def _as_column(labels: NDArray[Any]) -> Column:
    if labels.dtype.kind in "OUS":
        return Column.from_words([str(value) for value in labels.tolist()])
    if labels.dtype.kind == "b":
        return Column("boolean", labels.astype(np.float64))
    if labels.dtype.kind == "u" and len(labels) and int(labels.max()) >= 2**63:
        return Column.from_words([str(value) for value in labels.tolist()])
    return Column("whole", labels.astype(np.int64)) if labels.dtype.kind in "iu" else Column("number", labels)
