"""Resampling by the native engine: rows drawn with replacement, and sums and areas under many weightings of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche import _core

__all__ = ["Counts", "Ranking", "RowSampler", "Weights", "sum_all", "sum_groups", "sum_weighted"]

Array = NDArray[np.float64]
Counts = NDArray[np.uint8]
Weights = Array | Counts

LOW_HALF = 2**64 - 1


class RowSampler:
    """Draws rows with replacement: those that ``Generator(PCG64(seed)).integers(rows)`` of NumPy draws.

    Parameters
    ----------
    seed : int

    Examples
    --------
    >>> RowSampler(0).draw(4, 2).sum(axis=1).tolist()
    [4, 4]

    """

    def __init__(self, seed: int) -> None:
        words: Any = np.random.PCG64(seed).state["state"]
        halves = [half for name in ("state", "inc") for half in divmod(int(words[name]), LOW_HALF + 1)]
        self._sampler = _core.load().RowSampler(*halves)

    def draw(self, rows: int, resamples: int) -> Counts:
        """Return how often each row is drawn in each resample, (resamples, rows)."""
        return np.asarray(self._sampler.draw(rows, resamples)).T


class Ranking:
    """Rows in the order of their scores, for areas under the ROC curve.

    Parameters
    ----------
    scores : (n,) array
    positive : (n,) array of bool

    Examples
    --------
    >>> ranking = Ranking(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True]))
    >>> ranking.areas(np.ones((1, 4))).tolist()
    [0.875]

    """

    def __init__(self, scores: Array, positive: NDArray[np.bool_]) -> None:
        order = np.argsort(scores, kind="stable")
        self._order = order.astype(np.int32)
        self._positive = np.ascontiguousarray(positive[order], dtype=np.bool_)
        self._ends_tie = np.append(np.diff(scores[order]) > 0, True)

    def areas(self, weights: Weights) -> Array:
        """Return the area under each weighting of the rows, (r,) for (r, n) weights; NaN where a side is empty.

        It is the share of (positive, negative) pairs that the scores put in order, ties half (Mann & Whitney 1947).
        """
        return np.asarray(_core.load().areas(_by_rows(weights), self._order, self._positive, self._ends_tie))


def sum_all(weights: Weights) -> Array:
    """Return the sum of each weighting, (r,) for (r, n) weights.

    Examples
    --------
    >>> sum_all(np.array([[1.0, 2.0], [0.0, 1.0]])).tolist()
    [3.0, 1.0]

    """
    if weights.dtype == np.uint8:  # whose sums are exact in any order, and faster here
        return sum_groups(weights, np.zeros(weights.shape[1], dtype=np.int32), 1)[:, 0]
    return np.asarray(weights.sum(axis=1, dtype=np.float64))


def sum_groups(weights: Weights, groups: NDArray[np.integer[Any]], count: int, values: Array | None = None) -> Array:
    """Return the sum of the values of each group's rows under each weighting, (r, count).

    Parameters
    ----------
    weights : (r, n) array
        Numbers, or how often each row was drawn.
    groups : (n,) array of int
        The group of each row, from 0 to below `count`.
    count : int
    values : (n,) array, optional
        By default 1 each, for the sums of the weights.

    Examples
    --------
    >>> sum_groups(np.ones((1, 3)), np.array([0, 1, 1]), 2).tolist()
    [[1.0, 2.0]]

    """
    of_rows = None if values is None else np.ascontiguousarray(values, dtype=np.float64)
    numbers = np.ascontiguousarray(groups, dtype=np.int32)
    return np.asarray(_core.load().weighted_sums(_by_rows(weights), numbers, of_rows, count)).T


def sum_weighted(weights: Weights, values: Array) -> Array:
    """Return the weighted sums of the rows' values: (r,) of (n,) values, (r, k) of (n, k), for (r, n) weights.

    Examples
    --------
    >>> sum_weighted(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([10.0, 1.0])).tolist()
    [12.0, 1.0]

    """
    one = np.zeros(len(values), dtype=np.int32)
    if values.ndim == 1:
        return sum_groups(weights, one, 1, values)[:, 0]
    return np.hstack([sum_groups(weights, one, 1, column) for column in values.T])


def _by_rows(weights: Weights) -> Weights:
    """The weights of each row next to each other, (n, r), as the engine takes them."""
    if weights.dtype == np.uint8:
        return np.ascontiguousarray(weights.T, dtype=np.uint8)
    return np.ascontiguousarray(weights.T, dtype=np.float64)
