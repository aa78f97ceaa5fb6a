"""The calibration of the averaged out-of-fold probabilities: the temperature, and the matrix of many classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.ordered_math import exp, log, minimize, sum_rows
from creche.fitting.fold_tables import Judged
from creche.fitting.matrix_scaling import fit_matrix
from creche.model.calibration import Calibration

__all__ = ["fit_calibration", "fit_temperature"]

Array = NDArray[np.float64]

# With fewer rows, a temperature fitted to them is mostly chance.
MIN_ROWS = 300
LOWEST, HIGHEST = 0.4, 2.5
SMALLEST_PROBABILITY = 1e-12


def fit_calibration(predicted: Array, judged: Judged, mix: float, shares: tuple[float, ...]) -> Calibration:
    """Return the calibration with which the log loss of probabilities, (n, classes), is lowest.

    Parameters
    ----------
    predicted : (n, classes) array
    judged : Judged
    mix, shares
        As for `Calibration`.

    """
    temperature = fit_temperature(predicted, judged)
    fitted = fit_matrix(predicted, temperature, judged)
    if fitted is None:
        return Calibration(temperature, mix, shares)
    rows = [tuple(row) for row in fitted.tolist()]
    return Calibration(temperature, mix, shares, matrix=tuple(rows[:-1]), offsets=rows[-1])


def fit_temperature(predicted: Array, judged: Judged) -> float:
    """Return the temperature at which the log loss of probabilities, (n, classes), is lowest; 1 for few rows.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2; the minimum is found by golden-section
    search.
    """
    if len(judged) < MIN_ROWS:
        return 1.0
    assert judged.classes is not None
    logits = log(np.maximum(predicted, SMALLEST_PROBABILITY))
    rows = np.arange(len(judged))

    def loss(log_temperature: float) -> float:
        scaled = logits / float(exp(np.array([log_temperature]))[0])
        shifted = scaled - scaled.max(axis=1, keepdims=True)
        sums = sum_rows(exp(shifted).T)
        return float(sum_rows((log(sums) - shifted[rows, judged.classes]) * judged.weights))

    low, high = (float(log(np.array([bound]))[0]) for bound in (LOWEST, HIGHEST))
    return float(exp(np.array([minimize(loss, low, high, steps=30)]))[0])
