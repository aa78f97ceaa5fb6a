"""Evaluation of predicted classes and their probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.resampling import Weights, sum_groups
from creche.errors import TableError
from creche.evaluation import bootstrap
from creche.evaluation.bootstrap import Interval, check_count, check_weights, differences, resample_metrics
from creche.evaluation.curves import Curve, ReliabilityCurve, precision_recall, reliability, roc
from creche.evaluation.evaluation import Evaluation, MetricValue
from creche.evaluation.metrics import nan_to_none, predict_classes
from creche.evaluation.scorers import ClassificationScorer, MeasuredClasses, class_f1_key

__all__ = ["ClassMetrics", "ClassificationEvaluation", "ClassificationLabels", "Misclassification"]


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Metrics of one class against the rest.

    Attributes
    ----------
    name : class
    rows : int
        The number of rows of this class.
    precision, recall, f1, auc : float
        NaN where undefined: precision where the class was never predicted, recall where it does not occur.
    f1_interval : (low, high) or None
        95 % confidence interval (bootstrap); None without resamples, and for classes of fewer than ten rows.

    """

    name: Any
    rows: int
    precision: float
    recall: float
    f1: float
    auc: float
    f1_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Misclassification:
    """A row for which a wrong class was predicted.

    Attributes
    ----------
    row : int
        Its position among the evaluated rows, from 0.
    true, predicted : class
    probability : float
        The probability given to the predicted class.
    true_probability : float
        The probability given to the true class.

    """

    row: int
    true: Any
    predicted: Any
    probability: float
    true_probability: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassificationEvaluation(Evaluation):
    """Evaluation of predicted class probabilities.

    Attributes
    ----------
    rows : int
        The number of rows.
    classes : tuple
        The classes, in the order of the columns of the probabilities.
    accuracy : float
        The share of rows whose class was predicted.
    balanced_accuracy : float
        The mean recall of the classes.
    log_loss : float
        The mean of -log p of the true class; probabilities below 1e-15 count as 1e-15.
    auc : float
        Area under the ROC curve, one class against the rest, mean over the classes; NaN if only one class occurs.
    f1 : float
        2 precision recall / (precision + recall), mean over the classes.
    brier : float
        The mean over the rows of the squared differences between probabilities and 0 or 1, summed over the classes
        (Brier 1950): from 0 to 2.
    calibration_error : float
        Expected calibration error (ECE): how far the probability of the likeliest class is from the share of rows where
        it is right, in the mean over 15 bins of that probability (Naeini, Cooper & Hauskrecht 2015).
    class_distance, weighted_kappa : float
        For ordered classes, the mean number of classes from the true one to the predicted one, and the quadratic
        weighted kappa (Cohen 1968): 1 where all are right, 0 for chance.
    values : dict of metric to float
        All of these by key.
    per_class : tuple of ClassMetrics
        Metrics of each class against the rest.
    confusion : (classes, classes) int64
        Row counts: true classes down, predicted classes across.
    intervals : dict of metric to (low, high)
        95 % confidence intervals (bootstrap); empty without resamples, and for fewer than ten rows.
    baseline : dict of metric to float
        The metrics of always predicting the most frequent class of the training rows, with the shares of the classes
        there as probabilities.
    gain : dict of metric to (low, high)
        95 % confidence intervals of the difference to the baseline, on the same resamples.
    threshold : float or None
        For two classes: the second is predicted at or above this probability. If None, the likelier one is predicted.
    training_rows : TrainingRows or None
        How many of the rows the model was trained on; None if there are none, or if it was not asked.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    >>> evaluation = ClassificationEvaluation.of(p, np.array([0, 0, 1, 1]), ("no", "yes"))
    >>> evaluation.accuracy, evaluation.confusion.tolist()
    (0.75, [[2, 0], [1, 1]])
    >>> [(error.true, error.predicted, error.probability) for error in evaluation.largest_errors()]
    [('yes', 'no', 0.8)]

    """

    classes: tuple[Any, ...]
    per_class: tuple[ClassMetrics, ...]
    confusion: NDArray[np.int64]
    threshold: float | None
    _scorer: ClassificationScorer = field(repr=False)
    _weights: NDArray[np.float64] = field(repr=False)

    accuracy = MetricValue("accuracy")
    balanced_accuracy = MetricValue("balanced_accuracy")
    log_loss = MetricValue("log_loss")
    auc = MetricValue("auc")
    f1 = MetricValue("f1")
    brier = MetricValue("brier")
    calibration_error = MetricValue("calibration_error")

    @property
    def constant(self) -> str:
        """The most frequent class."""
        return "most frequent class"

    @classmethod
    def of(
        cls,
        probabilities: NDArray[Any],
        class_numbers: NDArray[Any],
        classes: tuple[Any, ...],
        *,
        weights: NDArray[np.float64] | None = None,
        n_resamples: int = 1000,
        baseline: NDArray[np.float64] | None = None,
        threshold: float | None = None,
        is_ordered: bool = False,
    ) -> ClassificationEvaluation:
        """Evaluate predicted probabilities.

        Parameters
        ----------
        probabilities : (n, classes) array
            The predicted probabilities; rows sum to 1.
        class_numbers : (n,) array of int
            The true class of each row, as its place in `classes`.
        classes : tuple
            The classes, in the order of the columns of `probabilities`.
        weights : (n,) array, optional
            How much each row counts; 1 by default.
        n_resamples : int, default 1000
            Bootstrap resamples for the confidence intervals; 0 for none.
        baseline : (classes,) array, optional
            The share of each class among the training rows; by default, among these rows.
        threshold : float, optional
            For two classes: predict the second at or above this probability.
        is_ordered : bool, default False
            Whether the classes are in an order: their distances are then measured, too.

        Raises
        ------
        TableError
            If the weights or the threshold are invalid.

        """
        labels = ClassificationLabels.of(
            class_numbers,
            classes,
            weights=weights,
            n_resamples=n_resamples,
            baseline=baseline,
            threshold=threshold,
            is_ordered=is_ordered,
        )
        return labels.evaluate(probabilities)

    def hardest_classes(self, limit: int = 12) -> list[ClassMetrics]:
        """Return the classes that occur, those with the lowest F1 first.

        Parameters
        ----------
        limit : int, default 12
            At most this many.

        """
        check_count("limit", limit)
        present = [metrics for metrics in self.per_class if metrics.rows]
        return sorted(present, key=lambda metrics: (np.nan_to_num(metrics.f1), str(metrics.name)))[:limit]

    def largest_errors(self, limit: int = 5) -> list[Misclassification]:
        """Return the misclassified rows, those with the highest probability of the predicted class first.

        Parameters
        ----------
        limit : int, default 5
            At most this many.

        """
        check_count("limit", limit)
        p, true, predicted = self._scorer.probabilities, self._scorer.true, self._scorer.predicted
        wrong = np.flatnonzero(predicted != true)
        probability = p[wrong, predicted[wrong]]
        first = wrong[np.argsort(-probability, kind="stable")[:limit]]
        return [
            Misclassification(
                int(i), self.classes[true[i]], self.classes[predicted[i]], float(p[i, predicted[i]]),
                float(p[i, true[i]]),
            )
            for i in first
        ]  # fmt: skip

    def roc(self, target: Any = None) -> Curve:
        """Return the ROC curve of a class against the rest.

        Parameters
        ----------
        target : class, optional
            By default the last class.

        Returns
        -------
        Curve
            x is the false positive rate, y the true positive rate.

        Raises
        ------
        TableError
            If there is no such class.

        """
        number = self._class_number(target)
        return roc(self._scorer.probabilities[:, number], self._scorer.true == number, self._weights)

    def precision_recall(self, target: Any = None) -> Curve:
        """Return recall and precision of a class at each threshold.

        Parameters
        ----------
        target : class, optional
            By default the last class.

        Returns
        -------
        Curve
            x is the recall, y the precision.

        Raises
        ------
        TableError
            If there is no such class.

        """
        number = self._class_number(target)
        return precision_recall(self._scorer.probabilities[:, number], self._scorer.true == number, self._weights)

    def reliability(self, bins: int = 10) -> ReliabilityCurve:
        """Return the mean probability of the likeliest class, and the share of rows where it is right, in bins.

        Parameters
        ----------
        bins : int, default 10
            The number of bins of equal width; bins without rows are left out.

        Returns
        -------
        ReliabilityCurve

        """
        p, true = self._scorer.probabilities, self._scorer.true
        return reliability(p.max(axis=1), p.argmax(axis=1) == true, self._weights, bins)

    def _class_number(self, target: Any) -> int:
        if target is None:
            return len(self.classes) - 1
        if target not in self.classes:
            raise TableError(f"target: got {target!r}; choose one of {', '.join(map(repr, self.classes))}")
        return self.classes.index(target)

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain data; None where a number is not finite."""
        per_class = [
            {
                "class": c.name,
                "rows": c.rows,
                **nan_to_none({"precision": c.precision, "recall": c.recall, "f1": c.f1, "auc": c.auc}),
                "f1_interval": None if c.f1_interval is None else list(c.f1_interval),
            }
            for c in self.per_class
        ]
        return {
            **Evaluation.to_dict(self),
            "classes": list(self.classes),
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
            "threshold": self.threshold,
        }


def _scalars(metrics: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    return {key: float(values[0]) for key, values in metrics.items()}


@dataclass(frozen=True, eq=False)
class ClassificationLabels:
    """The true classes of some rows, against which any number of predictions can be evaluated.

    Attributes
    ----------
    numbers : (n,) int64
        The true class of each row, as its place in `classes`.
    classes : tuple
    weights : (n,) float64
    constant : ClassificationScorer
        The constant prediction that the baseline scores, with a row for each class.
    n_resamples : int
    threshold : float or None

    """

    numbers: NDArray[np.int64]
    classes: tuple[Any, ...]
    weights: NDArray[np.float64]
    constant: ClassificationScorer
    n_resamples: int
    threshold: float | None

    @classmethod
    def of(
        cls,
        class_numbers: NDArray[Any],
        classes: tuple[Any, ...],
        *,
        weights: NDArray[np.float64] | None = None,
        n_resamples: int = 1000,
        baseline: NDArray[np.float64] | None = None,
        threshold: float | None = None,
        is_ordered: bool = False,
    ) -> ClassificationLabels:
        """Check and keep the labels; arguments as for `ClassificationEvaluation.of`."""
        checked = check_weights(weights, len(class_numbers))
        _check_threshold(threshold, classes)
        numbers = class_numbers.astype(np.int64)
        constant = _constant_prediction(baseline, numbers, checked, len(classes), is_ordered)
        return cls(numbers, classes, checked, constant, n_resamples, threshold)

    @cached_property
    def baseline(self) -> dict[str, float]:
        """The metrics of the constant prediction."""
        return _scalars(self._score_constant(self.weights.reshape(1, -1)))

    def _score_constant(self, weights: Weights) -> dict[str, NDArray[np.float64]]:
        """Score the constant prediction under (r, n) weights: rows of one class are alike there."""
        return self.constant(sum_groups(weights, self.numbers, len(self.classes)))

    def evaluate(self, probabilities: NDArray[Any]) -> ClassificationEvaluation:
        """Evaluate predicted probabilities, (n, classes)."""
        p = probabilities.astype(np.float64)
        scorer = ClassificationScorer(p, self.numbers, predict_classes(p, self.threshold), self.constant.is_ordered)
        measured = scorer.measured(self.weights.reshape(1, -1))
        values = _scalars(measured.metrics())
        samples, constant_samples = resample_metrics(
            (scorer.with_f1_of_classes, self._score_constant), self.weights, self.n_resamples
        )
        confusion = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        np.add.at(confusion, (self.numbers, scorer.predicted), 1)
        intervals = bootstrap.intervals(samples)
        return ClassificationEvaluation(
            rows=len(p), values=values, intervals={key: intervals[key] for key in values if key in intervals},
            baseline=dict(self.baseline), gain=differences(samples, constant_samples), classes=self.classes,
            per_class=_per_class(measured, self.classes, intervals), confusion=confusion, threshold=self.threshold,
            _scorer=replace(scorer), _weights=self.weights,  # without what it has computed for the resamples
        )  # fmt: skip


def _constant_prediction(
    shares: NDArray[np.float64] | None,
    true: NDArray[np.int64],
    weights: NDArray[np.float64],
    classes: int,
    is_ordered: bool,
) -> ClassificationScorer:
    """The shares of the classes, by default those of these rows, as the probabilities of a row of each class."""
    known = np.bincount(true, weights, classes) if shares is None else np.asarray(shares, dtype=np.float64)
    p = np.tile(known / known.sum(), (classes, 1))
    return ClassificationScorer(p, np.arange(classes), p.argmax(axis=1), is_ordered)


def _per_class(
    measured: MeasuredClasses, classes: tuple[Any, ...], intervals: dict[str, Interval]
) -> tuple[ClassMetrics, ...]:
    columns = (measured.precision, measured.recall, measured.f1, measured.areas)
    numbers = [values[0].tolist() for values in columns]
    rows = np.bincount(measured.scorer.true, minlength=len(classes)).tolist()
    of_f1 = [intervals.get(class_f1_key(c)) if count >= bootstrap.MIN_ROWS else None for c, count in enumerate(rows)]
    return tuple(ClassMetrics(*fields) for fields in zip(classes, rows, *numbers, of_f1, strict=True))


def _check_threshold(threshold: float | None, classes: tuple[Any, ...]) -> None:
    if threshold is None:
        return
    if len(classes) != 2:
        raise TableError(f"threshold: got {threshold!r}, but there are {len(classes)} classes; it is for two only")
    if not 0 <= threshold <= 1:
        raise TableError(f"threshold: got {threshold!r}; needs a probability, from 0 to 1")
