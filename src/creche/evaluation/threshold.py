"""Decision thresholds: the probability at or above which the second of two classes is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError
from creche.evaluation.bootstrap import check_weights
from creche.evaluation.metrics import METRICS, ThresholdMetric
from creche.plan.words import check_word

__all__ = ["THRESHOLD_METRICS", "Threshold", "choose_threshold", "choose_thresholds"]

THRESHOLD_METRICS = tuple(metric.key for metric in METRICS.values() if metric.from_counts is not None)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A chosen threshold.

    Attributes
    ----------
    threshold : float
        The second class is predicted at or above this probability.
    criterion : str
        The metric that is largest with it, or "cost".
    value : float
        The metric, or the mean cost per row, with it.
    value_at_half : float
        The same with a threshold of 0.5.

    """

    threshold: float
    criterion: str
    value: float
    value_at_half: float


def choose_threshold(
    probabilities: NDArray[Any],
    class_numbers: NDArray[Any],
    *,
    metric: ThresholdMetric | None = None,
    costs: tuple[float, float] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Threshold:
    """Choose the threshold that is best on these rows; among equals, the one nearest to 0.5.

    Evaluate it on other rows than those it was chosen on.

    Parameters
    ----------
    probabilities : (n, 2) array
    class_numbers : (n,) array of 0 and 1
    metric : {"accuracy", "balanced_accuracy", "f1"}, optional
        The metric to maximize; F1 is that of the second class.
    costs : (float, float), optional
        Instead of a metric: the cost of a false positive (the second class predicted wrongly) and of a false negative.
        Their mean is minimized.
    weights : (n,) array, optional
        How much each row counts; 1 by default.

    Returns
    -------
    Threshold

    Raises
    ------
    TableError
        If there are not two classes, or only one occurs.
    PlanError
        If neither or both of `metric` and `costs` are given, or one is invalid.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    >>> choose_threshold(p, np.array([0, 1, 1, 1]), metric="f1").threshold
    0.3
    >>> choose_threshold(p, np.array([0, 1, 0, 1]), costs=(1, 5))
    Threshold(threshold=0.3, criterion='cost', value=0.25, value_at_half=1.25)

    """
    if probabilities.ndim != 2 or probabilities.shape[1] != 2:
        raise TableError("threshold: can only be chosen for models of two classes")
    if (metric is None) == (costs is None):
        raise PlanError("threshold: needs either a metric or the costs of both mistakes, and not both")
    if metric is not None:
        metric = check_word("metric", metric, THRESHOLD_METRICS)
    if costs is not None and not (len(costs) == 2 and all(np.isfinite(c) and c >= 0 for c in costs) and any(costs)):
        raise PlanError(f"costs: got {costs!r}; needs two numbers of 0 or more, not both 0")
    checked = check_weights(weights, len(probabilities))
    score, positive = probabilities[:, 1].astype(np.float64), class_numbers.astype(np.int64) == 1
    candidates = np.unique(np.append(score, 0.5))
    values = _values(candidates, score, positive, checked, metric, costs)
    best = np.flatnonzero(values == values.max())
    chosen = best[np.argmin(np.abs(candidates[best] - 0.5))]
    sign = 1.0 if metric else -1.0
    at_half = values[candidates == 0.5][0]
    return Threshold(float(candidates[chosen]), metric or "cost", sign * float(values[chosen]), sign * float(at_half))


def choose_thresholds(
    probabilities: NDArray[Any],
    answers: NDArray[np.bool_],
    labels: Sequence[str],
    *,
    metric: ThresholdMetric | None = None,
    costs: tuple[float, float] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, Threshold]:
    """Choose the threshold of each of several labels of yes or no: see `choose_threshold`.

    Parameters
    ----------
    probabilities : (n, k) array
        Those of yes.
    answers : (n, k) array of bool
    labels : sequence of str
        The names of the k labels.
    metric, costs, weights
        As for `choose_threshold`, with yes as the second class.

    Raises
    ------
    TableError
        If only one answer of a label occurs.
    PlanError
        As for `choose_threshold`.

    Examples
    --------
    >>> p = np.array([[0.1, 0.9], [0.3, 0.2], [0.4, 0.3], [0.8, 0.1]])
    >>> answers = np.array([[0, 1], [1, 0], [1, 0], [1, 0]], dtype=bool)
    >>> {label: chosen.threshold for label, chosen in choose_thresholds(p, answers, "ab", metric="f1").items()}
    {'a': 0.3, 'b': 0.5}

    """
    chosen = {}
    for label, p, true in zip(labels, probabilities.T, answers.T, strict=True):
        if true.all() or not true.any():
            answer = "yes" if true.all() else "no"
            raise TableError(
                f"threshold of {label!r}: every one of these {len(true):,} rows is {answer}; it takes both answers to "
                "choose one"
            )
        both = np.column_stack([1 - p, p])
        chosen[label] = choose_threshold(both, true, metric=metric, costs=costs, weights=weights)
    return chosen


def _values(
    candidates: NDArray[np.float64],
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
    weights: NDArray[np.float64],
    metric: str | None,
    costs: tuple[float, float] | None,
) -> NDArray[np.float64]:
    """Return the metric, or minus the mean cost, at each candidate."""

    def weight_above(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        order = np.argsort(score[chosen])
        above = np.append(np.cumsum(weights[chosen][order][::-1])[::-1], 0.0)
        return np.asarray(above[np.searchsorted(score[chosen][order], candidates, side="left")])

    true_positives, false_positives = weight_above(positive), weight_above(~positive)
    positives, negatives = float(weights[positive].sum()), float(weights[~positive].sum())
    if positives == 0 or negatives == 0:
        raise TableError("threshold: only one class occurs in these rows; it takes both to choose")
    if costs is not None:
        total = positives + negatives
        return -(costs[0] * false_positives + costs[1] * (positives - true_positives)) / total
    assert metric is not None
    from_counts = METRICS[metric].from_counts
    assert from_counts is not None
    return from_counts(true_positives, false_positives, positives, negatives)
