"""The metrics, one entry each.

Evaluations, tables, pages, decision thresholds, feature importances and the intervals of cross-validation read the
registry `METRICS`: to add a metric, add an entry and its key in `MetricName`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.words import Task, canonical_word, check_word

__all__ = [
    "CALIBRATION_BINS",
    "METRICS",
    "Array",
    "ClassificationScorer",
    "MeasuredClasses",
    "MeasuredNumbers",
    "Metric",
    "MetricName",
    "RegressionScorer",
    "ThresholdMetric",
    "class_f1_key",
    "compare_with_baseline",
    "is_lower_better",
    "label_metric_key",
    "metric_name",
    "metrics_for",
    "nan_to_none",
    "predict_classes",
    "resolve_metric",
]

Array: TypeAlias = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-15
CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of predictions.

    Exactly one of `row_values` and `measure` computes it.

    Attributes
    ----------
    key : str
        Its name in arguments, tables and JSON: ``"log_loss"``.
    title : str
        Its name on pages: ``"log loss"``.
    task : {"classification", "regression"}
    formula : str
        With p for predicted probabilities, y for labels, ŷ for predictions and e = y - ŷ.
    bounds : (float, float)
        The smallest and the largest possible value; confidence intervals end there.
    lower_is_better : bool, default False
    needs_probabilities : bool, default False
        Whether it depends on more than the predicted classes.
    needs_quantile : bool, default False
        Whether it is for models of a quantile only.
    has_baseline : bool, default True
        Whether comparing it with a constant prediction means anything.
    row_values : callable, optional
        For a mean over the rows: takes the scorer and returns the value of each row, (n,) or (n, k) for k labels.
    measure : callable, optional
        For anything else: takes `MeasuredClasses` and returns (r,), or `MeasuredNumbers` and returns (r, k).
    from_counts : callable, optional
        For two classes, the metric from true positives, false positives, positives and negatives (arrays and numbers).
        `choose_threshold` can maximize such a metric.

    """

    key: str
    title: str
    task: Task
    formula: str
    bounds: tuple[float, float]
    lower_is_better: bool = False
    needs_probabilities: bool = False
    needs_quantile: bool = False
    has_baseline: bool = True
    row_values: Callable[[Any], NDArray[Any]] | None = None
    measure: Callable[[Any], Array] | None = None
    from_counts: Callable[[Array, Array, float, float], Array] | None = None

    def __post_init__(self) -> None:
        if (self.row_values is None) == (self.measure is None):
            raise PlanError(f"metric {self.key}: needs either row_values or measure, and not both")

    def compute(self, measured: MeasuredClasses | MeasuredNumbers) -> Array:
        """The metric under each weighting of the rows: (r,) for classes, (r, k) for k labels that are numbers."""
        if self.measure is not None:
            return self.measure(measured)
        assert self.row_values is not None
        return np.asarray(measured.weights @ self.row_values(measured.scorer) / measured.total)


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationScorer:
    """Predicted classes and their labels, to be scored under any number of weightings at once.

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
        scorer, weights = self.scorer, self.weights
        classes = np.arange(scorer.probabilities.shape[1])
        is_class = (scorer.true[:, np.newaxis] == classes).astype(np.float64)
        predicted_class = (scorer.predicted[:, np.newaxis] == classes).astype(np.float64)
        hits = weights @ (is_class * predicted_class)
        occurring, predicted = weights @ is_class, weights @ predicted_class
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
        score, true, weights = self.scorer.probabilities[:, number], self.scorer.true, self.weights
        if (score == score[0]).all():  # ties only, as in a baseline: nothing to sort
            both = (weights @ (true == number) > 0) & (weights @ (true != number) > 0)
            return np.where(both, 0.5, np.nan)
        order = np.argsort(score, kind="stable")
        ordered = weights[:, order]
        positive = true[order] == number
        starts = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))
        negatives = np.add.reduceat(np.where(positive, 0.0, ordered), starts, axis=1)
        positives = np.add.reduceat(np.where(positive, ordered, 0.0), starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1)))


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


def predict_classes(probabilities: Array, threshold: float | None) -> NDArray[np.int64]:
    """The likeliest class of each row; with a threshold, the second of two where its probability reaches it."""
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities[:, 1] >= threshold).astype(np.int64)


def metrics_for(task: str, quantile: float | None = None) -> list[Metric]:
    """The metrics of a task, in the order of tables; those of quantiles only for a model of a quantile.

    Examples
    --------
    >>> [metric.key for metric in metrics_for("regression")]
    ['rmse', 'mae', 'r2']

    """
    return [m for m in METRICS.values() if m.task == task and (quantile is not None or not m.needs_quantile)]


def resolve_metric(key: str | None, task: str, quantile: float | None = None) -> Metric:
    """The metric of that key; by default the log loss or the root mean squared error, for a quantile the pinball loss.

    Raises
    ------
    PlanError
        If there is no such metric for the task.

    """
    known = {metric.key: metric for metric in metrics_for(task, quantile)}
    if key is None:
        key = "log_loss" if task == "classification" else "rmse" if quantile is None else "pinball"
    other: Task = "regression" if task == "classification" else "classification"
    if canonical_word(key, known) not in known and key in {metric.key for metric in metrics_for(other)}:
        raise PlanError(
            f"metric: got {key!r}, which is for {other}, and the task is {task}; choose one of {', '.join(known)}",
            argument="metric",
        )
    return known[check_word("metric", key, known)]


def metric_name(key: str) -> str:
    """What a metric is called on pages.

    Examples
    --------
    >>> metric_name("log_loss"), metric_name("r2")
    ('log loss', 'R²')

    """
    return METRICS[key].title if key in METRICS else key.replace("_", " ")


def is_lower_better(key: str) -> bool:
    """Whether smaller values of a metric are better: true of errors and losses.

    Examples
    --------
    >>> is_lower_better("rmse"), is_lower_better("validation_loss"), is_lower_better("validation_accuracy")
    (True, True, False)

    """
    key = key.removeprefix("train_").removeprefix("validation_")
    return METRICS[key].lower_is_better if key in METRICS else key.endswith("loss")


def compare_with_baseline(key: str, gain: tuple[float, float] | None) -> str:
    """How a metric compares with a constant prediction, by the confidence interval of the difference.

    Returns
    -------
    {"better", "unsure", "worse", ""}
        Empty where the difference is unknown, or means nothing.

    Examples
    --------
    >>> compare_with_baseline("accuracy", (0.1, 0.3)), compare_with_baseline("log_loss", (0.1, 0.3))
    ('better', 'worse')
    >>> compare_with_baseline("auc", (-0.1, 0.1))
    'unsure'

    """
    metric = METRICS[key]
    if gain is None or not metric.has_baseline:
        return ""
    low, high = (-gain[1], -gain[0]) if metric.lower_is_better else gain
    return "better" if low > 0 else "unsure" if high >= 0 else "worse"


def nan_to_none(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """The metrics as JSON can hold them: None where a value is not finite."""
    return {key: value if math.isfinite(value) else None for key, value in metrics.items()}


def _label_means(per_label: dict[str, Array]) -> dict[str, Array]:
    return {key: values.mean(axis=1) for key, values in per_label.items()}


def _mean_of_known(values: Array) -> Array:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))


def _negative_log(scorer: ClassificationScorer) -> Array:
    of_label = scorer.probabilities[np.arange(len(scorer.true)), scorer.true]
    return np.asarray(-np.log(np.maximum(of_label, SMALLEST_PROBABILITY)))


def _balanced_accuracy(measured: MeasuredClasses) -> Array:
    occurs = ~np.isnan(measured.recall)
    return np.asarray(np.where(occurs, measured.recall, 0).sum(axis=1) / occurs.sum(axis=1))


def _brier(measured: MeasuredClasses) -> Array:
    scorer = measured.scorer
    off = scorer.probabilities.copy()
    off[np.arange(len(scorer.true)), scorer.true] -= 1
    return np.asarray(measured.weights @ (off**2).sum(axis=1) / measured.total)


def _calibration_error(measured: MeasuredClasses) -> Array:
    """Naeini, Cooper & Hauskrecht 2015: |share that is right - mean probability|, in bins of the probability."""
    scorer = measured.scorer
    highest = scorer.probabilities.max(axis=1)
    is_right = scorer.probabilities.argmax(axis=1) == scorer.true
    bins = np.minimum((highest * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gap = np.zeros((len(highest), CALIBRATION_BINS))
    gap[np.arange(len(highest)), bins] = is_right - highest
    return np.asarray(np.abs(measured.weights @ gap).sum(axis=1) / measured.total)


def _pinball(scorer: RegressionScorer) -> Array:
    assert scorer.quantile is not None
    return np.maximum(-scorer.quantile * scorer.error, (1 - scorer.quantile) * scorer.error)


# For editors and type checkers; a test holds both to the registry.
MetricName: TypeAlias = Literal[
    "accuracy",
    "balanced_accuracy",
    "log_loss",
    "auc",
    "f1",
    "brier",
    "calibration_error",
    "rmse",
    "mae",
    "r2",
    "pinball",
]
ThresholdMetric: TypeAlias = Literal["accuracy", "balanced_accuracy", "f1"]

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key="accuracy", title="accuracy", task="classification", bounds=(0.0, 1.0),
            formula="share of rows with ŷ = y",
            row_values=lambda scorer: scorer.predicted == scorer.true,
            from_counts=lambda tp, fp, positives, negatives: (tp + negatives - fp) / (positives + negatives),
        ),
        Metric(
            key="balanced_accuracy", title="balanced accuracy", task="classification", bounds=(0.0, 1.0),
            formula="mean recall of the classes",
            measure=_balanced_accuracy,
            from_counts=lambda tp, fp, positives, negatives: (tp / positives + (negatives - fp) / negatives) / 2,
        ),
        Metric(
            key="log_loss", title="log loss", task="classification", bounds=(0.0, math.inf), lower_is_better=True,
            needs_probabilities=True,
            formula="mean of -log p(y); probabilities below 1e-15 count as 1e-15",
            row_values=_negative_log,
        ),
        Metric(
            key="auc", title="AUC", task="classification", bounds=(0.0, 1.0), needs_probabilities=True,
            formula="area under the ROC curve, one class against the rest, mean over the classes",
            measure=lambda measured: _mean_of_known(measured.areas),
        ),
        Metric(
            key="f1", title="F1", task="classification", bounds=(0.0, 1.0),
            formula="2 precision recall / (precision + recall), mean over the classes",
            measure=lambda measured: _mean_of_known(measured.f1),
            from_counts=lambda tp, fp, positives, _: 2 * tp / (tp + fp + positives),
        ),
        Metric(
            key="brier", title="Brier score", task="classification", bounds=(0.0, 2.0), lower_is_better=True,
            needs_probabilities=True,
            formula="mean over the rows of the sum over the classes c of (p(c) - [y = c])² (Brier 1950)",
            measure=_brier,
        ),
        Metric(
            key="calibration_error", title="expected calibration error (ECE)", task="classification",
            bounds=(0.0, 1.0), lower_is_better=True, needs_probabilities=True,
            has_baseline=False,  # the shares of the classes are calibrated by construction
            formula="mean of |accuracy - mean p(ŷ)| over 15 bins of p(ŷ) (Naeini, Cooper & Hauskrecht 2015)",
            measure=_calibration_error,
        ),
        Metric(
            key="rmse", title="root mean squared error", task="regression", bounds=(0.0, math.inf),
            lower_is_better=True,
            formula="square root of the mean of e²",
            measure=lambda measured: np.sqrt(measured.squares),
        ),
        Metric(
            key="mae", title="mean absolute error", task="regression", bounds=(0.0, math.inf), lower_is_better=True,
            formula="mean of |e|",
            row_values=lambda scorer: np.abs(scorer.error),
        ),
        Metric(
            key="r2", title="R²", task="regression", bounds=(-math.inf, 1.0),
            formula="1 - mean of e² / variance of y",
            measure=MeasuredNumbers.r2,
        ),
        Metric(
            key="pinball", title="pinball loss", task="regression", bounds=(0.0, math.inf), lower_is_better=True,
            needs_quantile=True,
            formula="mean of max(q e, (q - 1) e) for the quantile q (Koenker & Bassett 1978)",
            row_values=_pinball,
        ),
    )
}  # fmt: skip
