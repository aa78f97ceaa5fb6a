"""Matrix scaling: which classes are taken for which, of many, and how the probabilities make up for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import exp, log, multiply, sum_rows
from creche.fitting.fold_tables import Judged
from creche.fitting.lbfgs import minimize_convex
from creche.model.calibration import centered_logits

__all__ = ["fit_matrix", "thin_out"]

Array = NDArray[np.float64]

MIN_CLASSES, MAX_CLASSES = 5, 100
MIN_ROWS = 300
# More rows are thinned out evenly, so that it takes about a second at most.
MAX_ROWS, MAX_PROBABILITIES = 2**14, 2**18
BLOCK_PROBABILITIES = 2**14  # as many as the caches hold with all that is computed of them

# Weights of the ridge, times classes / rows: on the diagonal and the offsets, and elsewhere.
RIDGES = ((0.3, 3.0), (0.1, 1.0))
MAX_PIECES = 5
# A matrix must gain more than this many standard errors of its gain, and more than this share of the loss.
STANDARD_ERRORS, LEAST_GAIN = 0.5, 0.001
EVALUATIONS = 50
TOLERANCE = 1e-6

# In these units, logits are integers up to 2^16, entries of a matrix below 2^29 and residuals up to 2^22, so that all
# sums of products over up to 101 classes or 2^14 rows are integers up to 2^53.
LOGIT_UNIT, MATRIX_UNIT, RESIDUAL_UNIT = 2.0**-10, 2.0**-24, 2.0**-22
LARGEST_LOGIT, LARGEST_ENTRY = 64.0, 31.0


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of probabilities, in blocks.

    A product of matrices by the system's library has no fixed order of sums, so that its last bits differ from machine
    to machine. Here its operands are integers, small enough for every partial sum to be exact, in any order.

    Attributes
    ----------
    logits : list of (classes + 1, rows of a block) array
        In units; the last row is of ones, by which the offsets are multiplied.
    true : list of (rows of a block,) int array
    weights : list of (rows of a block,) array
        All sum to 1.

    """

    logits: list[Array]
    true: list[NDArray[np.int32]]
    weights: list[Array]

    @classmethod
    def of(cls, logits: Array, true: NDArray[np.int32], weights: Array) -> Self:
        """Cut logits, (n, classes), their true classes and weights into blocks."""
        ones = np.full((len(logits), 1), 1.0)
        units = np.rint(np.clip(np.hstack([logits, ones]), -LARGEST_LOGIT, LARGEST_LOGIT) / LOGIT_UNIT)
        size = max(1, BLOCK_PROBABILITIES // logits.shape[1])
        blocks = [slice(start, start + size) for start in range(0, len(logits), size)]
        weights = weights / float(sum_rows(weights))
        return cls(
            [np.ascontiguousarray(units[each].T) for each in blocks],
            [true[each] for each in blocks],
            [weights[each] for each in blocks],
        )

    def losses(self, matrix: Array) -> Array:
        """Return the log loss of each row times its weight, (n,), with this matrix, (classes + 1, classes)."""
        return self._pass(matrix, None)

    def loss_and_gradient(self, matrix: Array) -> tuple[float, Array]:
        """Return the mean log loss, and its gradient, (classes + 1, classes)."""
        gradient = np.zeros_like(matrix)
        losses = self._pass(matrix, gradient)
        return float(sum_rows(losses)), gradient

    def _pass(self, matrix: Array, gradient: Array | None) -> Array:
        matrix = np.rint(np.clip(matrix, -LARGEST_ENTRY, LARGEST_ENTRY) / MATRIX_UNIT)
        largest = max(float(weights.max()) for weights in self.weights)
        losses = []
        for logits, true, weights in zip(self.logits, self.true, self.weights, strict=True):
            places = np.arange(len(true))
            sums = (matrix.T @ logits) * (LOGIT_UNIT * MATRIX_UNIT)
            sums -= sums.max(axis=0)
            powers = exp(sums)
            totals = sum_rows(powers)
            losses.append((log(totals) - sums[true, places]) * weights)
            if gradient is not None:
                residuals = powers / totals
                residuals[true, places] -= 1.0
                gradient += logits @ np.rint(residuals * (weights / (largest * RESIDUAL_UNIT))).T
        if gradient is not None:
            gradient *= LOGIT_UNIT * RESIDUAL_UNIT * largest
        return np.concatenate(losses)


def thin_out(judged: Judged, limit: int) -> NDArray[np.int64]:
    """Return the places of the rows whose weight is above 0, or of as many as the limit at even distances."""
    places = np.flatnonzero(judged.weights > 0)
    count = min(len(places), limit)
    return places[np.arange(count) * len(places) // count]


def fit_matrix(predicted: Array, temperature: float, offsets: Array, judged: Judged) -> Array | None:
    """Return the matrix and, as its last row, the offsets with which the log loss is lowest; None if they do not help.

    The matrix, (classes + 1, classes), is applied to the centered logarithms of probabilities over the temperature. A
    ridge keeps it near the identity, by classes / rows, less so on the diagonal and for the offsets (Berta, Holzmüller,
    Jordan & Bach 2025, "Structured matrix scaling for multi-class calibration"). Cross-validation over the judged rows,
    in pieces that are about the folds, chooses between two ridges, and whether to have a matrix: its gain in log loss
    must be larger than half its standard error, and than a thousandth of the loss.

    Parameters
    ----------
    predicted : (n, classes) array
        Probabilities.
    temperature : float
    offsets : (classes,) array
        Those that are best without a matrix.
    judged : Judged

    """
    classes = predicted.shape[1]
    if not MIN_CLASSES <= classes <= MAX_CLASSES:
        return None
    chosen = thin_out(judged, min(MAX_ROWS, MAX_PROBABILITIES // classes))
    if len(chosen) < MIN_ROWS:
        return None
    assert judged.classes is not None
    offsets = offsets - float(sum_rows(offsets)) / classes
    logits = centered_logits(predicted[chosen], temperature) + offsets
    true, weights = judged.classes[chosen], judged.weights[chosen]
    ridge = _choose_ridge(logits, true, weights, _pieces(len(chosen), len(judged.fold_weights)))
    if ridge is None:
        return None
    fitted = _fit(_Rows.of(logits, true, weights), len(chosen), ridge, np.zeros((classes + 1, classes)))
    fitted = np.rint(_add_identity(fitted) / MATRIX_UNIT) * MATRIX_UNIT
    fitted[-1] += multiply(offsets[np.newaxis], fitted[:-1])[0]
    return fitted


def _pieces(count: int, folds: int) -> NDArray[np.int64]:
    """Return the number of the piece of each row: rows of one fold are neighbours, and stay together."""
    if folds == 1:
        return np.arange(count) % MAX_PIECES
    return np.arange(count) * min(folds, MAX_PIECES) // count


def _choose_ridge(
    logits: Array, true: NDArray[np.int32], weights: Array, pieces: NDArray[np.int64]
) -> tuple[float, float] | None:
    """Return the ridge with the largest gain less half its standard error, if that is above 0 and the gain worth it."""
    classes = logits.shape[1]
    identity = _add_identity(np.zeros((classes + 1, classes)))
    shares = weights / float(sum_rows(weights))
    fits = [np.zeros((classes + 1, classes))] * (int(pieces.max()) + 1)
    best, chosen = 0.0, None
    for ridge in RIDGES:
        gains, loss = np.full(len(logits), np.nan), 0.0
        for piece, fitted in enumerate(fits):
            held_out = pieces == piece
            train = _Rows.of(logits[~held_out], true[~held_out], weights[~held_out])
            fits[piece] = _fit(train, int((~held_out).sum()), ridge, fitted)
            rows = _Rows.of(logits[held_out], true[held_out], weights[held_out])
            before, share = rows.losses(identity), float(sum_rows(shares[held_out]))
            gains[held_out] = (before - rows.losses(_add_identity(fits[piece]))) * share
            loss += float(sum_rows(before)) * share
        gain = float(sum_rows(gains))
        variance = float(sum_rows(gains * gains)) - gain * gain / len(gains)
        surely = gain - STANDARD_ERRORS * float(np.sqrt(max(variance, 0.0)))
        if surely > best and gain > LEAST_GAIN * loss:
            best, chosen = surely, ridge
        if gain <= 0.0:  # with a weaker ridge it would only be more of a loss
            break
    return chosen


def _fit(rows: _Rows, count: int, ridge: tuple[float, float], start: Array) -> Array:
    """Return how the matrix with the lowest loss differs from the identity, (classes + 1, classes)."""
    shape = start.shape
    near, far = (each * shape[1] / count for each in ridge)
    penalties = np.full(shape, far)
    np.fill_diagonal(penalties, near)
    penalties[-1] = near

    def objective(flat: Array) -> tuple[float, Array]:
        difference = flat.reshape(shape)
        loss, gradient = rows.loss_and_gradient(_add_identity(difference))
        pulls = penalties * difference
        penalty = float(sum_rows((pulls * difference).ravel()))
        return loss + penalty, (gradient + 2.0 * pulls).ravel()

    return minimize_convex(objective, start.ravel(), EVALUATIONS, TOLERANCE).reshape(shape)


def _add_identity(difference: Array) -> Array:
    return np.eye(*difference.shape) + difference
