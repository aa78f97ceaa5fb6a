"""Heads: what turns the weighted sums of the output layer into predictions, and gradients back.

In float64, for explanations; training and predicting have heads of their own in the engine, of the same formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXP", "IDENTITY", "SIGMOID", "SOFTMAX", "Head"]

Array: TypeAlias = NDArray[np.float64]

TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head.

    Attributes
    ----------
    key : {"softmax", "sigmoid", "exp", "identity"}
    apply : callable
        From weighted sums (n, outputs) to predictions: probabilities (n, classes) or numbers (n, outputs).
    gradient : callable
        Takes weighted sums z (n, outputs) and a weight for each prediction, of the predictions' shape; returns the
        gradient of ``(weight * prediction).sum()`` with respect to z, (n, outputs).

    """

    key: str
    apply: Callable[[Array], Array]
    gradient: Callable[[Array, Array], Array]


def _softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _softmax_gradient(z: Array, weight: Array) -> Array:
    p = _softmax(z)  # dp_c/dz_k = p_c ([c = k] - p_k)
    return np.asarray(p * (weight - (weight * p).sum(axis=1, keepdims=True)))


def _logistic(z: Array) -> Array:
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0, small) / (1 + small))


def _sigmoid(z: Array) -> Array:
    """A single output gives the probability of the second of two classes; several are divided by their sum."""
    if z.shape[1] == 1:
        return np.hstack([_logistic(-z), _logistic(z)])
    p = _logistic(z)
    return np.asarray(p / np.maximum(p.sum(axis=1, keepdims=True), TINY))


def _sigmoid_gradient(z: Array, weight: Array) -> Array:
    p = _sigmoid(z)
    if z.shape[1] == 1:
        return np.asarray((weight[:, 1:] - weight[:, :1]) * p[:, :1] * p[:, 1:])
    s = _logistic(z)  # p = s / sum of s, s' = s (1 - s)
    total = np.maximum(s.sum(axis=1, keepdims=True), TINY)
    mean = (weight * p).sum(axis=1, keepdims=True)
    return np.asarray((weight - mean) / total * s * _logistic(-z))


SOFTMAX = Head("softmax", _softmax, _softmax_gradient)
SIGMOID = Head("sigmoid", _sigmoid, _sigmoid_gradient)
EXP = Head("exp", lambda z: np.asarray(np.exp(z)), lambda z, weight: np.asarray(weight * np.exp(z)))
IDENTITY = Head("identity", lambda z: z, lambda _, weight: weight)
