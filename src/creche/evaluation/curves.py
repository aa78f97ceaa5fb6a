"""Curves of predicted probabilities: ROC, precision and recall, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Curve",
    "ReliabilityCurve",
    "average_precision",
    "precision_recall",
    "reliability",
    "roc",
    "wilson_interval",
]

NORMAL_QUANTILE_975 = 1.959963984540054

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve over decision thresholds.

    Attributes
    ----------
    x, y : (points,) float64
    thresholds : (points,) float64
        The probability at or above which each point predicts the class, in descending order.

    """

    x: Array
    y: Array
    thresholds: Array


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCurve:
    """Predicted probabilities against observed shares, in bins.

    Attributes
    ----------
    x : (bins,) float64
        The mean probability of the rows in each bin.
    y : (bins,) float64
        The share of these rows where the prediction is right.
    weight : (bins,) float64
        The sum of the rows' weights: their number, unless rows are weighted.

    """

    x: Array
    y: Array
    weight: Array


def _cumulative_counts(score: Array, positive: NDArray[np.bool_], weights: Array) -> tuple[Array, Array, Array]:
    """Return each different score, in descending order, with the weights of positives and negatives from it on."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.append(np.diff(ordered) < 0, True))
    true_positives = np.cumsum(np.where(positive[order], weights[order], 0.0))[last]
    false_positives = np.cumsum(np.where(positive[order], 0.0, weights[order]))[last]
    return ordered[last], true_positives, false_positives


def roc(score: Array, positive: NDArray[np.bool_], weights: Array) -> Curve:
    """Return the false positive rate (x) and the true positive rate (y), from (0, 0) to (1, 1).

    Examples
    --------
    >>> curve = roc(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])

    """
    thresholds, true, false = _cumulative_counts(score, positive, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])
    return Curve(x, y, np.append(np.inf, thresholds))


def precision_recall(score: Array, positive: NDArray[np.bool_], weights: Array) -> Curve:
    """Return recall (x) and precision (y), from the highest threshold to the lowest.

    Examples
    --------
    >>> curve = precision_recall(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> curve.x.tolist(), curve.y.round(3).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.667])

    """
    thresholds, true, false = _cumulative_counts(score, positive, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve(true / true[-1], true / (true + false), thresholds)


def reliability(probability: Array, right: NDArray[np.bool_], weights: Array, bins: int) -> ReliabilityCurve:
    """Return mean probability (x) and share that is right (y) in bins of equal width; empty bins are left out."""
    number = np.minimum((probability * bins).astype(np.int64), bins - 1)
    total = np.bincount(number, weights, bins)
    filled = total > 0
    mean = np.bincount(number, weights * probability, bins)[filled] / total[filled]
    share = np.bincount(number, weights * right, bins)[filled] / total[filled]
    return ReliabilityCurve(mean, share, total[filled].astype(np.float64))


def average_precision(curve: Curve) -> float:
    """Return the area under a curve of precision and recall, as steps: the sum of (R_n - R_{n-1}) P_n.

    Examples
    --------
    >>> curve = precision_recall(np.array([0.9, 0.8, 0.3]), np.array([True, False, True]), np.ones(3))
    >>> round(average_precision(curve), 4)
    0.8333

    """
    return float((np.diff(np.append(0.0, curve.x)) * curve.y).sum())


def wilson_interval(share: Array, rows: Array) -> tuple[Array, Array]:
    """Return the 95 % confidence interval of a share that was observed in `rows` rows (Wilson 1927).

    Examples
    --------
    >>> low, high = wilson_interval(np.array([0.75]), np.array([4.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.301], [0.954])

    """
    z2 = NORMAL_QUANTILE_975**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = NORMAL_QUANTILE_975 / (1 + z2 / rows) * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)
