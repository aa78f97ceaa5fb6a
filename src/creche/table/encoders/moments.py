"""Mean and standard deviation of columns, with the same bits on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK_ROWS", "compute_moments", "compute_present_moments"]

BLOCK_ROWS = 8192

Measure: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def compute_moments(
    x: NDArray[np.floating[Any]] | Sequence[NDArray[np.floating[Any]]], weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation of each column.

    Sums run down the rows in order, in blocks: so a large table is never copied whole, and the bits do not depend on
    the memory layout, the other columns or the machine.

    Parameters
    ----------
    x : (n, d) array, or sequence of d arrays (n,)
    weights : (n,) array, optional
        How many rows each row counts for; rows of weight 0 are left out.

    Returns
    -------
    mean, deviation : (d,) arrays of float64
        The deviation of a constant column is infinite.

    Examples
    --------
    >>> mean, deviation = compute_moments(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> mean.tolist(), deviation.tolist()
    ([2.0, 5.0], [1.0, inf])

    """
    if weights is not None and not weights.all():
        positive = weights > 0
        x, weights = x[positive] if isinstance(x, np.ndarray) else [c[positive] for c in x], weights[positive]
    if isinstance(x, np.ndarray):
        low, high = x.min(axis=0), x.max(axis=0)
    else:
        low, high = np.array([column.min() for column in x]), np.array([column.max() for column in x])
    rows = len(x) if isinstance(x, np.ndarray) else len(x[0])
    total = rows if weights is None else float(weights.sum())

    def sum_rows(measure: Measure) -> NDArray[np.float64]:
        sums = np.zeros(len(low))
        for begin in range(0, rows, BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            part = measure(_read_rows(x, block))
            if weights is not None:
                part = part * weights[block, np.newaxis]
            sums += _sum_down(part)
        return sums

    return _finish(low, high, total, sum_rows)


def compute_present_moments(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation of the values of each column that are not NaN.

    The bits are those of `compute_moments` of these values alone: a term of 0 changes no sum.

    Parameters
    ----------
    x : (n, d) array
        At most `BLOCK_ROWS` rows; each column has a value.

    """
    x = np.ascontiguousarray(x)  # the order of sums must not depend on the memory layout
    missing = np.isnan(x)
    low, high = np.where(missing, np.inf, x).min(axis=0), np.where(missing, -np.inf, x).max(axis=0)
    total = len(x) - missing.sum(axis=0)
    return _finish(low, high, total, lambda measure: np.zeros(len(low)) + _sum_down(np.where(missing, 0, measure(x))))


def _finish(
    low: NDArray[Any],
    high: NDArray[Any],
    total: float | NDArray[np.int64],
    sum_rows: Callable[[Measure], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation of columns with these extremes, given the sum of a measure over their rows."""
    # Dividing by powers of two near the largest values keeps squares from overflowing, and loses no bit.
    _, exponent = np.frexp(np.maximum(-low, high).astype(np.float64))
    size = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
    mean = sum_rows(lambda part: part / size) / total
    variance = sum_rows(lambda part: (part / size - mean) ** 2) / total
    # The computed deviation of a constant column is a rounding error, not always 0.
    return mean * size, np.where(low == high, np.inf, np.sqrt(variance) * size)


def _sum_down(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of each column of an array in C order, added row by row."""
    # NumPy sums a single column pairwise, but several row by row: so a single one is summed twice, as two.
    return np.asarray(part.sum(axis=0) if part.shape[1] > 1 else np.hstack([part, part]).sum(axis=0)[:1])


def _read_rows(x: NDArray[np.floating[Any]] | Sequence[NDArray[np.floating[Any]]], rows: slice) -> NDArray[np.float64]:
    """Return some rows as float64, (rows, d), in C order."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x[rows], dtype=np.float64)
    out = np.empty((len(x[0][rows]), len(x)))
    for i, column in enumerate(x):
        out[:, i] = column[rows]
    return out
