"""Curves of probabilities: ROC, precision and recall, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curve", "average_precision", "precision_recall", "reliability", "roc", "wilson_interval"]

TWO_SIDED_95 = 1.959963984540054  # of the normal distribution

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve.

    Attributes
    ----------
    x, y : (points,) float64
    at : (points,) float64
        The threshold of each point; for reliability, the weight of the rows in the bin.

    """

    x: Array
    y: Array
    at: Array


def _counted(score: Array, positive: NDArray[np.bool_], weights: Array) -> tuple[Array, Array, Array]:
    """From each different score on, from the highest: the score, and how much of both sides is said to be positive."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.append(np.diff(ordered) < 0, True))
    ours = np.cumsum(np.where(positive[order], weights[order], 0.0))[last]
    others = np.cumsum(np.where(positive[order], 0.0, weights[order]))[last]
    return ordered[last], ours, others


def roc(score: Array, positive: NDArray[np.bool_], weights: Array) -> Curve:
    """False positive rate (x) and true positive rate (y), from (0, 0) to (1, 1).

    Examples
    --------
    >>> curve = roc(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])

    """
    at, ours, others = _counted(score, positive, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve(np.append(0.0, others / others[-1]), np.append(0.0, ours / ours[-1]), np.append(np.inf, at))


def precision_recall(score: Array, positive: NDArray[np.bool_], weights: Array) -> Curve:
    """Recall (x) and precision (y), from the highest threshold to the lowest.

    Examples
    --------
    >>> curve = precision_recall(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> curve.x.tolist(), curve.y.round(3).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.667])

    """
    at, ours, others = _counted(score, positive, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve(ours / ours[-1], ours / (ours + others), at)


def reliability(sure: Array, right: NDArray[np.bool_], weights: Array, bins: int) -> Curve:
    """Mean probability (x) and share that is right (y) in bins of equal width; empty bins are left out."""
    place = np.minimum((sure * bins).astype(np.int64), bins - 1)
    total = np.bincount(place, weights, bins)
    some = total > 0
    mean = np.bincount(place, weights * sure, bins)[some] / total[some]
    share = np.bincount(place, weights * right, bins)[some] / total[some]
    return Curve(mean, share, total[some].astype(np.float64))


def average_precision(curve: Curve) -> float:
    """The area under a curve of precision and recall, as steps: the sum of (R_n - R_{n-1}) P_n.

    Examples
    --------
    >>> curve = precision_recall(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> round(average_precision(curve), 4)
    0.8333

    """
    return float((np.diff(np.append(0.0, curve.x)) * curve.y).sum())


def wilson_interval(share: Array, rows: Array) -> tuple[Array, Array]:
    """Between which shares the true one lies in 95 % of cases, given the share among so many rows (Wilson 1927).

    Examples
    --------
    >>> low, high = wilson_interval(np.array([0.75]), np.array([4.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.301], [0.954])

    """
    z2 = TWO_SIDED_95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = TWO_SIDED_95 / (1 + z2 / rows) * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)
