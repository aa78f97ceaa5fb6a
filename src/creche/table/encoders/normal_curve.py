"""Numbers as the normal numbers of their rank: a curve through quantiles of the training rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from creche.table.encoders.quantiles import normal_quantile, quantiles

__all__ = ["LARGE", "MAX_REFERENCES", "build_curve", "fit_references", "interpolate"]

MAX_REFERENCES = 1000

LARGE = 2.0**1000


def fit_references(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return evenly spaced quantiles of the values, at most 1,000.

    Parameters
    ----------
    values : (n,) array, or (k, n) array for those of k columns
    weights : (n,) array, optional
        How many rows each value counts for. Only for one column.

    Examples
    --------
    >>> fit_references(np.array([3.0, 1.0])).tolist()
    [1.0, 3.0]

    """
    return quantiles(values, _shares(min(MAX_REFERENCES, values.shape[-1])), weights)


def _shares(count: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(count) + 0.5) / count)


@lru_cache(maxsize=8)
def _normal_numbers(count: int) -> NDArray[np.float64]:
    return np.array([normal_quantile(share) for share in _shares(count).tolist()])


def build_curve(references: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct references, and the normal number of each: for ties, the middle of theirs."""
    normal = _normal_numbers(len(references))
    knots, first, count = np.unique(np.array(references), return_index=True, return_counts=True)
    return knots, (normal[first] + normal[first + count - 1]) / 2


def interpolate(
    values: NDArray[np.float64], knots: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate linearly between the knots; beyond them the curve is constant."""
    if len(knots) == 1:
        return np.zeros(len(values))
    right = np.clip(np.searchsorted(knots, values), 1, len(knots) - 1)
    left = right - 1
    # The distance between two numbers can overflow.
    size = 0.25 if knots[-1] / 2 - knots[0] / 2 > LARGE else 1.0
    share = np.clip((values * size - knots[left] * size) / (knots[right] * size - knots[left] * size), 0.0, 1.0)
    between = normal[left] + share * (normal[right] - normal[left])
    # Rounding can move the end of a line by one bit, which would break the order of values.
    return np.asarray(np.where(share == 1, normal[right], np.minimum(between, normal[right])))
