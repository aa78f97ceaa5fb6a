"""Edges of bins chosen by the labels: the thresholds of a decision tree that sees one column.

Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features in tabular deep learning", NeurIPS (arXiv
2203.05556), section 3.2.2. The tree is that of Breiman, Friedman, Olshen & Stone 1984, "Classification and Regression
Trees", grown best first.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.table.encoders.bins import clean_edges, has_many_values
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.quantiles import quantiles

__all__ = ["BinTarget", "fit_tree_edges"]

# Thresholds are sought among this many cells of neighbouring values: all values, if there are no more.
MAX_CELLS = 1024

# The impurity that a split must take away, weighted by the share of the rows that it splits.
MIN_DECREASE = 1e-4

# The fewest rows of a leaf, in long and in short tables.
MIN_LEAF, MIN_SHORT_LEAF = 64, 32

# More classes than these count as one, the rarest.
MAX_CLASSES = 64


@dataclass(frozen=True, slots=True, eq=False)
class BinTarget:
    """The labels of the training rows, as the tree needs them.

    Attributes
    ----------
    classes : (n,) array of int, or None
        The class number of each row.
    numbers : tuple of (n,) arrays of float64
        For regression, each label, with mean 0 and standard deviation 1.
    n_classes : int

    """

    classes: NDArray[np.int64] | None
    numbers: tuple[NDArray[np.float64], ...] = ()
    n_classes: int = 0

    @classmethod
    def of_classes(cls, classes: NDArray[np.integer[Any]], weights: NDArray[np.float64] | None = None) -> Self:
        """Return the target of class numbers, (n,); beyond 64 classes, the rarest are one."""
        numbers = classes.astype(np.int64)
        counts = np.bincount(numbers, weights)
        if len(counts) > MAX_CLASSES:
            rank = np.empty(len(counts), dtype=np.int64)
            rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
            numbers = np.minimum(rank, MAX_CLASSES - 1)[numbers]
        return cls(numbers, (), min(len(counts), MAX_CLASSES))

    @classmethod
    def of_numbers(cls, y: NDArray[Any], weights: NDArray[np.float64] | None = None) -> Self:
        """Return the target of number labels, (n,) or (n, k)."""
        y = y.astype(np.float64).reshape(len(y), -1)
        mean, deviation = compute_moments(y, weights)
        return cls(None, tuple(np.ascontiguousarray(column) for column in ((y - mean) / deviation).T))

    def select(self, rows: NDArray[np.bool_]) -> Self:
        """Return the target of some of the rows."""
        classes = None if self.classes is None else self.classes[rows]
        return type(self)(classes, tuple(column[rows] for column in self.numbers), self.n_classes)

    @property
    def unit(self) -> float:
        """The impurity of a sum of squares per row: the Gini impurity of classes, the mean variance of labels."""
        return 1.0 if self.classes is not None else 1 / len(self.numbers)

    def sum_cells(
        self, cells: NDArray[np.int64], n_cells: int, weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the sum of each label, or the count of each class, in each cell: (k, cells)."""
        if self.classes is not None:
            index = self.classes * n_cells + cells
            counts = np.bincount(index, weights, self.n_classes * n_cells)
            return np.asarray(counts.reshape(self.n_classes, n_cells), dtype=np.float64)
        sums = [np.bincount(cells, n if weights is None else n * weights, n_cells) for n in self.numbers]
        return np.array(sums)


