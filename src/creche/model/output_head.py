"""From a network's weighted sums to what it says, and back: slopes of predictions as slopes of the sums before them.

All in float64. z (n, outputs): what the output layer gives; p (n, classes) or (n, labels): what is said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.model.model import Model
from creche.plan.losses import BinaryCrossEntropy, Poisson

__all__ = ["apply_head", "head_gradient", "log_odds", "log_odds_gradient", "temperature_gradient"]

Array = NDArray[np.float64]


TINY = np.finfo(np.float64).tiny


def apply_head(model: Model, z: Array) -> Array:
    """Probabilities (n, classes), or numbers (n, labels) in their units: what `Model.predictions_of` gives."""
    if model.classes is None:
        numbers = np.exp(z) if isinstance(model.plan.loss, Poisson) else z
        return np.asarray(numbers * np.array(model.labels.scale) + np.array(model.labels.mean))
    if not isinstance(model.plan.loss, BinaryCrossEntropy):
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if z.shape[1] == 1:
        return np.hstack([_sigmoid(-z), _sigmoid(z)])
    one_by_one = _sigmoid(z)
    return np.asarray(one_by_one / np.maximum(one_by_one.sum(axis=1, keepdims=True), TINY))


def head_gradient(model: Model, z: Array, slopes: Array) -> Array:
    """The gradient of (slopes x what is said).sum() by z, (n, outputs)."""
    if model.classes is None:
        inner = np.exp(z) if isinstance(model.plan.loss, Poisson) else 1.0
        return np.asarray(slopes * np.array(model.labels.scale) * inner)
    said = apply_head(model, z)
    if not isinstance(model.plan.loss, BinaryCrossEntropy):  # dp_c/dz_k = p_c ([c = k] - p_k)
        return np.asarray(said * (slopes - (slopes * said).sum(axis=1, keepdims=True)))
    if z.shape[1] == 1:
        return np.asarray((slopes[:, 1:] - slopes[:, :1]) * said[:, :1] * said[:, 1:])
    one_by_one = _sigmoid(z)  # p = s / sum of s, s' = s (1 - s)
    total = np.maximum(one_by_one.sum(axis=1, keepdims=True), TINY)
    mean = (slopes * said).sum(axis=1, keepdims=True)
    return np.asarray((slopes - mean) / total * one_by_one * _sigmoid(-z))


def temperature_gradient(mean: Array, tempered: Array, slopes: Array, temperature: float) -> Array:
    """The gradient of (slopes x tempered probabilities).sum() by the probabilities before."""
    if temperature == 1.0:
        return slopes
    inner = tempered * (slopes - (slopes * tempered).sum(axis=1, keepdims=True)) / temperature
    return np.asarray(inner / np.maximum(mean, TINY))


def log_odds(p: Array, which: NDArray[np.int64]) -> Array:
    """The logarithm of p_c less that of the sum of all others, (n,), for one class of each row."""
    own, others = _parted(p, which)
    return np.asarray(np.log(own) - np.log(others))


def log_odds_gradient(p: Array, which: NDArray[np.int64]) -> Array:
    """The gradient of the log-odds by p, (n, classes)."""
    own, others = _parted(p, which)
    slopes = np.repeat(-1 / others[:, np.newaxis], p.shape[1], axis=1)
    slopes[np.arange(len(p)), which] = 1 / own
    return slopes


def _parted(p: Array, which: NDArray[np.int64]) -> tuple[Array, Array]:
    """The probability of a class, and of all others: their sum, which keeps the digits that 1 - p loses."""
    rows = np.arange(len(p))
    others = p.copy()
    others[rows, which] = 0
    return np.maximum(p[rows, which], TINY), np.maximum(others.sum(axis=1), TINY)


def _sigmoid(z: Array) -> Array:
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0, small) / (1 + small))
