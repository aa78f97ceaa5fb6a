"""The metrics, one entry each.

Evaluations, tables, pages, decision thresholds, feature importances and the intervals of cross-validation read the
registry `METRICS`: to add a metric, add an entry and its key in `MetricName`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.engine.resampling import sum_groups, sum_weighted
from creche.errors import PlanError
from creche.plan.words import Task, canonical_word, check_word

if TYPE_CHECKING:
    from creche.evaluation.scorers import MeasuredClasses, MeasuredLabels, MeasuredNumbers, RegressionScorer

__all__ = [
    "CALIBRATION_BINS",
    "MAIN_METRICS",
    "METRICS",
    "SMALLEST_PROBABILITY",
    "Array",
    "Metric",
    "MetricName",
    "ThresholdMetric",
    "compare_with_baseline",
    "is_lower_better",
    "metric_name",
    "metrics_for",
    "nan_to_none",
    "predict_classes",
    "resolve_metric",
]

Array: TypeAlias = NDArray[np.float64]

# The first of these that an evaluation has sums it up where there is room for one metric only.
MAIN_METRICS = ("accuracy", "subset_accuracy", "rmse", "pinball")

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
    task : {"classification", "regression", "multilabel"}
    formula : str
        With p for predicted probabilities, y for labels, ŷ for predictions and e = y - ŷ.
    bounds : (float, float)
        The smallest and the largest possible value; confidence intervals end there.
    lower_is_better : bool, default False
    needs_probabilities : bool, default False
        Whether it depends on more than the predicted classes.
    needs_order : bool, default False
        For a classification, whether it is for ordered classes only.
    is_for_labels : bool, default False
        For a classification, whether each of several labels of yes or no has it, too.
    quantiles : (float, float), default (0, inf)
        For a regression, the smallest and the largest number of predicted quantiles that it is for.
    has_baseline : bool, default True
        Whether comparing it with a constant prediction means anything.
    is_goal : bool, default True
        Whether a model can be chosen by it: a coverage is neither better when it is higher nor when it is lower.
    has_mean : bool, default True
        Whether its mean over several labels, or quantiles, means anything.
    is_joint : bool, default False
        Whether it is one value of all labels or quantiles together, rather than one of each.
    row_values : callable, optional
        For a mean over the rows: takes the scorer and returns the value of each row, (n,) or (n, k) for k labels.
    measure : callable, optional
        For anything else: takes `MeasuredClasses` and returns (r,), or `MeasuredNumbers` or `MeasuredLabels` and
        returns (r, k); (r, 1) if it is joint.
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
    needs_order: bool = False
    is_for_labels: bool = False
    quantiles: tuple[float, float] = (0, math.inf)
    has_baseline: bool = True
    is_goal: bool = True
    has_mean: bool = True
    is_joint: bool = False
    row_values: Callable[[Any], NDArray[Any]] | None = None
    measure: Callable[[Any], Array] | None = None
    from_counts: Callable[[Array, Array, float, float], Array] | None = None

    def __post_init__(self) -> None:
        if (self.row_values is None) == (self.measure is None):
            raise PlanError(f"metric {self.key}: needs either row_values or measure, and not both")

    def compute(self, measured: MeasuredClasses | MeasuredNumbers | MeasuredLabels) -> Array:
        """The metric under each weighting of the rows: (r,) for classes, (r, k) for k labels."""
        if self.measure is not None:
            return self.measure(measured)
        assert self.row_values is not None
        return np.asarray(sum_weighted(measured.weights, self.row_values(measured.scorer)) / measured.total)


def predict_classes(probabilities: Array, threshold: float | None) -> NDArray[np.int64]:
    """The likeliest class of each row; with a threshold, the second of two where its probability reaches it."""
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities[:, 1] >= threshold).astype(np.int64)


def metrics_for(task: str, quantiles: int = 0, *, is_ordered: bool = False) -> list[Metric]:
    """The metrics of a task, in the order of tables, for this number of predicted quantiles, or for ordered classes.

    Examples
    --------
    >>> [metric.key for metric in metrics_for("regression")]
    ['rmse', 'mae', 'r2']
    >>> [metric.key for metric in metrics_for("regression", quantiles=3)]
    ['pinball', 'coverage', 'interval_coverage', 'interval_width']

    """
    if task == "multilabel":
        return [m for m in METRICS.values() if m.task == task or m.is_for_labels]
    known = [m for m in METRICS.values() if m.task == task and (is_ordered or not m.needs_order)]
    return [m for m in known if m.quantiles[0] <= quantiles <= m.quantiles[1]]


def resolve_metric(key: str | None, task: str, quantiles: int = 0, *, is_ordered: bool = False) -> Metric:
    """The metric of that key; by default the log loss or the root mean squared error, for quantiles the pinball loss.

    Raises
    ------
    PlanError
        If there is no such metric for the task, or it cannot be a goal.

    """
    known = {metric.key: metric for metric in metrics_for(task, quantiles, is_ordered=is_ordered) if metric.is_goal}
    if key is None:
        key = "pinball" if quantiles else "rmse" if task == "regression" else "log_loss"
    other: Task = "classification" if task == "regression" else "regression"
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


def _balanced_accuracy(measured: MeasuredClasses) -> Array:
    occurs = ~np.isnan(measured.recall)
    return np.asarray(np.where(occurs, measured.recall, 0).sum(axis=1) / occurs.sum(axis=1))


def _calibration_error(measured: MeasuredClasses) -> Array:
    """Naeini, Cooper & Hauskrecht 2015: |share that is right - mean probability|, in bins of the probability."""
    bins, gaps = measured.scorer.binned_gaps
    of_bins = sum_groups(measured.weights, bins, CALIBRATION_BINS, gaps)
    return np.asarray(np.abs(of_bins).sum(axis=1) / measured.total)


def _weighted_kappa(measured: MeasuredClasses) -> Array:
    true, predicted = (each.astype(np.float64) for each in (measured.scorer.true, measured.scorer.predicted))

    def mean(values: Array) -> Array:
        return np.asarray(sum_weighted(measured.weights, values) / measured.total)

    # Independent numbers i and j have the mean squared difference E i² + E j² - 2 E i E j.
    by_chance = mean(true**2) + mean(predicted**2) - 2 * mean(true) * mean(predicted)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(by_chance > 0, 1 - mean((predicted - true) ** 2) / by_chance, np.nan))


def _pinball(scorer: RegressionScorer) -> Array:
    levels = np.resize(scorer.quantiles, scorer.error.shape[1])
    return np.maximum(-levels * scorer.error, (1 - levels) * scorer.error)


def _is_covered(scorer: RegressionScorer) -> Array:
    return np.asarray(scorer.true <= scorer.predicted, dtype=np.float64)


def _is_within(scorer: RegressionScorer) -> Array:
    true, (low, high) = scorer.true[:, :: len(scorer.quantiles)], _outermost(scorer)
    return np.asarray((low <= true) & (true <= high), dtype=np.float64)


def _outermost(scorer: RegressionScorer) -> tuple[Array, Array]:
    """Return the lowest and the highest predicted quantile of each label, (n, labels) each."""
    step = len(scorer.quantiles)
    return scorer.predicted[:, ::step], scorer.predicted[:, step - 1 :: step]


def _interval_width(scorer: RegressionScorer) -> Array:
    low, high = _outermost(scorer)
    return high - low


# For editors and type checkers; a test holds both to the registry.
MetricName: TypeAlias = Literal[
    "accuracy",
    "balanced_accuracy",
    "log_loss",
    "auc",
    "f1",
    "brier",
    "calibration_error",
    "class_distance",
    "weighted_kappa",
    "subset_accuracy",
    "hamming_loss",
    "precision",
    "recall",
    "rmse",
    "mae",
    "r2",
    "pinball",
    "coverage",
    "interval_coverage",
    "interval_width",
]
ThresholdMetric: TypeAlias = Literal["accuracy", "balanced_accuracy", "f1"]

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key="accuracy", title="accuracy", task="classification", bounds=(0.0, 1.0),
            formula="share of rows with ŷ = y",
            row_values=lambda scorer: scorer.is_right,
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
            is_for_labels=True,
            row_values=lambda scorer: scorer.negative_log,
        ),
        Metric(
            key="auc", title="AUC", task="classification", bounds=(0.0, 1.0), needs_probabilities=True,
            formula="area under the ROC curve, one class against the rest, mean over the classes",
            is_for_labels=True,
            measure=lambda measured: measured.area,
        ),
        Metric(
            key="f1", title="F1", task="classification", bounds=(0.0, 1.0),
            formula="2 precision recall / (precision + recall), mean over the classes",
            is_for_labels=True,
            measure=lambda measured: measured.f1_score,
            from_counts=lambda tp, fp, positives, _: 2 * tp / (tp + fp + positives),
        ),
        Metric(
            key="brier", title="Brier score", task="classification", bounds=(0.0, 2.0), lower_is_better=True,
            needs_probabilities=True,
            formula="mean over the rows of the sum over the classes c of (p(c) - [y = c])² (Brier 1950)",
            row_values=lambda scorer: scorer.squared_distances,
        ),
        Metric(
            key="calibration_error", title="expected calibration error (ECE)", task="classification",
            bounds=(0.0, 1.0), lower_is_better=True, needs_probabilities=True,
            has_baseline=False,  # the shares of the classes are calibrated by construction
            formula="mean of |accuracy - mean p(ŷ)| over 15 bins of p(ŷ) (Naeini, Cooper & Hauskrecht 2015)",
            measure=_calibration_error,
        ),
        Metric(
            key="class_distance", title="mean absolute error in classes", task="classification",
            bounds=(0.0, math.inf), lower_is_better=True, needs_order=True,
            formula="mean of the number of classes from y to ŷ, in their order",
            row_values=lambda scorer: np.abs(scorer.predicted - scorer.true).astype(np.float64),
        ),
        Metric(
            key="weighted_kappa", title="quadratic weighted kappa", task="classification", bounds=(-1.0, 1.0),
            needs_order=True,
            formula="1 - mean of d² / its mean if y and ŷ were independent, for d classes from y to ŷ (Cohen 1968)",
            measure=_weighted_kappa,
        ),
        Metric(
            key="subset_accuracy", title="subset accuracy", task="multilabel", bounds=(0.0, 1.0), is_joint=True,
            formula="share of rows with ŷ = y in every label",
            row_values=lambda scorer: scorer.is_right.all(axis=1, keepdims=True),
        ),
        Metric(
            key="hamming_loss", title="Hamming loss", task="multilabel", bounds=(0.0, 1.0), lower_is_better=True,
            formula="share of cells with ŷ ≠ y, over rows and labels",
            row_values=lambda scorer: ~scorer.is_right,
        ),
        Metric(
            key="precision", title="precision", task="multilabel", bounds=(0.0, 1.0),
            formula="share of yes among the rows predicted as yes, mean over the labels",
            measure=lambda measured: measured.precision,
        ),
        Metric(
            key="recall", title="recall", task="multilabel", bounds=(0.0, 1.0),
            formula="share of predicted yes among the rows of yes, mean over the labels",
            measure=lambda measured: measured.recall,
        ),
        Metric(
            key="rmse", title="root mean squared error", task="regression", bounds=(0.0, math.inf),
            lower_is_better=True, quantiles=(0, 1),
            formula="square root of the mean of e²",
            measure=lambda measured: np.sqrt(measured.squares),
        ),
        Metric(
            key="mae", title="mean absolute error", task="regression", bounds=(0.0, math.inf), lower_is_better=True,
            quantiles=(0, 1),
            formula="mean of |e|",
            row_values=lambda scorer: np.abs(scorer.error),
        ),
        Metric(
            key="r2", title="R²", task="regression", bounds=(-math.inf, 1.0), quantiles=(0, 1),
            formula="1 - mean of e² / variance of y",
            measure=lambda measured: measured.r2(),
        ),
        Metric(
            key="pinball", title="pinball loss", task="regression", bounds=(0.0, math.inf), lower_is_better=True,
            quantiles=(1, math.inf),
            formula="mean of max(q e, (q - 1) e) for the quantile q (Koenker & Bassett 1978)",
            row_values=_pinball,
        ),
        Metric(
            key="coverage", title="coverage", task="regression", bounds=(0.0, 1.0), quantiles=(1, math.inf),
            has_baseline=False, is_goal=False, has_mean=False,
            formula="share of rows with y ≤ ŷ; near q for the quantile q",
            row_values=_is_covered,
        ),
        Metric(
            key="interval_coverage", title="coverage of the interval", task="regression", bounds=(0.0, 1.0),
            quantiles=(2, math.inf), has_baseline=False, is_goal=False, is_joint=True,
            formula="share of rows with y between the lowest and the highest predicted quantile",
            row_values=_is_within,
        ),
        Metric(
            key="interval_width", title="width of the interval", task="regression", bounds=(0.0, math.inf),
            lower_is_better=True, quantiles=(2, math.inf), is_goal=False, is_joint=True,
            formula="mean difference of the highest and the lowest predicted quantile",
            row_values=_interval_width,
        ),
    )
}  # fmt: skip
