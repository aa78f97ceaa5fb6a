"""Numeric encoders of many columns together: fitted and applied to the bit as `NumericEncoder` does it for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.table.column_blocks import stack_values
from creche.table.encoders.bins import JoinedBins
from creche.table.encoders.moments import BLOCK_ROWS, compute_moments, compute_present_moments
from creche.table.encoders.numeric import NumericEncoder, clip_smoothly, fit_quantiles
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.encoders.tree_bins import BinTarget
from creche.table.table import Column

__all__ = ["NumericBlock", "fit_numbers"]

# Up to this number of rows, the bins of all columns are faster written at once than column by column.
FEW_ROWS = 32


def fit_numbers(
    names: Sequence[str],
    columns: Sequence[Column],
    preprocessing: Preprocessing,
    weights: NDArray[np.float64] | None = None,
    target: BinTarget | None = None,
) -> list[NumericEncoder]:
    """Fit an encoder to each column of numbers, as `NumericEncoder.fit` does.

    Parameters
    ----------
    names : sequence of str
    columns : sequence of Column
        The training rows, of kind number, whole or boolean.
    preprocessing : Preprocessing
    weights : (n,) array, optional
        How many rows each row counts for.
    target : BinTarget, optional
        The labels of the rows, for bins whose edges depend on them.

    Raises
    ------
    TableError
        If a number is infinite.

    """
    values = [column.values.astype(np.float64, copy=False) for column in columns]
    if not values or len(values[0]) > BLOCK_ROWS or preprocessing.numeric_encoding != "plain":
        return _fit_long(names, columns, preprocessing, weights, target)
    fitted: list[NumericEncoder | None] = [None] * len(columns)
    by_rank, extends = preprocessing.scaling in ("robust", "quantile"), not preprocessing.only_scales_numbers
    for which, matrix in stack_values(values):
        missing = np.isnan(matrix)
        marked = missing.any(axis=1)
        # Those with weights and gaps, which each have a sum of weights of their own, are left to `fit`.
        together = ~np.isinf(matrix).any(axis=1) & (~marked if weights is not None else ~missing.all(axis=1))
        if not together.any():
            continue
        which, matrix, marked = which[together], matrix[together], marked[together]
        if weights is None:
            mean, deviation = compute_present_moments(matrix.T)
        else:
            mean, deviation = compute_moments(matrix.T, weights)
        quartiles = references = None
        if weights is None and not marked.all():
            quartiles, references = fit_quantiles(matrix[~marked], preprocessing.scaling)
        row = np.cumsum(~marked) - 1
        for k, (i, *moments) in enumerate(zip(which.tolist(), mean.tolist(), deviation.tolist(), strict=True)):
            if (by_rank and (marked[k] or quartiles is None)) or (extends and (marked[k] or weights is not None)):
                fitted[i] = NumericEncoder.fit(names[i], columns[i], preprocessing, weights, (moments[0], moments[1]))
                continue
            of_column = None if quartiles is None else quartiles[row[k]]
            encoder = NumericEncoder.from_statistics(
                names[i],
                "boolean" if columns[i].kind == "boolean" else "number",
                preprocessing.scaling,
                moments[0],
                moments[1],
                bool(marked[k]),
                of_column,
                None if references is None else references[row[k]],
            )
            if extends and not encoder.is_constant:
                encoder = encoder.extend(matrix[k], preprocessing, quartiles=of_column)
            fitted[i] = encoder
    return [
        NumericEncoder.fit(name, column, preprocessing, weights) if encoder is None else encoder
        for name, column, encoder in zip(names, columns, fitted, strict=True)
    ]


def _fit_long(
    names: Sequence[str],
    columns: Sequence[Column],
    preprocessing: Preprocessing,
    weights: NDArray[np.float64] | None,
    target: BinTarget | None,
) -> list[NumericEncoder]:
    """Fit encoders to columns that are long, or not only scaled: only moments, without gaps, are computed together."""
    complete = [i for i, column in enumerate(columns) if np.isfinite(column.values).all()]
    moments: dict[int, tuple[float, float]] = {}
    if complete:
        mean, deviation = compute_moments([columns[i].values for i in complete], weights)
        moments = dict(zip(complete, zip(mean.tolist(), deviation.tolist(), strict=True), strict=True))
    return [
        NumericEncoder.fit(name, column, preprocessing, weights, moments.get(i), target)
        for i, (name, column) in enumerate(zip(names, columns, strict=True))
    ]


@dataclass(frozen=True, slots=True, eq=False)
class NumericBlock:
    """The numeric encoders of a table that shift and scale, as arrays.

    Attributes
    ----------
    indices : tuple of int
        The index of each among the encoders of the table.
    encoders : tuple of NumericEncoder
    positions : (k,) array of int
        The position of the first input of each.
    center, scale, fill : (k,) arrays
    marked, clipped, binned : (k,) arrays of bool
    bins : JoinedBins or None
        The bins of all of them.

    """

    indices: tuple[int, ...]
    encoders: tuple[NumericEncoder, ...]
    positions: NDArray[np.int64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    fill: NDArray[np.float64]
    marked: NDArray[np.bool_]
    clipped: NDArray[np.bool_]
    binned: NDArray[np.bool_]
    bins: JoinedBins | None

    @classmethod
    def of(cls, encoders: Sequence[Any], positions: Sequence[int]) -> Self:
        """Return the block of those of the encoders, whose first inputs have these positions, that shift and scale."""
        indices = tuple(i for i, e in enumerate(encoders) if isinstance(e, NumericEncoder) and not e.references)
        numbers: tuple[NumericEncoder, ...] = tuple(encoders[i] for i in indices)
        return cls(
            indices,
            numbers,
            np.array([positions[i] for i in indices], dtype=np.int64),
            np.array([encoder.center for encoder in numbers]),
            np.array([encoder.scale for encoder in numbers]),
            np.array([encoder.fill for encoder in numbers]),
            np.array([encoder.marked for encoder in numbers], dtype=np.bool_),
            np.array([encoder.clipped for encoder in numbers], dtype=np.bool_),
            np.array([bool(encoder.edges) for encoder in numbers], dtype=np.bool_),
            _join_bins(numbers, [positions[i] for i in indices]),
        )

    def write(self, arrays: Sequence[NDArray[Any]], out: NDArray[Any]) -> bool:
        """Write the inputs of some rows into `out`, (rows, inputs of the table).

        Parameters
        ----------
        arrays : sequence of (rows,) arrays
            The numbers of each column, NaN where missing.
        out : (rows, inputs of the table) array

        Returns
        -------
        bool
            Whether all numbers are finite; if not, the inputs are useless.

        """
        joined = self.bins if len(out) <= FEW_ROWS else None
        if joined is not None:
            filled = np.empty((len(arrays), len(out)))
            is_gap = np.zeros(filled.shape, dtype=np.bool_)
        for which, matrix in stack_values(arrays):
            values = matrix.astype(np.float64, copy=False)
            if np.isinf(values).any():
                return False
            missing = np.isnan(values)
            marked = self.marked[which]
            positions = self.positions[which]
            if marked.any():
                ends = [int(positions[k]) + self.encoders[which[k]].width for k in np.flatnonzero(marked).tolist()]
                out[:, np.array(ends) - 1] = missing[marked].T
            if missing.any():
                values = np.where(missing, self.fill[which, np.newaxis], values)
            scaled = (values - self.center[which, np.newaxis]) / self.scale[which, np.newaxis]
            clipped = self.clipped[which]
            if clipped.all():
                scaled = clip_smoothly(scaled)
            elif clipped.any():
                scaled[clipped] = clip_smoothly(scaled[clipped])
            first, last = int(positions[0]), int(positions[-1])
            out[:, slice(first, last + 1) if last - first == len(positions) - 1 else positions] = scaled.T
            if joined is not None:
                filled[which] = values
                is_gap[which] = missing & marked[:, np.newaxis]
                continue
            for k in np.flatnonzero(self.binned[which]).tolist():
                encoder, begin = self.encoders[which[k]], int(positions[k])
                encoder.write_bins(values[k], missing[k], out[:, begin : begin + encoder.width])
        if joined is not None:
            joined.write(filled, is_gap, out)
        return True


def _join_bins(encoders: Sequence[NumericEncoder], positions: Sequence[int]) -> JoinedBins | None:
    """Return the bins of encoders whose first inputs have these positions; None if there are none."""
    binned = [(each.bins, k, positions[k] + 1) for k, each in enumerate(encoders)]
    found = [(bins, k, position) for bins, k, position in binned if bins is not None]
    if not found:
        return None
    bins, columns, begins = zip(*found, strict=True)
    return JoinedBins.of(bins, columns, begins)
