"""Logarithm, exponential, sums, products and minima that have the same bits on every machine.

Weights, temperatures and scores that `creche.fit` derives from predictions become part of a model. The functions of a
system's mathematical library, and the sums of a vectorized one, differ in their last bits from machine to machine;
these are made of + − × ÷ in one order, as everything in the engine is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALLEST_EXPONENT", "exp", "log", "mean_rows", "minimize", "multiply", "sum_rows"]

Array = NDArray[np.float64]

LOG_2_HIGH, LOG_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # ln 2 = high + low
ONE_OVER_LOG_2 = 1.4426950408889634
ROOT_HALF = 0.70710678118654752440

# 2 artanh(s) = 2 s (1 + s^2/3 + s^4/5 + …): with |s| <= 0.1716, the terms left out are below 2^-53 of the first.
ARTANH = tuple(1.0 / (2 * i + 1) for i in range(11))
# exp(r) = 1 + r + r^2/2! + …, with |r| <= ln(2) / 2.
TAYLOR = tuple(1.0 / math.factorial(i) for i in range(15))

SMALLEST_EXPONENT = -700.0  # exp of less is taken for exp of this, about 1e-304


def log(values: Array) -> Array:
    """Return the natural logarithm of positive numbers, to about 2 units in the last place.

    Parameters
    ----------
    values : array of float64
        Finite and above 0.

    Examples
    --------
    >>> bool(np.abs(log(np.array([0.1, 1.0, 7.0])) - np.log([0.1, 1.0, 7.0])).max() < 4e-16)
    True

    """
    mantissa, exponent = np.frexp(values)
    is_low = mantissa < ROOT_HALF
    mantissa = np.where(is_low, mantissa * 2.0, mantissa)
    k = (exponent - is_low).astype(np.float64)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = np.full_like(s, ARTANH[-1])
    for coefficient in ARTANH[-2::-1]:
        series = series * square + coefficient
    return np.asarray(k * LOG_2_HIGH + (2.0 * s * series + k * LOG_2_LOW))


def exp(values: Array) -> Array:
    """Return e to the power of numbers up to 700, to about 2 units in the last place; of less than -700, of -700.

    Parameters
    ----------
    values : array of float64

    Examples
    --------
    >>> bool(np.abs(exp(np.array([-3.0, 0.0, 5.0])) / np.exp([-3.0, 0.0, 5.0]) - 1).max() < 1e-15)
    True

    """
    values = np.maximum(values, SMALLEST_EXPONENT)
    k = np.rint(values * ONE_OVER_LOG_2)
    r = (values - k * LOG_2_HIGH) - k * LOG_2_LOW
    series = np.full_like(r, TAYLOR[-1])
    for coefficient in TAYLOR[-2::-1]:
        series = series * r + coefficient
    return np.asarray(np.ldexp(series, k.astype(np.int32)))


def sum_rows(values: Array) -> Array:
    """Return the sum over the first axis, added from the first row to the last.

    Parameters
    ----------
    values : (n, …) array of float64

    Examples
    --------
    >>> float(sum_rows(np.array([1.0, 1e-17, 1e-17])))
    1.0

    """
    if len(values) == 0:
        return np.zeros(values.shape[1:])
    return np.asarray(np.cumsum(values, axis=0)[-1])


def mean_rows(values: Array, weights: Array) -> Array:
    """Return the weighted mean over the first axis, added from the first row to the last.

    Parameters
    ----------
    values : (n, …) array of float64
    weights : (n,) array of float64
        Not all 0.

    """
    weighted = values * weights.reshape((-1,) + (1,) * (values.ndim - 1))
    return np.asarray(sum_rows(weighted) / sum_rows(weights))


def multiply(rows: Array, matrix: Array) -> Array:
    """Return the product of two matrices, each sum added from the first column of `rows` to the last.

    So the product of a row is the same alone as among others, which that of a mathematical library need not be.

    Parameters
    ----------
    rows : (n, k) array of float64
    matrix : (k, m) array of float64

    Examples
    --------
    >>> multiply(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]

    """
    product = np.zeros((len(rows), matrix.shape[1]))
    for column, factors in zip(rows.T, matrix, strict=True):
        product += column[:, np.newaxis] * factors
    return product


def minimize(function: Callable[[float], float], low: float, high: float, steps: int) -> float:
    """Return where a function with a single minimum is lowest, by golden-section search (Kiefer 1953).

    Parameters
    ----------
    function : callable
    low, high : float
        The minimum is sought between them.
    steps : int
        Each takes away 38 % of what is left.

    Examples
    --------
    >>> round(minimize(lambda x: (x - 2) ** 2, 0.0, 5.0, 40), 6)
    2.0

    """
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    left_value, right_value = function(left), function(right)
    for _ in range(steps):
        if left_value <= right_value:
            high, right, right_value = right, left, left_value
            left = high - ratio * (high - low)
            left_value = function(left)
        else:
            low, left, left_value = left, right, right_value
            right = low + ratio * (high - low)
            right_value = function(right)
    return (low + high) / 2
