"""Scorers: predictions and labels, whose metrics are computed under any number of weightings at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import log
from creche.engine.resampling import Ranking, Weights, sum_all, sum_groups, sum_weighted
from creche.evaluation.metrics import CALIBRATION_BINS, SMALLEST_PROBABILITY, Array, Metric, metrics_for

__all__ = [
    "ClassificationScorer",
    "ColumnScorer",
    "MeasuredClasses",
    "MeasuredLabels",
    "MeasuredNumbers",
    "MultilabelScorer",
    "RegressionScorer",
    "class_f1_key",
    "label_metric_key",
]

FEW_CLASSES = 16  # whose pairs are few enough for a sum of each


@dataclass(frozen=True, eq=False)
class ClassificationScorer:
    """Predicted classes and their labels, to be scored under any number of weightings at once.

    What does not depend on the weights is computed once.

    Attributes
    ----------
    probabilities : (n, classes) float64
    true, predicted : (n,) int64
        Numbers of classes.
    is_ordered : bool
        Whether the classes are in an order.

    """

    probabilities: Array
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    is_ordered: bool = False

    def __call__(self, weights: Weights) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights."""
        return self.measured(weights).metrics()

    def with_f1_of_classes(self, weights: Weights) -> dict[str, Array]:
        """The same, and the F1 of each class."""
        measured = self.measured(weights)
        f1 = measured.f1
        return measured.metrics() | {class_f1_key(c): f1[:, c] for c in range(f1.shape[1])}

    def measured(self, weights: Weights) -> MeasuredClasses:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""
        return MeasuredClasses(self, weights)

    @cached_property
    def is_right(self) -> Array:
        """1 for each row whose class was predicted, and 0 for others, (n,)."""
        return np.asarray(self.predicted == self.true, dtype=np.float64)

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """The number of the pair of true and predicted class of each row, (n,)."""
        return np.asarray(self.true * self.probabilities.shape[1] + self.predicted)

    @cached_property
    def negative_log(self) -> Array:
        """-log p of the true class of each row, (n,)."""
        of_label = self.probabilities[np.arange(len(self.true)), self.true]
        return np.asarray(-log(np.maximum(of_label, SMALLEST_PROBABILITY)))

    @cached_property
    def squared_distances(self) -> Array:
        """The sum over the classes of (p(c) - [y = c])² of each row, (n,)."""
        off = self.probabilities.copy()
        off[np.arange(len(self.true)), self.true] -= 1
        return np.asarray((off**2).sum(axis=1))

    @cached_property
    def binned_gaps(self) -> tuple[NDArray[np.int64], Array]:
        """The bin of each row's highest probability, and 1 or 0 for right or wrong, less that, (n,) each."""
        highest = self.probabilities.max(axis=1)
        is_right = self.probabilities.argmax(axis=1) == self.true
        return np.minimum((highest * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1), is_right - highest

    @cached_property
    def rankings(self) -> list[Ranking]:
        """The rows by the probability of each class against the rest; of two classes, of the second one only."""
        count = self.probabilities.shape[1]
        return [Ranking(self.probabilities[:, c], self.true == c) for c in ([1] if count == 2 else range(count))]


@dataclass(frozen=True, eq=False)
class MeasuredClasses:
    """The quantities that metrics of classes are made of, under r weightings of the same n rows.

    Attributes
    ----------
    scorer : ClassificationScorer
    weights : (r, n) float64 or uint8

    """

    scorer: ClassificationScorer
    weights: Weights

    def metrics(self) -> dict[str, Array]:
        """Each metric, (r,)."""
        known = metrics_for("classification", is_ordered=self.scorer.is_ordered)
        return {metric.key: metric.compute(self) for metric in known}

    @cached_property
    def total(self) -> Array:
        """The sum of the weights, (r,)."""
        return np.asarray(self._class_sums[0].sum(axis=1))

    @property
    def precision(self) -> Array:
        """The precision of each class, (r, classes); NaN where it was never predicted."""
        return self._per_class[0]

    @property
    def recall(self) -> Array:
        """The recall of each class, (r, classes); NaN where it does not occur."""
        return self._per_class[1]

    @property
    def f1(self) -> Array:
        """The F1 of each class, (r, classes); NaN where it neither occurs nor was predicted."""
        return self._per_class[2]

    @cached_property
    def _class_sums(self) -> tuple[Array, Array, Array]:
        """The sums of the weights by true class, by predicted class, and by class where both agree, (r, classes)."""
        scorer, classes = self.scorer, self.scorer.probabilities.shape[1]
        if classes <= FEW_CLASSES:  # one pass over the rows is enough
            pairs = sum_groups(self.weights, scorer.pairs, classes * classes).reshape(-1, classes, classes)
            return pairs.sum(axis=2), pairs.sum(axis=1), pairs.diagonal(axis1=1, axis2=2)
        occurring, predicted = (sum_groups(self.weights, of, classes) for of in (scorer.true, scorer.predicted))
        return occurring, predicted, sum_groups(self.weights, scorer.true, classes, scorer.is_right)

    @cached_property
    def _per_class(self) -> tuple[Array, Array, Array]:
        occurring, predicted, hits = self._class_sums
        with np.errstate(invalid="ignore", divide="ignore"):
            return hits / predicted, hits / occurring, 2 * hits / (occurring + predicted)

    @property
    def area(self) -> Array:
        """The mean of the known `areas`, (r,)."""
        return _mean_of_known(self.areas)

    @property
    def f1_score(self) -> Array:
        """The mean of the known F1 of the classes, (r,)."""
        return _mean_of_known(self.f1)

    @cached_property
    def areas(self) -> Array:
        """The area under the ROC curve of each class against the rest, (r, classes); NaN where one side is empty."""
        areas = [ranking.areas(self.weights) for ranking in self.scorer.rankings]
        # Two classes have the same curve, turned around.
        return np.column_stack(areas * 2 if self.scorer.probabilities.shape[1] == 2 else areas)


class ColumnScorer(ABC):
    """Predictions of several labels, or quantiles, which have metrics of their own."""

    __slots__ = ()

    @property
    @abstractmethod
    def metrics(self) -> list[Metric]:
        """The metrics, in the order of tables."""

    @abstractmethod
    def measured(self, weights: Weights) -> Any:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""

    def __call__(self, weights: Weights) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights: the mean over the labels, where that means anything."""
        return self._means(self._compute(weights))

    def with_each_label(self, weights: Weights) -> dict[str, Array]:
        """The same, and those of each label."""
        values = self._compute(weights)
        single = {label_metric_key(m.key, i): v[:, i] for m, v in _of_labels(values).items() for i in range(v.shape[1])}
        return {**self._means(values), **single}

    def per_label(self, weights: Weights) -> dict[str, Array]:
        """Each metric of each label, (r, k); infinite where a square overflows."""
        return {metric.key: values for metric, values in _of_labels(self._compute(weights)).items()}

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _compute(self, weights: Weights) -> dict[Metric, Array]:
        measured = self.measured(weights)
        return {metric: metric.compute(measured) for metric in self.metrics}

    def _means(self, values: dict[Metric, Array]) -> dict[str, Array]:
        return {
            metric.key: self.mean(computed)
            for metric, computed in values.items()
            if metric.has_mean or computed.shape[1] == 1
        }

    def mean(self, values: Array) -> Array:
        """The mean over the labels, (r,), of values (r, k)."""
        return np.asarray(values.mean(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class RegressionScorer(ColumnScorer):
    """Predicted numbers and their labels, to be scored under any number of weightings at once.

    Attributes
    ----------
    predicted, true : (n, k) float64
        One column for each label, or for each quantile of each label, which `true` repeats.
    quantiles : tuple of float
        The quantiles of each label that the model predicts; empty for the mean.
    center : (k,) float64
        Near the mean of the labels, so that squares keep their digits when the mean is large.

    """

    predicted: Array
    true: Array
    quantiles: tuple[float, ...]
    center: Array

    @property
    def error(self) -> Array:
        """Predictions less labels, (n, k)."""
        return self.predicted - self.true

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in the order of tables."""
        return metrics_for("regression", len(self.quantiles))

    def measured(self, weights: Weights) -> MeasuredNumbers:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""
        return MeasuredNumbers(self, weights)


@dataclass(frozen=True, eq=False)
class MeasuredNumbers:
    """The quantities that metrics of numbers are made of, under r weightings of the same n rows.

    Attributes
    ----------
    scorer : RegressionScorer
    weights : (r, n) float64 or uint8

    """

    scorer: RegressionScorer
    weights: Weights

    @cached_property
    def total(self) -> Array:
        """The sum of the weights, (r, 1)."""
        return sum_all(self.weights)[:, np.newaxis]

    @cached_property
    def squares(self) -> Array:
        """The mean squared error of each label, (r, k)."""
        return np.asarray(sum_weighted(self.weights, self.scorer.error**2) / self.total)

    def r2(self) -> Array:
        """1 - squared error / variance, (r, k); NaN where the label is constant, up to rounding."""
        centered = self.scorer.true - self.scorer.center
        mean = sum_weighted(self.weights, centered) / self.total
        variance = np.maximum(sum_weighted(self.weights, centered**2) / self.total - mean**2, 0)
        smallest = np.finfo(np.float64).eps * (centered[self.weights.any(axis=0)] ** 2).max(axis=0, initial=0.0)
        return np.where(variance > smallest, 1 - self.squares / variance, np.nan)


@dataclass(frozen=True, eq=False)
class MultilabelScorer(ColumnScorer):
    """Predicted labels of yes or no, to be scored under any number of weightings at once.

    Attributes
    ----------
    probabilities : (n, k) float64
        Those of yes.
    true, predicted : (n, k) bool

    """

    probabilities: Array
    true: NDArray[np.bool_]
    predicted: NDArray[np.bool_]

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in the order of tables."""
        return metrics_for("multilabel")

    @cached_property
    def labels(self) -> list[ClassificationScorer]:
        """Each label as a classification of no and yes."""
        return [
            ClassificationScorer(np.column_stack([1 - p, p]), true.astype(np.int64), predicted.astype(np.int64))
            for p, true, predicted in zip(self.probabilities.T, self.true.T, self.predicted.T, strict=True)
        ]

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether each label of each row was predicted, (n, k)."""
        return np.asarray(self.predicted == self.true)

    @cached_property
    def negative_log(self) -> Array:
        """-log p of the true answer of each label, (n, k)."""
        return np.column_stack([label.negative_log for label in self.labels])

    def measured(self, weights: Weights) -> MeasuredLabels:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""
        return MeasuredLabels(self, weights)

    def mean(self, values: Array) -> Array:
        """The mean over the labels for which it is known, (r,), of values (r, k)."""
        return _mean_of_known(values)


@dataclass(frozen=True, eq=False)
class MeasuredLabels:
    """The quantities that metrics of labels of yes or no are made of, under r weightings of the same n rows.

    Attributes
    ----------
    scorer : MultilabelScorer
    weights : (r, n) float64 or uint8

    """

    scorer: MultilabelScorer
    weights: Weights

    @cached_property
    def total(self) -> Array:
        """The sum of the weights, (r, 1)."""
        return sum_all(self.weights)[:, np.newaxis]

    @property
    def precision(self) -> Array:
        """The precision of yes of each label, (r, k); NaN where it was never predicted."""
        return np.column_stack([label.precision[:, 1] for label in self._labels])

    @property
    def recall(self) -> Array:
        """The recall of yes of each label, (r, k); NaN where it does not occur."""
        return np.column_stack([label.recall[:, 1] for label in self._labels])

    @property
    def f1_score(self) -> Array:
        """The F1 of yes of each label, (r, k); NaN where it neither occurs nor was predicted."""
        return np.column_stack([label.f1[:, 1] for label in self._labels])

    @property
    def area(self) -> Array:
        """The area under the ROC curve of each label, (r, k); NaN where it is the same in all rows."""
        return np.column_stack([label.areas[:, 1] for label in self._labels])

    @cached_property
    def _labels(self) -> list[MeasuredClasses]:
        return [label.measured(self.weights) for label in self.scorer.labels]


def class_f1_key(number: int) -> str:
    """The key of one class's F1 among resampled metrics."""
    return f"f1 of class {number}"


def label_metric_key(key: str, number: int) -> str:
    """The key of one label's metric among resampled metrics."""
    return f"{key} of label {number}"


def _of_labels(values: dict[Metric, Array]) -> dict[Metric, Array]:
    return {metric: computed for metric, computed in values.items() if not metric.is_joint}


def _mean_of_known(values: Array) -> Array:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))
