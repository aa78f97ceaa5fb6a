"""What evaluations of several columns of predictions share: metrics of each and of all, with their intervals."""

from __future__ import annotations

from typing import TypedDict

from creche.evaluation import bootstrap
from creche.evaluation.bootstrap import Interval, differences, resample_metrics
from creche.evaluation.metrics import Array, nan_to_none
from creche.evaluation.scorers import ColumnScorer, label_metric_key

__all__ = ["ColumnMetrics", "columns_to_dict", "measure_columns"]


class ColumnMetrics(TypedDict):
    """The fields of an evaluation of several columns."""

    rows: int
    values: dict[str, float]
    intervals: dict[str, Interval]
    baseline: dict[str, float]
    gain: dict[str, Interval]
    labels: tuple[str, ...]
    per_label: dict[str, dict[str, float]]
    label_intervals: dict[str, dict[str, Interval]]


def measure_columns(
    scorer: ColumnScorer, constant: ColumnScorer, weights: Array, n_resamples: int, labels: tuple[str, ...]
) -> ColumnMetrics:
    """Return the metrics of predictions and of a constant prediction, for each label and for all.

    Parameters
    ----------
    scorer, constant : ColumnScorer
    weights : (n,) array
        How much each row counts.
    n_resamples : int
        Bootstrap resamples for the confidence intervals; 0 for none.
    labels : tuple of str
        The names of the columns.

    """
    whole = weights.reshape(1, -1)
    values = {key: float(metric[0]) for key, metric in scorer(whole).items()}
    samples, constant_samples = resample_metrics((scorer.with_each_label, constant), weights, n_resamples)
    intervals = bootstrap.intervals(samples)
    per_label = scorer.per_label(whole)
    return ColumnMetrics(
        rows=len(weights), values=values, intervals={key: intervals[key] for key in values if key in intervals},
        baseline={key: float(metric[0]) for key, metric in constant(whole).items()},
        gain=differences(samples, constant_samples), labels=labels,
        per_label={label: {key: float(v[0, i]) for key, v in per_label.items()} for i, label in enumerate(labels)},
        label_intervals={
            label: {
                key: intervals[label_metric_key(key, i)]
                for key in per_label if label_metric_key(key, i) in intervals
            }
            for i, label in enumerate(labels)
        },
    )  # fmt: skip


def columns_to_dict(
    labels: tuple[str, ...],
    per_label: dict[str, dict[str, float]],
    label_intervals: dict[str, dict[str, Interval]],
) -> dict[str, object]:
    """Return the metrics of each label as plain data; None where a number is not finite."""
    return {
        "labels": list(labels),
        "per_label": {label: nan_to_none(metrics) for label, metrics in per_label.items()},
        "label_intervals": {
            label: {key: list(pair) for key, pair in intervals.items()} for label, intervals in label_intervals.items()
        },
    }
