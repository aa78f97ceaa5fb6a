"""Scorers: predictions and labels, whose metrics are computed under any number of weightings at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.metrics import CALIBRATION_BINS, Array, metrics_for

__all__ = [
    "ClassificationScorer",
    "MeasuredClasses",
    "MeasuredNumbers",
    "RegressionScorer",
    "class_f1_key",
    "label_metric_key",
]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows in groups, whose weights are added up under many weightings.

    A matrix product would do, but libraries give it threads, which wait for each other longer than they work here.

    Attributes
    ----------
    order : (n,) int64 array
        The rows, group by group.
    begins : (groups,) int64 array
        Where each group begins in that order.

    """

    order: NDArray[np.int64]
    begins: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: NDArray[np.int64]) -> Groups:
        """Return the groups of equal numbers, in their order; those without rows are left out."""
        order = np.argsort(numbers, kind="stable")
        return cls(order, np.flatnonzero(np.diff(numbers[order], prepend=-1)))

    def sum(self, values: Array) -> Array:
        """Return the sums of (r, n) values over the rows of each group, (r, groups)."""
        return np.asarray(np.add.reduceat(values[:, self.order], self.begins, axis=1))


@dataclass(frozen=True, eq=False)
class ClassificationScorer:
    """Predicted classes and their labels, to be scored under any number of weightings at once.

    What does not depend on the weights is computed once.

    Attributes
    ----------
    probabilities : (n, classes) float64
    true, predicted : (n,) int64
        Numbers of classes.

    """

    probabilities: Array
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]

    def __call__(self, weights: Array) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights."""
        return self.measured(weights).metrics()

    def with_f1_of_classes(self, weights: Array) -> dict[str, Array]:
        """The same, and the F1 of each class."""
        measured = self.measured(weights)
        f1 = measured.f1
        return measured.metrics() | {class_f1_key(c): f1[:, c] for c in range(f1.shape[1])}

    def measured(self, weights: Array) -> MeasuredClasses:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""
        return MeasuredClasses(self, weights)

    @cached_property
    def cells(self) -> tuple[Groups, NDArray[np.int64], NDArray[np.int64]]:
        """The rows by their cells of the confusion matrix, and the true and the predicted class of each such cell."""
        count = self.probabilities.shape[1]
        number = self.true * count + self.predicted
        groups = Groups.of(number)
        return groups, *np.divmod(number[groups.order][groups.begins], count)

    @cached_property
    def squared_distances(self) -> Array:
        """The sum over the classes of (p(c) - [y = c])² of each row, (n,)."""
        off = self.probabilities.copy()
        off[np.arange(len(self.true)), self.true] -= 1
        return np.asarray((off**2).sum(axis=1))

    @cached_property
    def binned_gaps(self) -> tuple[Groups, Array]:
        """The rows by the bins of their highest probability, and 1 or 0 for right or wrong, less that, of each row."""
        highest = self.probabilities.max(axis=1)
        is_right = self.probabilities.argmax(axis=1) == self.true
        bins = np.minimum((highest * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
        return Groups.of(bins), is_right - highest

    @cached_property
    def pairings(self) -> list[_Pairing | None]:
        """How the rows of each class are ordered among the others; None where all have the same probability."""
        return [
            None if (score == score[0]).all() else _Pairing.of(score, self.true == number)
            for number, score in enumerate(self.probabilities.T)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairing:
    """The rows of a class and the other rows, in the order of the probability of that class.

    Attributes
    ----------
    positives, negatives : (p,) and (m,) int64 array
        The rows of the class, and the others, each from the lowest score to the highest.
    below, up_to : (p,) int64 array
        How many of the others have a lower score than each row of the class, and how many a score that is not higher.

    """

    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]
    below: NDArray[np.int64]
    up_to: NDArray[np.int64]

    @classmethod
    def of(cls, score: Array, is_positive: NDArray[np.bool_]) -> _Pairing:
        order = np.argsort(score, kind="stable")
        positives, negatives = order[is_positive[order]], order[~is_positive[order]]
        below, up_to = (np.searchsorted(score[negatives], score[positives], side) for side in ("left", "right"))
        return cls(positives, negatives, below, up_to)

    def area(self, weights: Array) -> Array:
        """The share of the weight of all pairs that are in order, ties half, (r,); NaN where there are none."""
        positive = weights[:, self.positives]
        negative = np.zeros((len(weights), len(self.negatives) + 1))
        np.cumsum(weights[:, self.negatives], axis=1, out=negative[:, 1:])
        won = np.einsum("ij,ij->i", positive, negative[:, self.below])
        if (self.below != self.up_to).any():
            won = (won + np.einsum("ij,ij->i", positive, negative[:, self.up_to])) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / (positive.sum(axis=1) * negative[:, -1]))


@dataclass(frozen=True, eq=False)
class MeasuredClasses:
    """The quantities that metrics of classes are made of, under r weightings of the same n rows.

    Attributes
    ----------
    scorer : ClassificationScorer
    weights : (r, n) float64

    """

    scorer: ClassificationScorer
    weights: Array

    def metrics(self) -> dict[str, Array]:
        """Each metric, (r,)."""
        return {metric.key: metric.compute(self) for metric in metrics_for("classification")}

    @cached_property
    def total(self) -> Array:
        """The sum of the weights, (r,)."""
        return np.asarray(self.weights.sum(axis=1))

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
    def _per_class(self) -> tuple[Array, Array, Array]:
        groups, true_class, predicted_class = self.scorer.cells
        cells, classes = groups.sum(self.weights), np.arange(self.scorer.probabilities.shape[1])
        is_class = (true_class[:, np.newaxis] == classes).astype(np.float64)
        is_predicted = (predicted_class[:, np.newaxis] == classes).astype(np.float64)
        hits, occurring, predicted = cells @ (is_class * is_predicted), cells @ is_class, cells @ is_predicted
        with np.errstate(invalid="ignore", divide="ignore"):
            return hits / predicted, hits / occurring, 2 * hits / (occurring + predicted)

    @cached_property
    def areas(self) -> Array:
        """The area under the ROC curve of each class against the rest, (r, classes); NaN where one side is empty.

        The share of (class, rest) pairs that the probabilities put in order, ties half (Mann & Whitney 1947).
        """
        count = self.scorer.probabilities.shape[1]
        if count == 2:  # both classes have the same curve, turned around
            area = self._area(1)
            return np.column_stack([area, area])
        return np.column_stack([self._area(c) for c in range(count)])

    def _area(self, number: int) -> Array:
        pairing = self.scorer.pairings[number]
        if pairing is not None:
            return pairing.area(self.weights)
        true = self.scorer.true  # ties only, as in a baseline
        both = (self.weights @ (true == number) > 0) & (self.weights @ (true != number) > 0)
        return np.where(both, 0.5, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class RegressionScorer:
    """Predicted numbers and their labels, to be scored under any number of weightings at once.

    Attributes
    ----------
    predicted, true : (n, k) float64
        One column for each of k labels.
    quantile : float or None
        The quantile that the model predicts; None for the mean.
    center : (k,) float64
        Near the mean of the labels, so that squares keep their digits when the mean is large.

    """

    predicted: Array
    true: Array
    quantile: float | None
    center: Array

    @property
    def error(self) -> Array:
        """Predictions less labels, (n, k)."""
        return self.predicted - self.true

    def __call__(self, weights: Array) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights: the mean over the labels."""
        return _label_means(self.per_label(weights))

    def with_each_label(self, weights: Array) -> dict[str, Array]:
        """The same, and those of each label."""
        per_label = self.per_label(weights)
        single = {label_metric_key(key, i): v[:, i] for key, v in per_label.items() for i in range(v.shape[1])}
        return {**_label_means(per_label), **single}

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def per_label(self, weights: Array) -> dict[str, Array]:
        """Each metric of each label, (r, k); infinite where a square overflows."""
        measured = self.measured(weights)
        return {m.key: m.compute(measured) for m in metrics_for("regression", self.quantile)}

    def measured(self, weights: Array) -> MeasuredNumbers:
        """The quantities that metrics are made of, for (r, n) weights; each is computed when it is first used."""
        return MeasuredNumbers(self, weights)


