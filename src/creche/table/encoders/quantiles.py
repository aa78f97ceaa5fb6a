"""Quantiles of weighted values and of the normal distribution, with the same bits on every machine.

It uses no mathematical library, since their last bits differ from one processor to the next.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["normal_quantile", "quantiles"]

# Wichura 1988, Algorithm AS 241 (PPND16), "The percentage points of the normal distribution", Applied Statistics 37:
# numerators and denominators for |p - 1/2| <= 0.425, for r <= 5 and beyond.
MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip
LOG_2 = 0.6931471805599453


def quantiles(
    values: NDArray[np.float64], shares: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the weighted quantiles of the values: definition 2 of Hyndman & Fan 1996, the mean between two values.

    Parameters
    ----------
    values : (n,) array, or (k, n) array for those of k columns
    shares : (k,) array
        The share of the weight below each quantile, from 0 to 1.
    weights : (n,) array, optional
        How many rows each value counts for; by default one. Only for one column.

    Examples
    --------
    >>> quantiles(np.array([3.0, 1.0, 2.0, 10.0]), np.array([0.0, 0.5, 1.0])).tolist()
    [1.0, 2.5, 10.0]

    """
    if weights is None:
        ordered, below = np.sort(values), np.arange(1.0, values.shape[-1] + 1)
    else:
        order = np.argsort(values, kind="stable")
        ordered, below = values[order], np.cumsum(weights[order])
    target = shares * below[-1]
    last = values.shape[-1] - 1
    low = np.minimum(np.searchsorted(below, target, side="left"), last)
    high = np.minimum(np.searchsorted(below, target, side="right"), last)
    below_share, above_share = ordered[..., low], ordered[..., high]
    # Halves, so that the sum cannot overflow; + 0.0, since the order of 0.0 and -0.0 in a sort is undefined.
    between = below_share / 2 + above_share / 2
    return np.asarray(np.where(below_share == above_share, below_share, between) + 0.0)


def normal_quantile(share: float) -> float:
    """Return the quantile of the standard normal distribution, with a relative error below 1e-15 (AS 241).

    Examples
    --------
    >>> round(normal_quantile(0.975), 12), normal_quantile(0.5)
    (1.95996398454, 0.0)

    """
    q = share - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(MIDDLE, 0.180625 - q * q)
    r = math.sqrt(-_log(min(share, 1 - share)))
    tail = _ratio(TAIL, r - 1.6) if r <= 5 else _ratio(FAR_TAIL, r - 5)
    return tail if q > 0 else -tail


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    numerator, denominator = 0.0, 0.0
    for a, b in zip(reversed(coefficients[0]), reversed(coefficients[1]), strict=True):
        numerator, denominator = numerator * x + a, denominator * x + b
    return numerator / denominator


def _log(x: float) -> float:
    """The natural logarithm by 2 artanh((m - 1) / (m + 1)), with m between 1/sqrt(2) and sqrt(2)."""
    mantissa, exponent = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa, exponent = mantissa * 2, exponent - 1
    s = (mantissa - 1) / (mantissa + 1)
    total = 0.0
    for power in range(25, 0, -2):
        total = total * s * s + 1 / power
    return 2 * s * total + exponent * LOG_2
