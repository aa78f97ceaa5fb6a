"""Heads: what turns the weighted sums of the output layer into predictions, and gradients back.

`apply` and `gradient` are in float64, for explanations. For predicting, the engine applies the elementwise part of the
same formulas, and `finish` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["CUMULATIVE", "EXP", "IDENTITY", "LOGISTIC", "SIGMOID", "SOFTMAX", "Head", "sorted_head"]

Array: TypeAlias = NDArray[np.float64]

TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head.

    Attributes
    ----------
    key : {"softmax", "sigmoid", "cumulative", "exp", "identity", "sorted"}
    apply : callable
        From weighted sums (n, outputs) to predictions: probabilities (n, classes), of each class or each label, or
        numbers (n, outputs).
    gradient : callable
        Takes weighted sums z (n, outputs) and a weight for each prediction, of the predictions' shape; returns the
        gradient of ``(weight * prediction).sum()`` with respect to z, (n, outputs).
    finish : callable
        From the outputs of the engine (n, outputs) to predictions, in the outputs' precision.
    keeps_means : callable
        Takes a number of outputs; returns whether finishing the mean of several networks' outputs gives the mean of
        their predictions.

    """

    key: str
    apply: Callable[[Array], Array]
    gradient: Callable[[Array, Array], Array]
    finish: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray
    keeps_means: Callable[[int], bool] = lambda outputs: True


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


def _finish_sigmoid(p: NDArray[Any]) -> NDArray[Any]:
    if p.shape[1] == 1:
        return np.hstack([1 - p, p])
    sums = p.sum(axis=1, keepdims=True)
    even = np.full_like(p, 1 / p.shape[1])  # all of them can be 0 in float32
    return np.asarray(np.divide(p, sums, out=even, where=sums > 0))


def _sort(z: NDArray[Any], size: int) -> NDArray[Any]:
    return np.sort(z.reshape(len(z), -1, size), axis=2).reshape(z.shape)


def _sort_gradient(z: Array, weight: Array, size: int) -> Array:
    groups, weights = (each.reshape(len(z), -1, size) for each in (z, weight))
    gradient = np.empty_like(weights)
    np.put_along_axis(gradient, np.argsort(groups, axis=2, kind="stable"), weights, axis=2)
    return gradient.reshape(weight.shape)


def _class_shares(p: NDArray[Any]) -> NDArray[Any]:
    """From the probabilities of a higher class than each but the last, (n, k - 1), to those of the k classes."""
    ends = np.ones((len(p), 1), dtype=p.dtype)
    bounds = np.hstack([ends, -np.sort(-p, axis=1), np.zeros_like(ends)])
    return np.asarray(bounds[:, :-1] - bounds[:, 1:])


def _cumulative(z: Array) -> Array:
    return np.asarray(_class_shares(_logistic(z)))


def _cumulative_gradient(z: Array, weight: Array) -> Array:
    order = np.argsort(-z, axis=1, kind="stable")  # of one bound: the class above it gains what the one below loses
    gradient = np.empty_like(z)
    np.put_along_axis(gradient, order, weight[:, 1:] - weight[:, :-1], axis=1)
    return gradient * _logistic(z) * _logistic(-z)


SOFTMAX = Head("softmax", _softmax, _softmax_gradient)
SIGMOID = Head("sigmoid", _sigmoid, _sigmoid_gradient, _finish_sigmoid, lambda outputs: outputs == 1)
LOGISTIC = Head("sigmoid", _logistic, lambda z, weight: np.asarray(weight * _logistic(z) * _logistic(-z)))
EXP = Head("exp", lambda z: np.asarray(np.exp(z)), lambda z, weight: np.asarray(weight * np.exp(z)))
IDENTITY = Head("identity", lambda z: z, lambda _, weight: weight)
# Of ordered classes: the outputs are probabilities of a class above each but the last (Frank & Hall 2001, "A simple
# approach to ordinal classification"), sorted as below, and their differences the probabilities of the classes.
CUMULATIVE = Head(
    "cumulative",
    lambda z: _class_shares(_logistic(z)),
    _cumulative_gradient,
    _class_shares,
    lambda outputs: outputs == 1,
)


@cache
def sorted_head(size: int) -> Head:
    """Return the head that sorts each `size` neighbouring outputs: the ascending quantiles of one label.

    Rearranged, they never cross, and each is nearer to the true quantile (Chernozhukov, Fernandez-Val & Galichon 2010,
    "Quantile and probability curves without crossing").
    """
    sort = partial(_sort, size=size)
    return Head("sorted", sort, partial(_sort_gradient, size=size), sort, lambda outputs: outputs == 1)