@dataclass(frozen=True, eq=False)
class MeasuredNumbers:
    """The quantities that metrics of numbers are made of, under r weightings of the same n rows.

    Attributes
    ----------
    scorer : RegressionScorer
    weights : (r, n) float64

    """

    scorer: RegressionScorer
    weights: Array

    @cached_property
    def total(self) -> Array:
        """The sum of the weights, (r, 1)."""
        return np.asarray(self.weights.sum(axis=1, keepdims=True))

    @cached_property
    def squares(self) -> Array:
        """The mean squared error of each label, (r, k)."""
        return np.asarray(self.weights @ self.scorer.error**2 / self.total)

    def r2(self) -> Array:
        """1 - squared error / variance, (r, k); NaN where the label is constant, up to rounding."""
        centered = self.scorer.true - self.scorer.center
        mean = self.weights @ centered / self.total
        variance = np.maximum(self.weights @ centered**2 / self.total - mean**2, 0)
        smallest = np.finfo(np.float64).eps * (centered[self.weights.any(axis=0)] ** 2).max(axis=0, initial=0.0)
        return np.where(variance > smallest, 1 - self.squares / variance, np.nan)


def class_f1_key(number: int) -> str:
    """The key of one class's F1 among resampled metrics."""
    return f"f1 of class {number}"


def label_metric_key(key: str, number: int) -> str:
    """The key of one label's metric among resampled metrics."""
    return f"{key} of label {number}"


def _label_means(per_label: dict[str, Array]) -> dict[str, Array]:
    return {key: values.mean(axis=1) for key, values in per_label.items()}
