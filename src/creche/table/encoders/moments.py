"""Mean and standard deviation of columns, with the same bits on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["compute_moments"]

BLOCK_ROWS = 8192


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
    # Dividing by powers of two near the largest values keeps squares from overflowing, and loses no bit.
    _, exponent = np.frexp(np.maximum(-low, high).astype(np.float64))
    size = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
    rows = len(x) if isinstance(x, np.ndarray) else len(x[0])
    total = rows if weights is None else float(weights.sum())

    def sum_rows(measure: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        sums = np.zeros(len(low))
        for begin in range(0, rows, BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            part = measure(_read_rows(x, block))
            if weights is not None:
                part = part * weights[block, np.newaxis]
            # NumPy sums a single column pairwise, but several row by row: so a single one is summed twice, as two.
            sums += part.sum(axis=0) if part.shape[1] > 1 else np.hstack([part, part]).sum(axis=0)[:1]
        return sums

    mean = sum_rows(lambda part: part / size) / total
    variance = sum_rows(lambda part: (part / size - mean) ** 2) / total
    # The computed deviation of a constant column is a rounding error, not always 0.
    return mean * size, np.where(low == high, np.inf, np.sqrt(variance) * size)


def _read_rows(x: NDArray[np.floating[Any]] | Sequence[NDArray[np.floating[Any]]], rows: slice) -> NDArray[np.float64]:
    """Return some rows as float64, (rows, d), in C order."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x[rows], dtype=np.float64)
    out = np.empty((len(x[0][rows]), len(x)))
    for i, column in enumerate(x):
        out[:, i] = column[rows]
    return out
