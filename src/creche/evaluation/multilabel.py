"""Evaluation of several predicted labels of yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.evaluation.bootstrap import Interval, check_count, check_weights
from creche.evaluation.classification import ClassificationEvaluation
from creche.evaluation.columns import columns_to_dict, measure_columns
from creche.evaluation.evaluation import Evaluation, MetricValue
from creche.evaluation.metrics import Array
from creche.evaluation.regression import LargeError
from creche.evaluation.scorers import MultilabelScorer

__all__ = ["MultilabelEvaluation"]

ANSWERS = ("no", "yes")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MultilabelEvaluation(Evaluation):
    """Evaluation of predicted probabilities of several labels of yes or no.

    Attributes
    ----------
    rows : int
        The number of rows.
    labels : tuple of str
        The names of the labels.
    subset_accuracy : float
        The share of rows whose labels were all predicted right.
    hamming_loss : float
        The share of wrong answers, over rows and labels.
    log_loss : float
        The mean of -log p of the true answer, over rows and labels.
    auc, f1, precision, recall : float
        Those of yes; the mean over the labels that have them (macro average).
    values : dict of metric to float
        All of these by key.
    per_label : dict of label to dict of metric to float
        The metrics of each label.
    label_intervals : dict of label to dict of metric to (low, high)
        As `intervals`, for each label.
    shares : dict of label to float
        The share of rows with yes.
    thresholds : tuple of float
        From which probability on yes is predicted, for each label.
    intervals : dict of metric to (low, high)
        95 % confidence intervals (bootstrap); empty without resamples, and for fewer than ten rows.
    baseline : dict of metric to float
        The metrics of predicting the more frequent answer of each label, with its share among the training rows as
        probability.
    gain : dict of metric to (low, high)
        95 % confidence intervals of the difference to the baseline, on the same resamples.
    training_rows : TrainingRows or None
        How many of the rows the model was trained on; None if there are none, or if it was not asked.

    Examples
    --------
    >>> p = np.array([[0.9, 0.2], [0.3, 0.6], [0.4, 0.1]])
    >>> y = np.array([[True, False], [False, True], [True, False]])
    >>> evaluation = MultilabelEvaluation.of(p, y, labels=("a", "b"))
    >>> round(evaluation.subset_accuracy, 4), round(evaluation.hamming_loss, 4)
    (0.6667, 0.1667)

    """

    labels: tuple[str, ...]
    per_label: dict[str, dict[str, float]]
    label_intervals: dict[str, dict[str, Interval]]
    shares: dict[str, float]
    thresholds: tuple[float, ...]
    _scorer: MultilabelScorer = field(repr=False)
    _weights: Array = field(repr=False)

    subset_accuracy = MetricValue("subset_accuracy")
    hamming_loss = MetricValue("hamming_loss")
    log_loss = MetricValue("log_loss")
    auc = MetricValue("auc")
    f1 = MetricValue("f1")
    precision = MetricValue("precision")
    recall = MetricValue("recall")

    @property
    def constant(self) -> str:
        """The more frequent answer of each label."""
        return "more frequent answers"

    @classmethod
    def of(
        cls,
        probabilities: NDArray[Any],
        y: NDArray[Any],
        *,
        weights: Array | None = None,
        n_resamples: int = 1000,
        labels: tuple[str, ...] | None = None,
        baseline: Array | None = None,
        thresholds: float | Sequence[float] | None = None,
    ) -> MultilabelEvaluation:
        """Evaluate predictions.

        Parameters
        ----------
        probabilities : (n, k) array
            The probability of yes of each label.
        y : (n, k) array of bool, or of 0 and 1
            The labels.
        weights : (n,) array, optional
            How much each row counts; 1 by default.
        n_resamples : int, default 1000
            Bootstrap resamples for the confidence intervals; 0 for none.
        labels : tuple of str, optional
            The names of the k labels.
        baseline : (k,) array, optional
            The shares of yes among the training rows; by default, among these rows.
        thresholds : float or (k,) sequence of float, optional
            From which probability on yes is predicted; 0.5 by default.

        Raises
        ------
        TableError
            If the weights are invalid.

        """
        checked = check_weights(weights, len(y))
        p, true = probabilities.astype(np.float64), y.astype(np.bool_)
        names = tuple(f"y{i}" for i in range(p.shape[1])) if labels is None else labels
        limits = np.broadcast_to(np.asarray(0.5 if thresholds is None else thresholds, dtype=np.float64), p.shape[1:])
        occurring = np.average(true, axis=0, weights=checked)
        shares = np.broadcast_to(occurring if baseline is None else np.asarray(baseline, dtype=np.float64), p.shape)
        scorer = MultilabelScorer(p, true, p >= limits)
        measured = measure_columns(scorer, MultilabelScorer(shares, true, shares >= 0.5), checked, n_resamples, names)
        return cls(
            **measured, shares=dict(zip(names, occurring.tolist(), strict=True)), thresholds=tuple(limits.tolist()),
            _scorer=scorer, _weights=checked,
        )  # fmt: skip

    def of_label(self, label: str) -> ClassificationEvaluation:
        """Return the evaluation of one label, as of the classes no and yes, without confidence intervals.

        Parameters
        ----------
        label : str
            The name of the label.

        Raises
        ------
        PlanError
            If there is no label of that name.

        """
        if label not in self.labels:
            raise PlanError(f"label: got {label!r}; {nearest(label, self.labels)}", argument="label")
        place = self.labels.index(label)
        own = self._scorer.labels[place]
        return ClassificationEvaluation.of(
            own.probabilities, own.true, ANSWERS, weights=self._weights, n_resamples=0,
            threshold=self.thresholds[place],
        )  # fmt: skip

    def largest_errors(self, limit: int = 5) -> list[LargeError]:
        """Return the wrong answers that were the surest: `true` is 0 or 1, `predicted` the probability of yes.

        Parameters
        ----------
        limit : int, default 5
            At most this many.

        """
        check_count("limit", limit)
        true, p = self._scorer.true, self._scorer.probabilities
        off = np.where(self._scorer.is_right, 0.0, np.abs(true - p))
        first = np.argsort(-off, axis=None, kind="stable")[:limit]
        return [
            LargeError(int(i), self.labels[j], float(true[i, j]), float(p[i, j]))
            for i, j in zip(*np.unravel_index(first, off.shape), strict=True)
            if off[i, j] > 0
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain data; None where a number is not finite."""
        return {
            **Evaluation.to_dict(self),
            **columns_to_dict(self.labels, self.per_label, self.label_intervals),
            "shares": dict(self.shares),
            "thresholds": list(self.thresholds),
        }
