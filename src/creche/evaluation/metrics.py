"""Results in words: what things are called on pages, be they text or HTML."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LABELS",
    "METRICS",
    "NOT_OF_BASELINES",
    "ClassificationMeasures",
    "compare_with_baseline",
    "f1_key",
    "format_interval",
    "format_number",
    "metric_name",
    "name_purpose",
    "predict_classes",
]

LABELS = {
    "auc": "AUC", "f1": "F1", "rmse": "root mean squared error", "mae": "mean absolute error", "r2": "R²",
    "pinball": "pinball loss", "brier": "Brier score",
}  # fmt: skip


LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "rmse", "mae", "pinball"})


# Of always saying the same, these say nothing: it is right as often as it claims, by construction.
NOT_OF_BASELINES = frozenset({"calibration_error"})


def metric_name(name: str) -> str:
    """What a metric is called on pages.

    Examples
    --------
    >>> metric_name("log_loss"), metric_name("r2")
    ('log loss', 'R²')

    """
    return LABELS.get(name, name.replace("_", " "))


def format_number(value: float) -> str:
    """A metric as it is shown; nothing where there is none.

    Examples
    --------
    >>> format_number(0.98765), format_number(-0.00001), format_number(292.4183), format_number(float("nan"))
    ('0.9877', '0.0000', '292.42', '')

    """
    shown = "" if np.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"
    return shown.removeprefix("-") if shown == "-0.0000" else shown


def format_interval(low: float, high: float) -> str:
    """Between which numbers; nothing where it is not known."""
    return "" if np.isnan(low) else f"{format_number(low)} to {format_number(high)}"


def compare_with_baseline(name: str, gain: tuple[float, float] | None) -> str:
    """How a metric compares with always saying the same, by the interval of the difference.

    Returns
    -------
    {"better", "unsure", "worse", ""}
        Nothing where it is not known, or means nothing.

    Examples
    --------
    >>> compare_with_baseline("accuracy", (0.1, 0.3)), compare_with_baseline("log_loss", (0.1, 0.3)), compare_with_baseline("auc", (-0.1, 0.1))
    ('better', 'worse', 'unsure')

    """
    if gain is None or name in NOT_OF_BASELINES:
        return ""
    low, high = (-gain[1], -gain[0]) if name in LOWER_IS_BETTER else gain
    return "better" if low > 0 else "unsure" if high >= 0 else "worse"


def name_purpose(part: str) -> str:
    """What the rows of a part are for."""
    return {"train": "training", "test": "testing"}.get(part, part)


METRICS = ("accuracy", "balanced_accuracy", "log_loss", "auc", "f1", "brier", "calibration_error")


SMALLEST_PROBABILITY = 1e-15


BINS = 15


Array = NDArray[np.float64]


def f1_key(number: int) -> str:
    """By which name a class's F1 goes among metrics."""
    return f"f1 of class {number}"


def predict_classes(probabilities: Array, threshold: float | None) -> NDArray[np.int64]:
    """The likeliest class of each row; of two with a threshold, the second where its probability reaches it."""
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return (probabilities[:, 1] >= threshold).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationMeasures:
    """What does not depend on the weights, worked out once.

    Attributes
    ----------
    probabilities : (n, classes) float64
    truth, predicted : (n,) int64
        Numbers of classes.

    """

    probabilities: Array
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]

    def __call__(self, weights: Array) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights."""
        return self.metrics(weights, self.per_class(weights), self.areas(weights))

    def with_f1_of_classes(self, weights: Array) -> dict[str, Array]:
        """The same, and the F1 of each class."""
        per_class = self.per_class(weights)
        f1 = per_class[2]
        found = self.metrics(weights, per_class, self.areas(weights))
        return found | {f1_key(c): f1[:, c] for c in range(f1.shape[1])}

    def metrics(self, weights: Array, per_class: tuple[Array, Array, Array], areas: Array) -> dict[str, Array]:
        """Each metric, where `per_class` and `areas` of the same weights are known."""
        _, recall, f1 = per_class
        p, rows = self.probabilities, np.arange(len(self.truth))
        total = weights.sum(axis=1)
        there = ~np.isnan(recall)
        spread = p.copy()
        spread[rows, self.truth] -= 1
        logs = -np.log(np.maximum(p[rows, self.truth], SMALLEST_PROBABILITY))
        return {
            "accuracy": weights @ (self.predicted == self.truth) / total,
            "balanced_accuracy": np.where(there, recall, 0).sum(axis=1) / there.sum(axis=1),
            "log_loss": weights @ logs / total,
            "auc": _mean_of_known(areas),
            "f1": _mean_of_known(f1),
            "brier": weights @ (spread**2).sum(axis=1) / total,
            "calibration_error": self._calibration_error(weights) / total,
        }

    def per_class(self, weights: Array) -> tuple[Array, Array, Array]:
        """Precision, recall and F1 of each class, each (r, classes); NaN where there is nothing to count."""
        classes = np.arange(self.probabilities.shape[1])
        is_class = (self.truth[:, np.newaxis] == classes).astype(np.float64)
        said_class = (self.predicted[:, np.newaxis] == classes).astype(np.float64)
        right = weights @ (is_class * said_class)
        are, said = weights @ is_class, weights @ said_class
        with np.errstate(invalid="ignore", divide="ignore"):
            return right / said, right / are, 2 * right / (are + said)

    def areas(self, weights: Array) -> Array:
        """The area under the ROC curve of each class against the rest, (r, classes); NaN where one side is empty.

        The share of (class, rest) pairs that the probabilities put in order, ties half (Mann & Whitney 1947).
        """
        count = self.probabilities.shape[1]
        if count == 2:  # both classes have the same curve, turned around
            area = self._area(weights, 1)
            return np.column_stack([area, area])
        return np.column_stack([self._area(weights, c) for c in range(count)])

    def _area(self, weights: Array, of: int) -> Array:
        score = self.probabilities[:, of]
        if (score == score[0]).all():  # as of a baseline: ties only, which need no sorting
            both = (weights @ (self.truth == of) > 0) & (weights @ (self.truth != of) > 0)
            return np.where(both, 0.5, np.nan)
        order = np.argsort(score, kind="stable")
        ordered = weights[:, order]
        positive = self.truth[order] == of
        starts = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))
        others = np.add.reduceat(np.where(positive, 0.0, ordered), starts, axis=1)
        ours = np.add.reduceat(np.where(positive, ordered, 0.0), starts, axis=1)
        below = np.cumsum(others, axis=1) - others / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((ours * below).sum(axis=1) / (ours.sum(axis=1) * others.sum(axis=1)))

    def _calibration_error(self, weights: Array) -> Array:
        """Naeini, Cooper & Hauskrecht 2015: |share that is right - mean probability|, by how sure the network is."""
        sure = self.probabilities.max(axis=1)
        likeliest = self.probabilities.argmax(axis=1) == self.truth
        bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
        gap = np.zeros((len(sure), BINS))
        gap[np.arange(len(sure)), bins] = likeliest - sure
        return np.asarray(np.abs(weights @ gap).sum(axis=1))


def _mean_of_known(values: Array) -> Array:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))
