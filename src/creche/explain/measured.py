"""A metric of what is said of the same rows again and again, under many weightings of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.ensemble import Ensemble
from creche.errors import PlanError, TableError, nearest
from creche.evaluation.measures import METRICS, SMALLEST_PROBABILITY, ClassMeasures, said_classes
from creche.evaluation.numbers import NumberMeasures
from creche.model import Model
from creche.table.labels import class_numbers
from creche.table.observations import Observations

__all__ = ["Measure", "RowMeans", "chosen_metric", "measured_by"]

Array = NDArray[np.float64]
Measure: TypeAlias = Callable[[Array], Array]
"""From (r, n) weights of the rows to the metric under each, (r,)."""


def chosen_metric(network: Model | Ensemble, metric: str | None) -> str:
    """The metric of that name; by default the log loss, the root mean squared error, or of a quantile the pinball loss.

    Raises
    ------
    PlanError
        If there is none: what there is.

    """
    is_quantile = network.quantile is not None
    known = METRICS if network.classes is not None else ("rmse", "mae", "r2", *(["pinball"] if is_quantile else []))
    if metric is None:
        return "log_loss" if network.classes is not None else "pinball" if is_quantile else "rmse"
    if metric not in known:
        raise PlanError(f"metric: got {metric!r}; {nearest(metric, known)}")
    return metric


def measured_by(
    network: Model | Ensemble, observed: Observations, weights: Array, metric: str
) -> Callable[[Array], Measure]:
    """What makes of predictions, (n, classes) or (n, labels), the metric's measure.

    Raises
    ------
    TableError
        If the labels are not of the kind that the network was trained on.

    """
    if network.classes is None:
        if observed.y.dtype.kind in "OUS":
            raise TableError(f"label {observed.label!r}: holds words; the network was trained on numbers there")
        truth = observed.y.astype(np.float64).reshape(len(observed), -1)
        centre = np.average(truth, axis=0, weights=weights)
        return lambda said: _OfNumbers(NumberMeasures(said, truth, network.quantile, centre), metric)
    rows = np.arange(len(observed))
    classes = class_numbers(observed.y, network.classes, network.labels.name, observed.called).astype(np.int64)
    if metric == "log_loss":  # as `ClassMeasures` has it, alone
        return lambda said: RowMeans(-np.log(np.maximum(said[rows, classes], SMALLEST_PROBABILITY)))
    if metric == "accuracy":
        return lambda said: RowMeans((said_classes(said, None) == classes).astype(np.float64))
    if metric == "auc":
        return lambda said: _Area(ClassMeasures(said, classes, said_classes(said, None)))
    return lambda said: _OfClasses(ClassMeasures(said, classes, said_classes(said, None)), metric)


@dataclass(frozen=True, slots=True)
class _OfNumbers:
    measures: NumberMeasures
    metric: str

    def __call__(self, weights: Array) -> Array:
        return self.measures(weights)[self.metric]


@dataclass(frozen=True, slots=True, eq=False)
class RowMeans:
    """A metric that is a mean over the rows, (n,) `values`."""

    values: Array

    def __call__(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))


@dataclass(frozen=True, slots=True)
class _Area:
    """The mean over the classes, as `ClassMeasures` has it, without all else that it would work out."""

    measures: ClassMeasures

    def __call__(self, weights: Array) -> Array:
        areas = self.measures.areas(weights)
        known = ~np.isnan(areas)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(known, areas, 0).sum(axis=1) / known.sum(axis=1))


@dataclass(frozen=True, slots=True)
class _OfClasses:
    measures: ClassMeasures
    metric: str

    def __call__(self, weights: Array) -> Array:
        no_areas = np.zeros((len(weights), 1))  # they need sorting
        return self.measures.metrics(weights, self.measures.per_class(weights), no_areas)[self.metric]
