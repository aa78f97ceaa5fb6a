"""From a network's weighted sums to its predictions, and back: gradients of predictions as gradients of those sums.

All in float64. z (n, outputs) are the weighted sums of the output layer, p (n, classes) or (n, labels) the predictions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.model.model import Model

__all__ = ["apply_head", "head_gradient", "log_odds", "log_odds_gradient"]

Array = NDArray[np.float64]

TINY = np.finfo(np.float64).tiny


def apply_head(model: Model, z: Array) -> Array:
    """Return probabilities (n, classes), or numbers (n, labels) in their units, as `Model.predict_encoded` does."""
    predicted = model.plan.loss.head(model.plan.task).apply(z)
    if model.classes is None:
        return model.labels.clamp(model.labels.unscale(predicted))
    return predicted


def head_gradient(model: Model, z: Array, weight: Array) -> Array:
    """Return the gradient of ``(weight * prediction).sum()`` with respect to z, (n, outputs)."""
    if model.classes is None:
        weight = weight * model.labels.repeat(model.labels.scale)
        if model.labels.bounds:  # beyond them, a prediction stays the same
            numbers = model.labels.unscale(model.plan.loss.head(model.plan.task).apply(z))
            weight = np.where(model.labels.clamp(numbers) == numbers, weight, 0.0)
    return np.asarray(model.plan.loss.head_gradient(model.plan.task, z, weight))


def log_odds(p: Array, numbers: NDArray[np.int64]) -> Array:
    """Return log(p_c / sum of the other probabilities), (n,), for the class c = `numbers` of each row."""
    own, others = _split_off(p, numbers)
    return np.asarray(np.log(own) - np.log(others))


def log_odds_gradient(p: Array, numbers: NDArray[np.int64]) -> Array:
    """Return the gradient of the log-odds with respect to p, (n, classes)."""
    own, others = _split_off(p, numbers)
    gradient = np.repeat(-1 / others[:, np.newaxis], p.shape[1], axis=1)
    gradient[np.arange(len(p)), numbers] = 1 / own
    return gradient


def _split_off(p: Array, numbers: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the probability of a class and the sum of the others, which keeps the digits that 1 - p loses."""
    rows = np.arange(len(p))
    others = p.copy()
    others[rows, numbers] = 0
    return np.maximum(p[rows, numbers], TINY), np.maximum(others.sum(axis=1), TINY)
