"""Checks of arrays before they are trained on, and warnings that point at the user's line."""

from __future__ import annotations

import decimal
import numbers
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import shorten_text
from creche._system.resources import ALWAYS_AVAILABLE, available_memory
from creche.errors import CrecheWarning, TableError
from creche.table.cell_types import ColumnContext
from creche.table.reading.series import fill_masked, is_missing
from creche.table.table import Table

__all__ = [
    "CONVERSION_ERRORS",
    "check_array",
    "check_finite",
    "check_matrix",
    "check_precision",
    "collect_warnings",
    "find_note",
    "numbers_from_objects",
    "warn",
]

# What NumPy and other libraries raise for values that make no array.
CONVERSION_ERRORS = (TypeError, ValueError, RuntimeError, ArithmeticError, AttributeError, NotImplementedError)


_collected: ContextVar[list[str] | None] = ContextVar("_collected", default=None)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Yield a list that gets the messages of warnings in place of the user: for results that show them themselves.

    Other threads warn as always, which `warnings.catch_warnings` does not see to.

    Examples
    --------
    >>> with collect_warnings() as messages:
    ...     warn("dropped 3 rows")
    >>> messages
    ['dropped 3 rows']

    """
    messages: list[str] = []
    token = _collected.set(messages)
    try:
        yield messages
    finally:
        _collected.reset(token)


def warn(message: str) -> None:
    """Issue a CrecheWarning at the line of the user's code that called Creche."""
    collected = _collected.get()
    if collected is not None:
        collected.append(message)
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("creche."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, CrecheWarning, stacklevel=level)


def find_note(table: Table, name: str, row_numbers: NDArray[np.int64] | None = None) -> str:
    """Return the remark on how a column of the table was read, with the numbers of its rows; empty if there is none."""
    note = table.columns[name].note
    if not note:
        return ""
    context = ColumnContext(table.source, name, table.first_row, row_numbers)
    return re.sub(r"{([0-9]+)}", lambda row: str(context.row_number(int(row[1]))), note)


def check_matrix(x: Any, what: str = "X", columns: int | None = None) -> NDArray[np.floating[Any]]:
    """Return an array of numbers, (n, d), made from anything that NumPy accepts; float32 and float64 are not copied.

    Parameters
    ----------
    x : array-like
        Also a sparse matrix of SciPy, if it fits in memory with its zeros, and lists of PyArrow or Polars.
    what : str, default "X"
        The name of the array in messages.
    columns : int, optional
        The number of columns that it is to have, for the advice on other shapes.

    Raises
    ------
    TableError
        If it is empty, holds anything but numbers, or does not have two dimensions.

    """
    array = check_array(_fill_zeros(x, what) if _is_sparse(x) else x, what)
    if array.dtype not in (np.float32, np.float64):
        array = _to_floats(array, what)
    if array.ndim != 2:
        raise TableError(f"{what}: has shape {array.shape}; needs (rows, columns){_advise_shape(array, what, columns)}")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise TableError(f"{what}: is empty, with shape {array.shape}; needs at least one row and one column")
    return array


def check_array(values: Any, what: str) -> NDArray[Any]:
    """Return an array of any type made from anything that NumPy accepts, with missing values where some are masked.

    Raises
    ------
    TableError
        If there is no such array.

    """
    if _is_sparse(values):
        raise TableError(f"{what}: is a sparse matrix; needs one label per row: {what}.toarray().ravel()")
    try:
        return fill_masked(_lists_of_arrow(values))
    except CONVERSION_ERRORS as error:
        raise TableError(
            f"{what}: is not an array of numbers ({_first_line(error)}); needs rows of equal length"
        ) from error


def numbers_from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of objects as one of numbers, if it holds nothing else; any other array as it is.

    Examples
    --------
    >>> numbers_from_objects(np.array([1, 2.5], dtype=object)), numbers_from_objects(np.array([1, 0], dtype=object))
    (array([1. , 2.5]), array([1, 0]))
    >>> numbers_from_objects(np.array(["a", 1], dtype=object))
    array(['a', 1], dtype=object)

    """
    if array.dtype != object:
        return array
    values = array.ravel().tolist()
    if not values or not all(isinstance(v, numbers.Real | decimal.Decimal) and not isinstance(v, bool) for v in values):
        return array
    is_whole = all(isinstance(value, numbers.Integral) and -(2**63) <= int(value) < 2**63 for value in values)
    if not is_whole and all(isinstance(value, numbers.Integral) for value in values):
        return array  # float64 would round them
    return np.array(values, dtype=np.int64 if is_whole else np.float64).reshape(array.shape)


def check_finite(
    x: NDArray[np.floating[Any]], names: Sequence[str] | None = None, what: str = "X", first_row: int = 0
) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    x : (n, d) array
    names : sequence of str, optional
        The names of the columns; by default, columns are numbered from 0.
    what : str, default "X"
        The name of the array in messages.
    first_row : int, default 0
        The row number of the first row.

    Raises
    ------
    TableError
        With the row and column of the first such number.

    """
    finite = np.isfinite(x)
    if finite.all():
        return
    wrong = np.argwhere(~finite)
    row, column = wrong[0]
    where = f"column {names[column]!r}" if names else f"column {column}"
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    advice = "leave such rows out"
    if np.isnan(x[row, column]):
        advice = "pass a DataFrame or a dict of columns, whose missing values are filled in, or leave such rows out"
    raise TableError(
        f"{what}: row {row + first_row}, {where} is {x[row, column]}{more}; needs finite numbers: {advice}"
    )


