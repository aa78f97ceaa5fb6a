"""How good predicted probabilities of classes are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.evaluation.bootstrap import Interval, check_count, check_weights, differences, intervals, resample_metrics
from creche.evaluation.curves import Curve, precision_recall, reliability, roc
from creche.evaluation.metrics import METRICS, ClassificationMeasures, f1_key, predict_classes

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ClassMetrics", "ClassificationEvaluation", "Misclassification"]


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Of one class against the rest.

    Attributes
    ----------
    name : class
    rows : int
    precision, recall, f1, auc : float
        NaN where there is nothing to count.
    f1_interval : (low, high) or None
        Between which 95 % of bootstrap resamples lie; None if none were asked for.

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
    """A row for which another class was said.

    Attributes
    ----------
    place : int
        Which of the judged rows, from 0.
    truth, predicted : class
    probability : float
        Given to the class that was said.
    of_truth : float
        Given to the truth.

    """

    place: int
    truth: Any
    predicted: Any
    probability: float
    of_truth: float


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationEvaluation:
    """Of predicted probabilities of classes.

    Attributes
    ----------
    rows : int
    classes : tuple
    accuracy : float
        The share of rows for which the right class was said.
    balanced_accuracy : float
        The mean over the classes of the share that was recognised.
    log_loss : float
        Mean of -log of the probability given to the truth; probabilities below 1e-15 count as that.
    auc : float
        Area under the ROC curve, one class against the rest, the mean over the classes; NaN if only one occurs.
    f1 : float
        The mean over the classes of 2 precision recall / (precision + recall).
    brier : float
        Mean over the rows of the squared differences between probabilities and truth, summed over the classes (Brier
        1950): 0 to 2.
    calibration_error : float
        How far the probability of the likeliest class is from the share of rows where it is right, over 15 bins.
    per_class : tuple of ClassMetrics
    confusion : (classes, classes) int64
        How many rows: the truth down, what was said across.
    intervals : dict of metric to (low, high)
        Between which 95 % of bootstrap resamples lie; empty if none were asked for.
    baseline : dict of metric to float
        Of always saying the commonest class of the training rows, with their shares as probabilities.
    gain : dict of metric to (low, high)
        Intervals of the difference to the baseline, on the same resamples.
    threshold : float or None
        Of two classes, from which probability on the second is said; None for the likelier one.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    >>> evaluation = ClassificationEvaluation.of(p, np.array([0, 0, 1, 1]), ("no", "yes"))
    >>> evaluation.accuracy, evaluation.confusion.tolist()
    (0.75, [[2, 0], [1, 1]])
    >>> [(mistake.truth, mistake.predicted, mistake.probability) for mistake in evaluation.largest_errors()]
    [('yes', 'no', 0.8)]

    """

    rows: int
    classes: tuple[Any, ...]
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    auc: float
    f1: float
    brier: float
    calibration_error: float
    per_class: tuple[ClassMetrics, ...]
    confusion: NDArray[np.int64]
    intervals: dict[str, Interval]
    baseline: dict[str, float]
    gain: dict[str, Interval]
    threshold: float | None
    _measures: ClassificationMeasures = field(repr=False)
    _weights: NDArray[np.float64] = field(repr=False)

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
    ) -> ClassificationEvaluation:
        """From probabilities (n, classes) and the numbers of the right classes (n,).

        Parameters
        ----------
        probabilities : (n, classes) array
        class_numbers : (n,) array of int
        classes : tuple
        weights : (n,) array, optional
            How much each row counts.
        n_resamples : int, default 1000
            Resamples; 0 for no intervals.
        baseline : (classes,) array, optional
            The share of each class among the training rows; by default, among these.
        threshold : float, optional

        Raises
        ------
        TableError
            If the weights cannot be, or the threshold.

        """
        truth = ClassificationTruth.of(
            class_numbers, classes, weights=weights, n_resamples=n_resamples, baseline=baseline, threshold=threshold
        )
        return truth.evaluate_rows(probabilities)

    def metrics(self) -> dict[str, float]:
        """Each metric by its name."""
        return {name: getattr(self, name) for name in METRICS}

    def largest_errors(self, most: int = 5) -> list[Misclassification]:
        """The rows for which a wrong class was said, those of which the network was surest first."""
        check_count("mistaken", most)
        p, truth, said = self._measures.probabilities, self._measures.truth, self._measures.predicted
        wrong = np.flatnonzero(said != truth)
        sure = p[wrong, said[wrong]]
        first = wrong[np.argsort(-sure, kind="stable")[:most]]
        return [
            Misclassification(
                int(i), self.classes[truth[i]], self.classes[said[i]], float(p[i, said[i]]), float(p[i, truth[i]])
            )
            for i in first
        ]

    def roc(self, of: Any = None) -> Curve:
        """The ROC curve of a class (by default the last) against the rest: false positive rate, true positive rate."""
        place = self._place(of)
        return roc(self._measures.probabilities[:, place], self._measures.truth == place, self._weights)

    def precision_recall(self, of: Any = None) -> Curve:
        """Recall and precision of a class (by default the last) at each threshold."""
        place = self._place(of)
        return precision_recall(self._measures.probabilities[:, place], self._measures.truth == place, self._weights)

    def reliability(self, bins: int = 10) -> Curve:
        """The mean probability of the likeliest class, and the share of rows where it is right, in bins."""
        p, truth = self._measures.probabilities, self._measures.truth
        return reliability(p.max(axis=1), p.argmax(axis=1) == truth, self._weights, bins)

    def _place(self, of: Any) -> int:
        if of is None:
            return len(self.classes) - 1
        if of not in self.classes:
            raise TableError(f"class: got {of!r}; there are {', '.join(map(repr, self.classes))}")
        return self.classes.index(of)

    def table(self) -> pl.DataFrame:
        """Each metric with its interval and the baseline, as a Polars DataFrame."""
        import polars as pl

        rows = []
        for name, value in self.metrics().items():
            low, high = self.intervals.get(name, (None, None))
            rows.append({"metric": name, "value": value, "low": low, "high": high, "baseline": self.baseline.get(name)})
        return pl.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """As plain data; numbers that are none are None."""
        per_class = [
            {
                "class": c.name,
                "rows": c.rows,
                **{n: _known(getattr(c, n)) for n in ("precision", "recall", "f1", "auc")},
                "f1_interval": None if c.f1_interval is None else list(c.f1_interval),
            }
            for c in self.per_class
        ]
        return {
            "rows": self.rows,
            "classes": list(self.classes),
            **{name: _known(value) for name, value in self.metrics().items()},
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "baseline": {name: _known(value) for name, value in self.baseline.items()},
            "gain": {name: list(pair) for name, pair in self.gain.items()},
            "per_class": per_class,
            "confusion": self.confusion.tolist(),
            "threshold": self.threshold,
        }


_intervals = intervals  # `of` has an argument of that name


def _only(metrics: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in metrics.items()}


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


@dataclass(frozen=True, eq=False)
class ClassificationTruth:
    """The right classes of some rows, by which any number of predictions can be judged: see `ClassificationEvaluation.of`.

    Attributes
    ----------
    numbers : (n,) int64
        Of the right classes.
    classes : tuple
    weights : (n,) float64
    always : ClassMeasures
        Saying the same of each row.
    n_resamples : int
    threshold : float or None

    """

    numbers: NDArray[np.int64]
    classes: tuple[Any, ...]
    weights: NDArray[np.float64]
    always: ClassificationMeasures
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
    ) -> ClassificationTruth:
        """Arguments as for `ClassificationEvaluation.of`."""
        count = check_weights(weights, len(class_numbers))
        _check_threshold(threshold, classes)
        truth = class_numbers.astype(np.int64)
        return cls(truth, classes, count, _always(baseline, truth, count, len(classes)), n_resamples, threshold)

    @cached_property
    def baseline(self) -> dict[str, float]:
        return _only(self.always(self.weights.reshape(1, -1)))

    def evaluate_rows(self, probabilities: NDArray[Any]) -> ClassificationEvaluation:
        """How good probabilities (n, classes) are."""
        classes, truth = self.classes, self.numbers
        p = probabilities.astype(np.float64)
        measures = ClassificationMeasures(p, truth, predict_classes(p, self.threshold))
        whole = self.weights.reshape(1, -1)
        per_class, areas = measures.per_class(whole), measures.areas(whole)
        found = _only(measures.metrics(whole, per_class, areas))
        samples = resample_metrics(measures.with_f1_of_classes, self.weights, self.n_resamples)
        of_always = resample_metrics(self.always, self.weights, self.n_resamples)
        confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(confusion, (truth, measures.predicted), 1)
        bounds = _intervals(samples)
        return ClassificationEvaluation(
            rows=len(p), classes=classes, **found, per_class=_per_class(per_class, areas, truth, classes, bounds),
            confusion=confusion, intervals={name: bounds[name] for name in METRICS if name in bounds},
            baseline=dict(self.baseline), gain=differences(samples, of_always), threshold=self.threshold,
            _measures=measures, _weights=self.weights,
        )  # fmt: skip


def _always(
    shares: NDArray[np.float64] | None, truth: NDArray[np.int64], weights: NDArray[np.float64], classes: int
) -> ClassificationMeasures:
    """Saying the same of each row."""
    given = np.bincount(truth, weights, classes) if shares is None else np.asarray(shares, dtype=np.float64)
    p = np.tile(given / given.sum(), (len(truth), 1))
    return ClassificationMeasures(p, truth, p.argmax(axis=1))


def _per_class(
    measured: tuple[NDArray[np.float64], ...],
    areas: NDArray[np.float64],
    truth: NDArray[np.int64],
    classes: tuple[Any, ...],
    bounds: dict[str, Interval],
) -> tuple[ClassMetrics, ...]:
    numbers = [values[0].tolist() for values in (*measured, areas)]
    rows = np.bincount(truth, minlength=len(classes)).tolist()
    of_f1 = [bounds.get(f1_key(c)) for c in range(len(classes))]
    return tuple(ClassMetrics(*of) for of in zip(classes, rows, *numbers, of_f1, strict=True))


def _check_threshold(threshold: float | None, classes: tuple[Any, ...]) -> None:
    if threshold is None:
        return
    if len(classes) != 2:
        raise TableError(f"threshold: got {threshold!r}, but there are {len(classes)} classes; it is for two only")
    if not 0 <= threshold <= 1:
        raise TableError(f"threshold: got {threshold!r}; needs a probability, from 0 to 1")
