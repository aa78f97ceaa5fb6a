"""Several labels at once: all numbers, or all yes or no, and never a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import list_first
from creche.errors import TableError
from creche.plan.words import Task
from creche.table.cell_types import parse_boolean
from creche.table.labels import check_exact

__all__ = ["as_flags", "stack_labels"]

NAMED = 5


def as_flags(column: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return a column as booleans if it holds nothing but yes and no: booleans, 0 and 1, or such words; else None.

    Examples
    --------
    >>> as_flags(np.array([0.0, 1.0])), as_flags(np.array(["yes", "No"], dtype=object)), as_flags(np.array([1, 2]))
    (array([False,  True]), array([ True, False]), None)

    """
    if column.dtype.kind == "b":
        return column
    if column.dtype.kind in "iuf":
        return column == 1 if bool(((column == 0) | (column == 1)).all()) else None
    words, index = np.unique(column.astype(str), return_inverse=True)
    values = [parse_boolean(word) for word in words.tolist()]
    return None if None in values else np.array(values, dtype=np.float64)[index] == 1


def stack_labels(
    columns: Sequence[NDArray[Any]],
    titles: Sequence[str],
    task: Task | None,
    row_numbers: NDArray[np.int64] | None = None,
) -> NDArray[Any]:
    """Return several labels as one array in C order: (n, k) booleans if all are yes or no, else (n, k) float64.

    Parameters
    ----------
    columns : sequence of (n,) arrays
        Words, booleans, integers or floats, without missing values.
    titles : sequence of str
        What messages call them: ``label 'ill'``.
    task : {"classification", "regression", "multilabel"} or None
        What is learnt; None if the labels are to decide it.
    row_numbers : (n,) array of int, optional
        The row number of each label; by default, rows are numbered from 0.

    Raises
    ------
    TableError
        If the labels are of different kinds, or do not suit the task, or would be rounded.

    """
    flags = [as_flags(column) for column in columns]
    if task != "regression" and all(flag is not None for flag in flags):
        return np.ascontiguousarray(np.column_stack(flags))  # type: ignore[arg-type]
    kinds = [_kind(column, flag) for column, flag in zip(columns, flags, strict=True)]
    wanted = "numbers" if task == "regression" or (task is None and "yes or no" not in kinds) else "yes or no"
    for title, column, kind, flag in zip(titles, columns, kinds, flags, strict=True):
        if kind == "words" or (wanted == "yes or no" and flag is None):
            others = [t for t, f in zip(titles, flags, strict=True) if f is not None and wanted == "yes or no"]
            beside = f", and {list_first(others, NAMED)} yes or no" if others else ""
            place = _first_other(column, row_numbers) if kind == "numbers" else ""
            if task is not None and kind == "numbers" and not others:
                raise TableError(
                    f"{title}: holds numbers{place}, and classes of several labels are yes or no (also true, false, 1, "
                    f"0); {advise('task', 'regression')} learns numbers, with a loss for numbers"
                )
            raise TableError(
                f"{title}: holds {kind}{place}{beside}; several labels are either all numbers or all yes or no (also "
                "true, false, 1, 0): train a network for each kind"
            )
        check_exact(column, title, row_numbers)
    numbers = [
        np.asarray(c if f is None or c.dtype.kind in "iuf" else f, dtype=np.float64)
        for c, f in zip(columns, flags, strict=True)
    ]
    return np.ascontiguousarray(np.column_stack(numbers))


def _kind(column: NDArray[Any], flags: NDArray[np.bool_] | None) -> str:
    if column.dtype.kind in "iuf":
        return "numbers"
    return "words" if flags is None else "yes or no"


def _first_other(column: NDArray[Any], row_numbers: NDArray[np.int64] | None) -> str:
    """Say which number is neither 0 nor 1, and in which row."""
    other = np.flatnonzero((column != 0) & (column != 1))
    if not len(other):
        return ""
    row = int(other[0])
    return f" (row {row if row_numbers is None else row_numbers[row]} is {column[row]:g})"