def check_precision(
    encoded: NDArray[np.floating[Any]],
    original: Callable[[int, int], tuple[object, str]],
    precision: str,
    what: str = "X",
    row_number: Callable[[int], int] = int,
) -> None:
    """Refuse numbers that are finite, but become infinite in a precision.

    Parameters
    ----------
    encoded : (n, d) array
        The numbers in that precision.
    original : callable
        From row and column of `encoded` to the number that was encoded, and the name of its column.
    precision : {"float32", "float64"}
    what : str, default "X"
        The name of the array or table in messages.
    row_number : callable, optional
        From the index of a row to its number; by default they are the same.

    Raises
    ------
    TableError
        With the row, the column and the number.

    """
    if np.isfinite(encoded).all():
        return
    row, column = (int(index) for index in np.argwhere(~np.isfinite(encoded))[0])
    value, name = original(row, column)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    place = f"{what}: row {row_number(row)}, column {name} is {shown}"
    if isinstance(value, float) and not np.isfinite(value):
        raise TableError(f"{place}; needs a finite number, or an empty cell")
    other = f", or train with {advise('precision', 'float64')}" if precision == "float32" else ""
    raise TableError(f"{place}, which is too large for {precision}; check its unit{other}")


def _is_sparse(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] in ("scipy", "sparse") and hasattr(values, "nnz")


def _fill_zeros(x: Any, what: str) -> NDArray[Any]:
    """Return a sparse matrix as an array with its zeros, if there is memory for it."""
    needed, free = int(np.prod(x.shape, dtype=object)) * 8, available_memory()
    if needed > ALWAYS_AVAILABLE and free is not None and 2 * needed > free:
        raise TableError(
            f"{what}: is a sparse matrix of shape {x.shape}, which takes {needed / 1e9:,.1f} GB with its zeros, and "
            f"{free / 1e9:,.1f} GB are free; needs fewer columns: select some, or reduce them "
            "(sklearn.decomposition.TruncatedSVD)"
        )
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x.todense())


def _lists_of_arrow(values: Any) -> Any:
    """Return arrays of lists, which NumPy keeps as objects, as lists of lists; anything else as it is."""
    if isinstance(values, list | tuple) and values and hasattr(type(values[0]), "to_pylist"):
        return [value.to_pylist() if hasattr(value, "to_pylist") else value for value in values]
    if type(values).__module__.partition(".")[0] == "pyarrow" and hasattr(values, "to_pylist"):
        return values.to_pylist()
    if type(values).__module__.partition(".")[0] == "polars" and hasattr(values, "to_list"):
        return values.to_list() if values.dtype.is_nested() else values
    return values


def _to_floats(array: NDArray[Any], what: str) -> NDArray[np.float64]:
    kind = array.dtype.kind
    if kind == "c":
        raise TableError(f"{what}: holds complex numbers; needs real numbers, such as {what}.real")
    if kind in "mM":
        raise TableError(
            f"{what}: holds {array.dtype}; an array needs numbers: pass a DataFrame, whose dates are encoded"
        )
    if kind == "V":
        raise TableError(f"{what}: is a structured array; needs one of numbers, or a table: pandas.DataFrame({what})")
    try:
        return array.astype(np.float64)
    except CONVERSION_ERRORS as error:
        values = array.ravel().tolist()
        if any(isinstance(value, Mapping) for value in values):
            raise TableError(
                f"{what}: holds dicts; needs a list of dicts, or a DataFrame (Polars: series.struct.unnest())"
            ) from error
        try:
            floats = [np.nan if is_missing(value) else float(value) for value in values]
        except CONVERSION_ERRORS:
            raise TableError(
                f"{what}: is not an array of numbers ({_find_word(values) or _first_line(error)}); needs rows of equal "
                "length, or a DataFrame, which may hold words"
            ) from error
        return np.array(floats).reshape(array.shape)


def _find_word(values: list[Any]) -> str:
    """Name the first word that cannot be read as a number; empty if there is none."""
    for value in values:
        if isinstance(value, str) and not is_missing(value):
            try:
                float(value)
            except ValueError:
                return f"it holds {shorten_text(value, 40)!r}"
    return ""


def _advise_shape(array: NDArray[Any], what: str, columns: int | None) -> str:
    """Return the end of the message about an array that does not have two dimensions."""
    if array.ndim != 1:
        return f": {what}.reshape(len({what}), -1)" if array.ndim > 2 else ""
    row, column = f"for one row, {what}.reshape(1, -1)", f"for one column, {what}.reshape(-1, 1)"
    if columns is None:
        return f": {row}; {column}"
    if columns == 1 and len(array) != 1:
        return f": {column}"
    return f": {row}" if columns == len(array) else f" with {columns} columns: {row}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
