"""Calibration of the averaged out-of-fold probabilities: a temperature, and a little of the class shares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.ordered_math import exp, log, sum_rows
from creche.fitting.fold_tables import Judged

__all__ = ["fit_temperature", "soften"]

Array = NDArray[np.float64]

# With fewer rows, a temperature fitted to them is mostly chance.
MIN_ROWS = 300
LOWEST, HIGHEST = 0.4, 2.5
SMALLEST_PROBABILITY = 1e-12
GOLDEN = 0.6180339887498949


def fit_temperature(predicted: Array, judged: Judged) -> float:
    """Return the temperature at which the log loss of probabilities, (n, classes), is lowest; 1 for few rows.

    Guo et al. 2017, "On calibration of modern neural networks", section 4.2; the minimum is found by golden-section
    search (Kiefer 1953).
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
    return float(exp(np.array([_minimize(loss, low, high)]))[0])


def soften(probabilities: Array, temperature: float, mix: float, shares: Array) -> Array:
    """Return probabilities with a temperature, mixed with the class shares."""
    if temperature != 1.0:
        logits = log(np.maximum(probabilities, SMALLEST_PROBABILITY)) / temperature
        shifted = exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / sum_rows(shifted.T)[:, np.newaxis]
    return np.asarray(probabilities * (1.0 - mix) + mix * shares)


def _minimize(function: Callable[[float], float], low: float, high: float, steps: int = 30) -> float:
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    left_value, right_value = function(left), function(right)
    for _ in range(steps):
        if left_value <= right_value:
            high, right, right_value = right, left, left_value
            left = high - GOLDEN * (high - low)
            left_value = function(left)
        else:
            low, left, left_value = left, right, right_value
            right = low + GOLDEN * (high - low)
            right_value = function(right)
    return (low + high) / 2
