"""Columns as the rows of matrices: what is computed for each of many columns takes a few operations for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from creche.table.table import Column, LazyColumns

__all__ = ["NUMBER_KINDS", "BlockCounts", "count_values", "find_infinite", "stack_values"]

NUMBER_KINDS = ("number", "whole", "boolean")

# A matrix of this many values stays in the second-level cache; columns longer than that gain nothing from each other.
BLOCK_VALUES = 2**17

EXAMPLE_ROWS = 1000


class BlockCounts(NamedTuple):
    """What there is to know of the values of a column of numbers.

    Attributes
    ----------
    missing : int
    distinct : int or None
        The number of distinct values, missing ones not counted; None if the column is too long to be sorted.
    examples : list of float
        The first distinct values, by their bits, in the order of the rows.
    has_more : bool
        Whether there may be further distinct values.

    """

    missing: int
    distinct: int | None
    examples: list[float] | list[int]
    has_more: bool


def stack_values(arrays: Sequence[NDArray[Any]]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yield arrays of one length as the rows of matrices, some at a time: their indices, and the matrix.

    Arrays of one type share a matrix. A matrix of one row may be a view of the array.

    Examples
    --------
    >>> [(which.tolist(), matrix.tolist()) for which, matrix in stack_values([np.arange(2), np.ones(2), np.arange(2)])]
    [([0, 2], [[0, 1], [0, 1]]), ([1], [[1.0, 1.0]])]

    """
    if not len(arrays):
        return
    by_type: dict[np.dtype[Any], list[int]] = {}
    for i, array in enumerate(arrays):
        by_type.setdefault(array.dtype, []).append(i)
    rows = len(arrays[0])
    step = max(1, BLOCK_VALUES // max(1, rows))
    for indices in by_type.values():
        for begin in range(0, len(indices), step):
            some = indices[begin : begin + step]
            if len(some) == 1:
                yield np.array(some), arrays[some[0]].reshape(1, rows)
            else:
                yield np.array(some), np.concatenate([arrays[i] for i in some]).reshape(len(some), rows)


def find_infinite(columns: Mapping[str, Column]) -> set[str]:
    """Return the names of the columns that hold an infinite number."""
    if isinstance(columns, LazyColumns):
        return {name for name in columns if _has_infinite(columns[name].values)}
    floats = {name: column.values for name, column in columns.items() if column.values.dtype.kind == "f"}
    names = list(floats)
    blocks = stack_values(list(floats.values()))
    return {names[i] for which, matrix in blocks for i in which[np.isinf(matrix).any(axis=1)].tolist()}


def _has_infinite(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and bool(np.isinf(values).any())


def count_values(columns: Sequence[Column], examples: int, sorted_rows: int) -> list[BlockCounts]:
    """Count the values of columns of numbers of one length.

    Parameters
    ----------
    columns : sequence of Column
        Columns of kind number, whole or boolean.
    examples : int
        How many examples to find for each column.
    sorted_rows : int
        In columns with more rows than that, distinct values are not counted.

    """
    out: list[BlockCounts | None] = [None] * len(columns)
    for which, matrix in stack_values([column.values for column in columns]):
        is_float = matrix.dtype.kind == "f"
        missing = np.isnan(matrix) if is_float else np.zeros(matrix.shape, dtype=np.bool_)
        counts = missing.sum(axis=1)
        distinct: list[Any] = [None] * len(matrix)
        if matrix.shape[1] <= sorted_rows:
            distinct = _count_distinct(matrix, counts).tolist()
        found, n_found = _find_examples(matrix[:, :EXAMPLE_ROWS], missing[:, :EXAMPLE_ROWS], examples)
        parts = zip(which.tolist(), counts.tolist(), distinct, found.tolist(), n_found.tolist(), strict=True)
        for i, n_missing, n_distinct, values, n_values in parts:
            out[i] = BlockCounts(n_missing, n_distinct, values[:n_values], n_values == examples)
    return out  # type: ignore[return-value]


def _count_distinct(matrix: NDArray[Any], missing: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of distinct values of each row; NaN does not count."""
    if matrix.shape[1] == 0:
        return np.zeros(len(matrix), dtype=np.int64)
    ordered = np.sort(matrix, axis=1)  # NaN comes last
    changes = ordered[:, 1:] != ordered[:, :-1]
    # Each NaN differs from what is before it.
    distinct = 1 + changes.sum(axis=1) - np.where(missing < matrix.shape[1], missing, missing - 1)
    return np.asarray(np.where(missing < matrix.shape[1], distinct, 0))


def _find_examples(
    matrix: NDArray[Any], missing: NDArray[np.bool_], limit: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the first values of each row that differ in their bits, and how many there are."""
    bits = np.ascontiguousarray(matrix).view(f"i{matrix.dtype.itemsize}")
    rows = np.arange(len(matrix))
    left = ~missing
    found = np.zeros((len(matrix), limit), dtype=matrix.dtype)
    count = np.zeros(len(matrix), dtype=np.int64)
    for i in range(limit if matrix.shape[1] else 0):
        first = left.argmax(axis=1)
        exists = left[rows, first]
        found[exists, i] = matrix[rows, first][exists]
        count += exists
        left &= bits != bits[rows, first][:, np.newaxis]
    return found, count
