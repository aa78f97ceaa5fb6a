"""Piecewise-linear codes of numbers: bins between edges, and how far through each bin a number has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.table.encoders.quantiles import quantiles

__all__ = ["MAX_BINS", "Bins", "JoinedBins", "are_edges", "clean_edges", "fit_quantile_edges", "has_many_values"]

MAX_BINS = 1024

# Fewer distinct values than this need no bins: a network tells so few apart by the number alone.
MIN_DISTINCT = 8

# A bin narrower than this share of the median bin would tell apart what differs by rounding only.
MIN_WIDTH = 1e-6

# The distance between two numbers can overflow; so beyond this range, all are divided by four.
LARGE = 2.0**1000

# The codes of 1,024 rows stay in the second-level cache.
ROWS_AT_ONCE = 1024


def fit_quantile_edges(
    values: NDArray[np.float64], bins: int, weights: NDArray[np.float64] | None = None
) -> tuple[float, ...]:
    """Return the edges of bins that hold equal shares of the rows; none for fewer than eight distinct values.

    A value that is several quantiles, because very many rows have it, is one edge; the bins that this saves hold equal
    shares of the rows with other values.

    Parameters
    ----------
    values : (n,) array
        Finite numbers.
    bins : int
        The largest number of bins.
    weights : (n,) array, optional
        How many rows each row counts for; each above 0.

    Examples
    --------
    >>> fit_quantile_edges(np.arange(9.0), 4)
    (0.0, 2.0, 4.0, 6.0, 8.0)
    >>> fit_quantile_edges(np.array([0.0, 1.0] * 10), 4)
    ()

    """
    if not has_many_values(values):
        return ()
    edges, counts = np.unique(quantiles(values, np.arange(bins + 1) / bins, weights), return_counts=True)
    spare = bins + 1 - len(edges)
    if spare:
        others = ~np.isin(values, edges[counts > 1])
        if others.any():
            shares = np.arange(1, spare + 1) / (spare + 1)
            more = quantiles(values[others], shares, None if weights is None else weights[others])
            edges = np.concatenate([edges, more])
    return clean_edges(edges)


def has_many_values(values: NDArray[np.float64]) -> bool:
    """Whether there are enough distinct values for bins."""
    if len(np.unique(values[:ROWS_AT_ONCE])) >= MIN_DISTINCT:  # nearly always, and much faster than all
        return True
    return len(np.unique(values)) >= MIN_DISTINCT


def clean_edges(edges: NDArray[np.float64]) -> tuple[float, ...]:
    """Return sorted edges without those that repeat or nearly repeat the edge before; none if no bin is left.

    Examples
    --------
    >>> clean_edges(np.array([0.0, 0.0, 0.3, 0.1 + 0.2, 0.6, 1.0]))
    (0.0, 0.3, 0.6, 1.0)

    """
    edges = np.unique(edges)
    widths = _widths(edges)
    widths = widths[widths > 0]
    if len(widths) == 0:
        return ()
    narrow = MIN_WIDTH * float(np.sort(widths)[len(widths) // 2])
    scaled = (edges * _size(edges)).tolist()
    kept = [0]
    for i in range(1, len(edges)):
        if scaled[i] - scaled[kept[-1]] > narrow:
            kept.append(i)
    if len(kept) > 1:
        kept[-1] = len(edges) - 1  # the last bin reaches the largest value
    return tuple(edges[kept].tolist()) if len(kept) > 1 else ()


def are_edges(edges: Sequence[float]) -> bool:
    """Whether there are no edges, or those of at least one bin and at most `MAX_BINS`, in ascending order."""
    if not edges:
        return True
    return 2 <= len(edges) <= MAX_BINS + 1 and bool((_widths(np.array(edges)) > 0).all())


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Bins between edges, ready to encode numbers.

    Attributes
    ----------
    lower, widths : (bins,) arrays of float64
        The lower edge and the width of each, times `size`.
    size : float

    """

    lower: NDArray[np.float64]
    widths: NDArray[np.float64]
    size: float

    @classmethod
    def between(cls, edges: Sequence[float]) -> Self:
        """Return the bins between edges in ascending order."""
        array = np.array(edges, dtype=np.float64)
        size = _size(array)
        return cls(array[:-1] * size, _widths(array), size)

    def write(self, values: NDArray[np.float64], out: NDArray[np.floating[Any]]) -> None:
        """Write how far through each bin each number has come: 0 below the bin, 1 above it, a fraction within it.

        Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features in tabular deep learning", NeurIPS
        (arXiv 2203.05556), equation 1; but the first and the last bin end at 0 and 1, too, so that no code is far from
        the others.

        Parameters
        ----------
        values : (n,) array
            Finite numbers.
        out : (n, bins) array

        Examples
        --------
        >>> out = np.empty((3, 2))
        >>> Bins.between([0.0, 2.0, 6.0]).write(np.array([-5.0, 1.0, 3.0]), out)
        >>> out.tolist()
        [[0.0, 0.0], [0.5, 0.0], [1.0, 0.25]]

        """
        for begin in range(0, len(values), ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            with np.errstate(over="ignore"):  # far beyond the edges: 0 or 1 all the same
                codes = (values[rows] * self.size)[:, np.newaxis] - self.lower
                codes /= self.widths
            np.maximum(codes, 0.0, out=codes)
            np.minimum(codes, 1.0, out=codes)
            out[rows] = codes


@dataclass(frozen=True, slots=True, eq=False)
class JoinedBins:
    """The bins of many columns, for few rows: one operation on all of them, with the bits of `Bins.write`.

    Attributes
    ----------
    column, position : (b,) arrays of int
        The index of the column of each bin, and the position of its code among the inputs of the table.
    lower, widths, size : (b, 1) arrays of float64
        As for `Bins`.

    """

    column: NDArray[np.int64]
    position: NDArray[np.int64]
    lower: NDArray[np.float64]
    widths: NDArray[np.float64]
    size: NDArray[np.float64]

    @classmethod
    def of(cls, bins: Sequence[Bins], columns: Sequence[int], positions: Sequence[int]) -> Self:
        """Join the bins of the columns with these indices, whose first codes have these positions."""
        counts = [len(each.lower) for each in bins]
        first = np.repeat(np.array(positions) - np.cumsum(counts) + counts, counts)
        return cls(
            np.repeat(np.array(columns), counts),
            first + np.arange(sum(counts)),
            np.concatenate([each.lower for each in bins])[:, np.newaxis],
            np.concatenate([each.widths for each in bins])[:, np.newaxis],
            np.repeat(np.array([each.size for each in bins]), counts)[:, np.newaxis],
        )

    def write(self, values: NDArray[np.float64], is_gap: NDArray[np.bool_], out: NDArray[np.floating[Any]]) -> None:
        """Write the codes of all columns, 0 in gaps.

        Parameters
        ----------
        values : (columns, n) array
            Finite numbers.
        is_gap : (columns, n) array of bool
        out : (n, inputs of the table) array

        """
        codes = values[self.column]
        with np.errstate(over="ignore"):  # far beyond the edges: 0 or 1 all the same
            codes *= self.size
            codes -= self.lower
            codes /= self.widths
        np.maximum(codes, 0.0, out=codes)
        np.minimum(codes, 1.0, out=codes)
        if is_gap.any():
            codes[is_gap[self.column]] = 0.0
        out[:, self.position] = codes.T


def _size(edges: NDArray[np.float64]) -> float:
    return 0.25 if edges[-1] / 2 - edges[0] / 2 > LARGE else 1.0


def _widths(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diff(edges * _size(edges))