def fit_tree_edges(
    values: NDArray[np.float64], bins: int, target: BinTarget, weights: NDArray[np.float64] | None = None
) -> tuple[float, ...]:
    """Return the smallest value, the thresholds of a decision tree, and the largest value, as the edges of bins.

    A leaf holds at least 64 rows; in short tables 1 / (2 · bins) of all rows, but at least 32. Each split takes
    away at least 0.0001 of the Gini impurity of the classes, or of the variance of the labels.

    Parameters
    ----------
    values : (n,) array
        Finite numbers.
    bins : int
        The largest number of leaves.
    target : BinTarget
        The labels of these rows.
    weights : (n,) array, optional
        How many rows each row counts for; each above 0.

    Returns
    -------
    tuple of float
        Empty for fewer than eight distinct values, and for a tree that splits nowhere.

    Examples
    --------
    >>> values = np.arange(100.0)
    >>> fit_tree_edges(values, 4, BinTarget.of_classes(values > 60))
    (0.0, 60.5, 99.0)

    """
    if not has_many_values(values):
        return ()
    thresholds = _candidates(values, weights)
    cells = np.searchsorted(thresholds, values, side="left")  # a value at a threshold is below it
    n_cells = len(thresholds) + 1
    sums = target.sum_cells(cells, n_cells, weights)
    rows = np.bincount(cells, weights, n_cells).astype(np.float64)
    n_rows = max(float(rows.sum()), float(len(values)))  # weights may add up to 1
    smallest = min(MIN_LEAF, max(MIN_SHORT_LEAF, n_rows // (2 * bins))) / n_rows
    chosen = _grow(sums, rows, bins, smallest * float(rows.sum()), MIN_DECREASE / target.unit * float(rows.sum()))
    if not chosen:
        return ()
    return clean_edges(np.array([values.min(), *thresholds[sorted(chosen)].tolist(), values.max()]) + 0.0)


def _candidates(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the thresholds between cells: the middles between distinct values, or quantiles if those are too many."""
    distinct = np.unique(values)
    if len(distinct) <= MAX_CELLS:
        lower, upper = distinct[:-1], distinct[1:]
        middle = lower / 2 + upper / 2
        return np.asarray(np.where(middle < upper, np.maximum(middle, lower), lower))
    found = np.unique(quantiles(values, np.arange(1, MAX_CELLS) / MAX_CELLS, weights))
    return np.asarray(found[found < distinct[-1]])


def _grow(
    sums: NDArray[np.float64], rows: NDArray[np.float64], leaves: int, min_rows: float, min_gain: float
) -> list[int]:
    """Return the thresholds of a tree that splits, best first, where the sum of squares decreases most.

    Threshold i lies between the cells i and i + 1.

    Parameters
    ----------
    sums : (k, cells) array
        The sum of each label in each cell.
    rows : (cells,) array
    leaves : int
    min_rows : float
        The fewest rows on either side of a split.
    min_gain : float
        The least decrease of the sum of squares.

    """
    # below[i] is the sum over the cells before i.
    below = np.zeros((len(sums), sums.shape[1] + 1))
    np.cumsum(sums, axis=1, out=below[:, 1:])
    rows_below = np.concatenate([[0.0], np.cumsum(rows)])
    found: list[int] = []
    waiting: list[tuple[float, int, int, int]] = []

    def consider(begin: int, end: int) -> None:
        """Find the best split of the cells from `begin` to before `end`."""
        # Only splits that leave enough rows on either side.
        left_rows = rows_below[begin + 1 : end] - rows_below[begin]
        right_rows = rows_below[end] - rows_below[begin + 1 : end]
        first = int(np.searchsorted(left_rows, min_rows))
        last = int(np.searchsorted(-right_rows, -min_rows, side="right"))
        if first >= last:
            return
        left_rows, right_rows = left_rows[first:last], right_rows[first:last]
        begun = below[:, begin + 1 + first : begin + 1 + last]
        left, right = begun - below[:, begin, np.newaxis], below[:, end, np.newaxis] - begun
        # The decrease, without the difference of large numbers: a weighted square of the difference of means.
        terms = (left * right_rows - right * left_rows) ** 2
        gain = terms[0]
        for term in terms[1:]:  # one after the other, so that the sum has the same bits everywhere
            gain = gain + term
        weight = left_rows * right_rows * (rows_below[end] - rows_below[begin])
        gain /= np.where(weight > 0.0, weight, 1.0)  # tiny weights may underflow
        best = int(np.argmax(gain))
        if gain[best] >= min_gain:
            heappush(waiting, (-float(gain[best]), begin, begin + 1 + first + best, end))

    consider(0, len(rows))
    while waiting and len(found) < leaves - 1:
        _, begin, middle, end = heappop(waiting)
        found.append(middle - 1)
        consider(begin, middle)
        consider(middle, end)
    return found
