"""Labels that come as an argument of their own: what arrays, lists, Series and frames of one or more columns mean."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import list_first
from creche.errors import TableError
from creche.plan.words import Task
from creche.table.checks import CONVERSION_ERRORS, warn
from creche.table.label_kinds import integers_as_array, unify_labels
from creche.table.label_stack import as_flags, stack_labels
from creche.table.reading.dataframes import is_frame, iterate_frames
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.series import fill_masked

__all__ = ["LabelArgument", "are_one_hot", "array_of_labels", "read_label_argument"]

CLASSES_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class LabelArgument:
    """The labels in an argument y.

    Attributes
    ----------
    values : (n,) array of words, booleans, integers or floats, or (n, k) array of float64 or booleans
    names : tuple of str
        The names of the labels, one for each column.
    columns : tuple of str
        The names that columns of y have: columns of these names in the table of features are not features.

    """

    values: NDArray[Any]
    names: tuple[str, ...]
    columns: tuple[str, ...]


def read_label_argument(y: Any, rows: int, names: tuple[str, ...], task: Task | None) -> LabelArgument:
    """Read the labels in an argument y.

    One column, as an array of shape (n, 1), a frame or a list of lists, is the same as shape (n,). Several columns of 0
    and 1 with exactly one 1 in each row (one-hot) are classes, named as the columns of a frame or numbered from 0,
    unless the task is another. Other columns are several labels, of yes or no or of numbers.

    Parameters
    ----------
    y : array, list, Series or DataFrame
    rows : int
        The number of rows that it must have.
    names : tuple of str
        The names of the labels, if there are any yet.
    task : {"classification", "regression", "multilabel"} or None
        What is learnt; None if the labels are to decide it, and then a guess is warned of.

    Raises
    ------
    TableError
        If the labels differ in number from the rows, are missing, not finite or of mixed kinds, or if they are neither
        one label for each row nor several of one kind.

    """
    columns, own_names = _split_columns(y, f"({rows},)")
    _check_length(columns, rows)
    titles = ["y"]
    if len(columns) > 1:
        titles = [f"y, column {name!r}" for name in own_names or range(len(columns))]
    columns = [unify_labels(column, title) for column, title in zip(columns, titles, strict=True)]
    own = tuple(name for name in own_names if isinstance(name, str))
    if len(columns) == 1:
        name = own_names[0] if own_names else None
        found = LabelArgument(columns[0], names or (str(name or "y"),), own)
    elif task not in ("regression", "multilabel") and len(names) < 2 and are_one_hot(columns):
        classes = _decode_one_hot(columns, own_names)
        if task is None:
            _warn_of_one_hot(classes, len(columns))
        found = LabelArgument(classes, names or ("y",), own)
    else:
        default = tuple(f"y{i}" for i in range(len(columns)))
        named = tuple(map(str, own_names)) if len(set(map(str, own_names))) == len(columns) else default
        found = LabelArgument(stack_labels(columns, titles, task), names or named, own)
    count = 1 if found.values.ndim == 1 else found.values.shape[1]
    if len(found.names) != count:
        raise TableError(f"label: got {len(names)} names for {count} columns of y; needs one name per column")
    return found


def array_of_labels(y: Any) -> Any:
    """Return one column of labels as an array of one kind, (n,) or (n, 1) as it was; anything else unchanged.

    It is for functions of NumPy and scikit-learn, which would turn a list of mixed kinds into words, and large integers
    into floats.

    Raises
    ------
    TableError
        If the labels are of mixed kinds.

    """
    is_list = isinstance(y, list | tuple) and len(y) > 0 and not hasattr(y[0], "__array__")
    is_object_array = isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1
    if not is_list and not is_object_array:
        return y
    columns, _ = _split_columns(y)
    if len(columns) != 1:
        return y
    labels = unify_labels(columns[0])
    if is_object_array:
        return labels
    labels = np.array(labels.tolist()) if labels.dtype == object else labels  # words, as NumPy has them
    return labels.reshape(-1, 1) if isinstance(y[0], list | tuple) else labels


def are_one_hot(columns: Sequence[NDArray[Any]]) -> bool:
    """Whether the columns, numbers or booleans, hold 0 and 1 with exactly one 1 in each row."""
    ones = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        if column.dtype.kind not in "biuf" or as_flags(column) is None:
            return False
        ones += column == 1
    return bool((ones == 1).all())


def _split_columns(y: Any, needed: str = "(rows,)") -> tuple[list[NDArray[Any]], list[Any]]:
    """Return the columns of y, and their names; an array or a list has no names."""
    if isinstance(y, str | bytes):
        raise TableError(
            f"y: got {y!r}; needs the labels, one per row. A column of the table is named by {advise('label', y)}"
        )
    if hasattr(y, "toarray"):
        raise TableError("y: is a sparse matrix; needs an array, as y.toarray() gives")
    if is_frame(y):
        columns, names = _split_frame(y)
        if not columns:
            raise TableError("y: has no columns; needs one label per row")
        return columns, names
    try:
        # NumPy would make words of a list of mixed kinds.
        is_list = isinstance(y, list | tuple) and len(y) > 0 and not hasattr(y[0], "__array__")
        array = np.asarray(y, dtype=object) if is_list else fill_masked(y)
        if array.dtype == np.float16:  # it cannot be compared with large numbers
            array = array.astype(np.float64)
    except CONVERSION_ERRORS as error:
        raise TableError(f"y: is not an array ({error}); needs one label per row") from error
    if array.ndim == 0 or array.ndim > 2 or array.shape[1:] == (0,):
        raise TableError(f"y: has shape {array.shape}; needs one label per row, shape {needed}")
    name = getattr(y, "name", None)
    return ([array] if array.ndim == 1 else list(array.T)), ([] if name is None else [name])


def _split_frame(y: Any) -> tuple[list[NDArray[Any]], list[Any]]:
    if hasattr(y, "iloc"):  # pandas and its like, whose columns may hold Python objects
        return [np.asarray(y.iloc[:, i]) for i in range(y.shape[1])], list(y.columns)
    import polars as pl

    parts = iterate_frames(y, "y")
    frame = pl.concat([part.to_polars() if isinstance(part, PlainFrame) else part for part in parts])
    return [series.to_numpy() for series in frame], list(frame.columns)


def _check_length(columns: Sequence[NDArray[Any]], rows: int) -> None:
    found = len(columns[0])
    if found == rows:
        return
    if found == 1 and len(columns) == rows:
        raise TableError(f"y: has shape (1, {rows}); needs one label per row, shape ({rows},), as y.ravel() gives")
    raise TableError(f"y: has {found} labels, but X has {rows} rows; needs one label per row")


def _decode_one_hot(columns: Sequence[NDArray[Any]], names: Sequence[Any]) -> NDArray[Any]:
    """Return the class of each row: the name of the column that holds the 1, or its number."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for i, column in enumerate(columns):
        number[column == 1] = i
    if not names:
        return number
    if all(isinstance(name, numbers.Integral) and not isinstance(name, bool) for name in names):
        return integers_as_array([int(name) for name in names], "y")[number]
    return np.array([str(name) for name in names], dtype=object)[number]


def _warn_of_one_hot(classes: NDArray[Any], count: int) -> None:
    distinct = sorted(set(classes.tolist()))
    warn(
        f"y: is one-hot (exactly one of its {count} columns is 1 in each row), so it is treated as the classes "
        f"{list_first([*map(repr, distinct)], CLASSES_SHOWN)}; {advise('task', 'classification')} "
        f"confirms this, and {advise('task', 'multilabel')} treats each column as a label of its own"
    )
