"""A metric under many weightings of the same rows, as resampling asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.evaluation.metrics import Metric, predict_classes
from creche.evaluation.scorers import ClassificationScorer, ColumnScorer, MultilabelScorer, RegressionScorer
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.table.labels import encode_classes
from creche.table.observations import Observations

__all__ = ["Measure", "RowMeans", "create_measure"]

Array = NDArray[np.float64]

# From (r, n) weights of the rows to the metric under each weighting, (r,).
Measure: TypeAlias = Callable[[Array], Array]


def create_measure(
    network: Model | Ensemble, observed: Observations, weights: Array, metric: Metric
) -> Callable[[Array], Measure]:
    """Return a function that turns predictions, (n, classes) or (n, labels), into the measure of a metric.

    Raises
    ------
    TableError
        If the labels are words and the network was trained on numbers.

    """
    if network.labels.is_multilabel:
        answers = observed.y.astype(np.bool_)
        return lambda predicted: _Measure(MultilabelScorer(predicted, answers, network.answers(predicted)), metric)
    if network.classes is None:
        if observed.y.dtype.kind in "OUS":
            raise TableError(f"label {observed.label!r}: holds words; the network was trained on numbers there")
        true = network.labels.repeat(observed.y.astype(np.float64).reshape(len(observed), -1))
        center = np.average(true, axis=0, weights=weights)
        return lambda predicted: _Measure(RegressionScorer(predicted, true, network.quantiles, center), metric)
    classes = encode_classes(observed.y, network.classes, network.labels.name, observed.row_numbers).astype(np.int64)

    def measure(predicted: Array) -> Measure:
        scorer = ClassificationScorer(predicted, classes, predict_classes(predicted, None), network.labels.is_ordered)
        if metric.row_values is not None:
            return RowMeans(np.asarray(metric.row_values(scorer), dtype=np.float64))
        return _Measure(scorer, metric)

    return measure


@dataclass(frozen=True, slots=True, eq=False)
class RowMeans:
    """A metric that is the mean of `values`, (n,), over the rows."""

    values: Array

    def __call__(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Measure:
    """Any other metric; of several labels, its mean over them."""

    scorer: ClassificationScorer | ColumnScorer
    metric: Metric

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def __call__(self, weights: Array) -> Array:
        values = self.metric.compute(self.scorer.measured(weights))
        return self.scorer.mean(values) if isinstance(self.scorer, ColumnScorer) else values
