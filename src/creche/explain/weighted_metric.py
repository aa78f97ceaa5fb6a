"""A metric under many weightings of the same rows, as resampling asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError, nearest
from creche.evaluation.metrics import METRICS, SMALLEST_PROBABILITY, ClassificationMeasures, predict_classes
from creche.evaluation.regression import RegressionMeasures
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.table.labels import encode_classes
from creche.table.observations import Observations

__all__ = ["Measure", "RowMeans", "create_measure", "resolve_metric"]

Array = NDArray[np.float64]

# From (r, n) weights of the rows to the metric under each weighting, (r,).
Measure: TypeAlias = Callable[[Array], Array]


def resolve_metric(network: Model | Ensemble, metric: str | None) -> str:
    """Return the metric of that name; by default the log loss, the RMSE, or for a quantile the pinball loss.

    Raises
    ------
    PlanError
        If there is no such metric; the error lists those there are.

    """
    is_quantile = network.quantile is not None
    known = METRICS if network.classes is not None else ("rmse", "mae", "r2", *(["pinball"] if is_quantile else []))
    if metric is None:
        return "log_loss" if network.classes is not None else "pinball" if is_quantile else "rmse"
    if metric not in known:
        raise PlanError(f"metric: got {metric!r}; {nearest(metric, known)}")
    return metric


def create_measure(
    network: Model | Ensemble, observed: Observations, weights: Array, metric: str
) -> Callable[[Array], Measure]:
    """Return a function that turns predictions, (n, classes) or (n, labels), into the measure of a metric.

    Raises
    ------
    TableError
        If the labels are words and the network was trained on numbers.

    """
    if network.classes is None:
        if observed.y.dtype.kind in "OUS":
            raise TableError(f"label {observed.label!r}: holds words; the network was trained on numbers there")
        true = observed.y.astype(np.float64).reshape(len(observed), -1)
        centre = np.average(true, axis=0, weights=weights)
        return lambda predicted: _RegressionMetric(
            RegressionMeasures(predicted, true, network.quantile, centre), metric
        )
    rows = np.arange(len(observed))
    classes = encode_classes(observed.y, network.classes, network.labels.name, observed.row_numbers).astype(np.int64)
    if metric == "log_loss":  # the same as in `ClassificationMeasures`, which computes all metrics
        return lambda p: RowMeans(-np.log(np.maximum(p[rows, classes], SMALLEST_PROBABILITY)))
    if metric == "accuracy":
        return lambda p: RowMeans((predict_classes(p, None) == classes).astype(np.float64))
    if metric == "auc":
        return lambda p: _AreaUnderCurve(ClassificationMeasures(p, classes, predict_classes(p, None)))
    return lambda p: _ClassificationMetric(ClassificationMeasures(p, classes, predict_classes(p, None)), metric)


@dataclass(frozen=True, slots=True)
class _RegressionMetric:
    measures: RegressionMeasures
    metric: str

    def __call__(self, weights: Array) -> Array:
        return self.measures(weights)[self.metric]


@dataclass(frozen=True, slots=True, eq=False)
class RowMeans:
    """A metric that is the mean of `values`, (n,), over the rows."""

    values: Array

    def __call__(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))


@dataclass(frozen=True, slots=True)
class _AreaUnderCurve:
    """The mean AUC over the classes, as in `ClassificationMeasures`, which computes all other metrics too."""

    measures: ClassificationMeasures

    def __call__(self, weights: Array) -> Array:
        areas = self.measures.areas(weights)
        known = ~np.isnan(areas)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(known, areas, 0).sum(axis=1) / known.sum(axis=1))


@dataclass(frozen=True, slots=True)
class _ClassificationMetric:
    measures: ClassificationMeasures
    metric: str

    def __call__(self, weights: Array) -> Array:
        no_areas = np.zeros((len(weights), 1))  # areas are not needed here, and take sorting
        return self.measures.metrics(weights, self.measures.per_class(weights), no_areas)[self.metric]
