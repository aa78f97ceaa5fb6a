"""Evaluation of predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.bootstrap import Interval, check_count, check_weights
from creche.evaluation.columns import columns_to_dict, measure_columns
from creche.evaluation.evaluation import Evaluation, MetricValue
from creche.evaluation.metrics import Array
from creche.evaluation.scorers import RegressionScorer
from creche.plan.losses import Quantile, SquaredError

__all__ = ["LargeError", "RegressionEvaluation"]


@dataclass(frozen=True, slots=True)
class LargeError:
    """A row and the error of its prediction.

    Attributes
    ----------
    row : int
        Its position among the evaluated rows, from 0.
    label : str
        The name of the label.
    true, predicted : float
        In the label's units.

    """

    row: int
    label: str
    true: float
    predicted: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegressionEvaluation(Evaluation):
    """Evaluation of predicted numbers, in the label's units; for several labels or quantiles, means over them.

    Attributes
    ----------
    rows : int
        The number of rows.
    labels : tuple of str
        The names of the labels; of several quantiles, their names.
    quantiles : tuple of float
        The quantiles that the network was trained for; empty for the mean.
    rmse, mae : float
        Root mean squared error; mean absolute error. Models of several quantiles have neither, and no R².
    r2 : float
        1 - squared error / squared deviation from the mean; NaN if the label is constant.
    pinball : float or None
        Mean of max(q e, (q - 1) e) for e = label - prediction, if the network was trained for the quantile q (Koenker
        & Bassett 1978).
    values : dict of metric to float
        All of these by key.
    per_label : dict of label to dict of metric to float
        The metrics of each label.
    label_intervals : dict of label to dict of metric to (low, high)
        As `intervals`, for each label.
    intervals : dict of metric to (low, high)
        95 % confidence intervals (bootstrap); empty without resamples, and for fewer than ten rows.
    baseline : dict of metric to float
        The metrics of always predicting the mean, or the quantiles, of the training rows.
    gain : dict of metric to (low, high)
        95 % confidence intervals of the difference to the baseline, on the same resamples.
    training_rows : TrainingRows or None
        How many of the rows the model was trained on; None if there are none, or if it was not asked.

    Examples
    --------
    >>> evaluation = RegressionEvaluation.of(np.array([2.0, 4.0, 6.0]), np.array([1.0, 4.0, 8.0]))
    >>> round(evaluation.rmse, 4), evaluation.mae, round(evaluation.r2, 4)
    (1.291, 1.0, 0.7973)

    """

    labels: tuple[str, ...]
    per_label: dict[str, dict[str, float]]
    label_intervals: dict[str, dict[str, Interval]]
    quantiles: tuple[float, ...]
    _scorer: RegressionScorer = field(repr=False)

    rmse = MetricValue("rmse")
    mae = MetricValue("mae")
    r2 = MetricValue("r2")

    @property
    def constant(self) -> str:
        """The mean, or the quantiles that are predicted."""
        return "mean" if not self.quantiles else "quantile" if len(self.quantiles) == 1 else "quantiles"

    @property
    def interval(self) -> float | None:
        """The share of rows that should lie between the outermost of several quantiles; None without several."""
        return self.quantiles[-1] - self.quantiles[0] if len(self.quantiles) > 1 else None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels themselves, where `labels` are those of several quantiles of each."""
        if len(self.quantiles) < 2:
            return self.labels
        ending = f"_q{self.quantiles[0]:g}"
        return tuple(name.removesuffix(ending) for name in self.labels[:: len(self.quantiles)])

    @property
    def pinball(self) -> float | None:
        """Pinball loss, of a model that predicts quantiles; of several, the mean."""
        return self.values.get("pinball")

    @classmethod
    def of(
        cls,
        predicted: NDArray[Any],
        y: NDArray[Any],
        *,
        weights: Array | None = None,
        n_resamples: int = 1000,
        quantiles: Sequence[float] = (),
        labels: tuple[str, ...] = ("y",),
        baseline: Array | None = None,
    ) -> RegressionEvaluation:
        """Evaluate predictions.

        Parameters
        ----------
        predicted, y : (n,) or (n, k) arrays
            Predictions and labels; each label has as many predictions as there are quantiles, next to each other.
        weights : (n,) array, optional
            How much each row counts; 1 by default.
        n_resamples : int, default 1000
            Bootstrap resamples for the confidence intervals; 0 for none.
        quantiles : sequence of float, default ()
            The quantiles of each label that the network was trained to predict, in ascending order, if not the mean.
        labels : tuple of str, default ("y",)
            The names of the k labels, or quantiles.
        baseline : (k,) array, optional
            The means, or quantiles, of the training rows; by default, of these rows.

        Raises
        ------
        TableError
            If the weights are invalid.

        """
        checked, levels = check_weights(weights, len(y)), tuple(quantiles)
        columns = predicted.astype(np.float64).reshape(len(y), -1)
        given = y.astype(np.float64).reshape(len(y), -1)
        true = np.repeat(given, columns.shape[1] // given.shape[1], axis=1)
        center = np.average(true, axis=0, weights=checked)
        scorer = RegressionScorer(columns, true, levels, center)
        if baseline is None:
            loss = Quantile(levels) if levels else SquaredError()
            baseline = loss.best_constant(true, checked, columns.shape[1])
        constant = RegressionScorer(
            np.broadcast_to(np.asarray(baseline, dtype=np.float64), true.shape), true, levels, center
        )
        measured = measure_columns(scorer, constant, checked, n_resamples, labels)
        return cls(**measured, quantiles=levels, _scorer=scorer)

    def largest_errors(self, limit: int = 5) -> list[LargeError]:
        """Return the rows with the largest absolute errors, in standard deviations of their label.

        Of several quantiles, they are the rows that lie farthest outside the interval from the lowest to the highest.

        Parameters
        ----------
        limit : int, default 5
            At most this many.

        """
        check_count("limit", limit)
        true, predicted = self._scorer.true, self._scorer.predicted
        deviation = true.std(axis=0)
        off = np.abs(predicted - true) / np.where(deviation > 0, deviation, 1)
        if len(self.quantiles) > 1:
            step = len(self.quantiles)
            outside = np.zeros(off.shape)
            outside[:, ::step] = true[:, ::step] < predicted[:, ::step]
            outside[:, step - 1 :: step] = true[:, step - 1 :: step] > predicted[:, step - 1 :: step]
            off = off * outside
        first = np.argsort(-off, axis=None, kind="stable")[:limit]
        return [
            LargeError(int(i), self.labels[j], float(true[i, j]), float(predicted[i, j]))
            for i, j in zip(*np.unravel_index(first, off.shape), strict=True)
            if off[i, j] > 0
        ]

    def pairs(self, label: str) -> tuple[Array, Array]:
        """Return the true and the predicted values of a label, in its units.

        Parameters
        ----------
        label : str
            The name of the label.

        Returns
        -------
        true, predicted : (n,) float64

        """
        place = self.labels.index(label)
        return self._scorer.true[:, place].copy(), self._scorer.predicted[:, place].copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain data; None where a number is not finite."""
        return {
            **Evaluation.to_dict(self),
            **columns_to_dict(self.labels, self.per_label, self.label_intervals),
            **({"quantiles": list(self.quantiles)} if self.quantiles else {}),
        }
