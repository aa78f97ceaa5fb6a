"""The calibration of the averaged out-of-fold probabilities: temperature, offsets, and the matrix of many classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import exp, log, minimize, sum_rows
from creche.fitting.fold_tables import Judged
from creche.fitting.lbfgs import minimize_convex
from creche.fitting.matrix_scaling import fit_matrix, thin_out
from creche.model.calibration import Calibration

__all__ = ["fit_calibration", "fit_offsets", "fit_temperature"]

Array = NDArray[np.float64]

# With fewer rows, a temperature fitted to them is partly chance: this many rows pull its logarithm towards 0, by the
# square.
MIN_ROWS, PRIOR_ROWS = 300, 10.0
LOWEST, HIGHEST = 0.4, 2.5
# In rows: the ridge of the offsets.
OFFSET_ROWS = 10.0
EVALUATIONS, TOLERANCE = 30, 1e-9
SMALLEST_PROBABILITY = 1e-12
# Of more probabilities, rows are left out evenly.
MAX_PROBABILITIES = 2**19


def fit_calibration(predicted: Array, judged: Judged, mix: float, shares: tuple[float, ...]) -> Calibration:
    """Return the calibration with which the log loss of probabilities, (n, classes), is lowest.

    Parameters
    ----------
    predicted : (n, classes) array
    judged : Judged
    mix, shares
        As for `Calibration`.

    """
    chosen = thin_out(judged, MAX_PROBABILITIES // predicted.shape[1])
    fewer = judged if len(chosen) == len(judged) else judged.take(chosen)
    temperature = fit_temperature(predicted[chosen], fewer)
    offsets = fit_offsets(predicted[chosen], temperature, fewer)
    fitted = fit_matrix(predicted, temperature, offsets, judged)
    if fitted is None:
        return Calibration(temperature, mix, shares, offsets=tuple(offsets.tolist()))
    matrix = tuple(tuple(row) for row in fitted[:-1].tolist())
    return Calibration(temperature, mix, shares, matrix=matrix, offsets=tuple(fitted[-1].tolist()))


def fit_temperature(predicted: Array, judged: Judged) -> float:
    """Return the temperature at which the log loss of probabilities, (n, classes), is lowest; nearer to 1 for few rows.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2; the minimum is found by golden-section
    search.
    """
    assert judged.classes is not None
    logits = log(np.maximum(predicted, SMALLEST_PROBABILITY))
    rows = np.arange(len(judged))
    pull = PRIOR_ROWS / len(judged) if len(judged) < MIN_ROWS else 0.0

    def loss(log_temperature: float) -> float:
        scaled = logits / float(exp(np.array([log_temperature]))[0])
        shifted = scaled - scaled.max(axis=1, keepdims=True)
        sums = sum_rows(exp(shifted).T)
        mean = float(sum_rows((log(sums) - shifted[rows, judged.classes]) * judged.weights))
        return mean + pull * log_temperature * log_temperature

    low, high = (float(log(np.array([bound]))[0]) for bound in (LOWEST, HIGHEST))
    return float(exp(np.array([minimize(loss, low, high, steps=30)]))[0])


def fit_offsets(predicted: Array, temperature: float, judged: Judged) -> Array:
    """Return the offsets to log probabilities over the temperature, (classes,), at which the log loss is lowest.

    They make up for classes that are predicted too rarely or too often (Platt 1999, "Probabilistic outputs for support
    vector machines and comparisons to regularized likelihood methods"). A ridge keeps them near 0.

    Parameters
    ----------
    predicted : (n, classes) array
    temperature : float
    judged : Judged

    """
    assert judged.classes is not None
    logits = log(np.maximum(predicted, SMALLEST_PROBABILITY)) / temperature
    rows = np.arange(len(judged))
    ridge = OFFSET_ROWS / len(judged)

    def objective(offsets: Array) -> tuple[float, Array]:
        scaled = logits + offsets
        shifted = scaled - scaled.max(axis=1, keepdims=True)
        powers = exp(shifted)
        sums = sum_rows(powers.T)
        loss = float(sum_rows((log(sums) - shifted[rows, judged.classes]) * judged.weights))
        residuals = powers / sums[:, np.newaxis]
        residuals[rows, judged.classes] -= 1.0
        gradient = sum_rows(residuals * judged.weights[:, np.newaxis])
        return loss + ridge * float(sum_rows(offsets * offsets)), gradient + 2.0 * ridge * offsets

    return minimize_convex(objective, np.zeros(predicted.shape[1]), EVALUATIONS, TOLERANCE)
