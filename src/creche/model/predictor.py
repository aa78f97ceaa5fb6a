"""What all that predict have in common, be it one network or several together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations, read_observations
from creche.table.reading.options import ReadOptions
from creche.table.row_weights import resolve_sample_weights

if TYPE_CHECKING:
    from creche.evaluation import ClassificationEvaluation, RegressionEvaluation, Threshold

__all__ = ["Predictor"]


class Predictor(ABC):
    """Takes tables and gives predictions, and judges them.

    Attributes
    ----------
    features : FeatureEncoder
        From columns to inputs.
    labels : LabelEncoder
        From outputs to classes or numbers.

    """

    features: FeatureEncoder
    labels: LabelEncoder

    @property
    @abstractmethod
    def quantile(self) -> float | None:
        """Which quantile of a label of numbers it predicts; None where it is the mean or the like."""

    @abstractmethod
    def _probabilities_of(self, data: Any) -> NDArray[Any]:
        """One column for each class; rows sum to 1."""

    @abstractmethod
    def _numbers_of(self, data: Any) -> NDArray[Any]:
        """Predicted numbers in the labels' units, (n,) or (n, k)."""

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes in the order of `predict_proba`'s columns; None for a label of numbers."""
        return self.labels.classes

    def predict_proba(self, data: Any) -> NDArray[Any]:
        """The probability of each class for each row.

        Parameters
        ----------
        data : file name, DataFrame or (n, d) array
            A table needs the columns the network was trained on, in any order; others are ignored.

        Returns
        -------
        (n, classes) array of the plan's precision
            Rows sum to 1.

        Raises
        ------
        TableError
            If a column is missing, or holds what it did not hold in training.
        CrecheError
            If the label is a number.

        """
        return self._probabilities_of(data)

    def predict(self, data: Any) -> NDArray[Any]:
        """The likeliest class of each row, or the predicted number.

        Parameters
        ----------
        data
            As for `predict_proba`.

        Returns
        -------
        (n,) array, or (n, k) for k labels

        """
        if self.classes is not None:
            return np.asarray(np.array(self.classes)[self.predict_proba(data).argmax(axis=1)])
        return self._numbers_of(data)

    def evaluate(
        self,
        data: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        n_resamples: int = 1000,
        threshold: float | None = None,
        missing_label: str = "error",
    ) -> ClassificationEvaluation | RegressionEvaluation:
        """How good the predictions are on rows whose label is known, beside saying always the same.

        Parameters
        ----------
        data : file name or DataFrame with the label column, or (n, d) array
        y : (n,) array, optional
            The labels, if `data` is without them.
        sample_weight : (n,) array or name of a column, optional
            How much each row counts.
        n_resamples : int, default 1000
            Resamples for the intervals of 95 %; 0 for none.
        threshold : float, optional
            Of two classes, the second is said where its probability is at least this.
        missing_label : {"error", "drop"}, default "error"
            What becomes of rows whose label is missing.

        Returns
        -------
        ClassificationEvaluation or RegressionEvaluation

        """
        rows = self.read_observations(data, y, missing_label=missing_label)
        return self.evaluate_rows(rows, sample_weight=sample_weight, n_resamples=n_resamples, threshold=threshold)

    def choose_threshold(
        self,
        data: Any,
        y: Any = None,
        *,
        metric: str | None = None,
        costs: tuple[float, float] | None = None,
        sample_weight: Any = None,
    ) -> Threshold:
        """Of two classes, from which probability on the second is best said: see `creche.evaluation.choose_threshold`.

        Parameters
        ----------
        data, y, sample_weight
            As for `evaluate`; best rows that are not those the result is judged by.
        metric : {"f1", "accuracy", "balanced_accuracy"}, optional
        costs : (float, float), optional
            Of saying the second class wrongly, and of failing to say it.

        """
        from creche.evaluation import choose_threshold

        rows = data if isinstance(data, Observations) else self.read_observations(data, y)
        if self.classes is None or len(self.classes) != 2:
            raise TableError("threshold: can be chosen for models of two classes only")
        truth = encode_classes(rows.y, self.classes, self.labels.name, rows.row_numbers)
        probabilities = self._probabilities_of(rows.x)
        weights = resolve_sample_weights(sample_weight, rows)
        return choose_threshold(probabilities, truth, metric=metric, costs=costs, weights=weights)

    def read_observations(
        self, data: Any, y: Any = None, *, read_options: ReadOptions | None = None, missing_label: str = "error"
    ) -> Observations:
        """Rows with their labels, read as the model's training rows were; arguments as for `evaluate`."""
        expected = {**self.features.kinds, **dict(zip(self.labels.names, self.labels.kinds, strict=False))}
        return read_observations(
            data, y, self.labels.names if y is None else None, expected=expected, missing_label=missing_label,
            read_options=read_options,
        )  # fmt: skip

    def evaluate_rows(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None = None,
        *,
        sample_weight: Any = None,
        n_resamples: int = 1000,
        threshold: float | None = None,
    ) -> ClassificationEvaluation | RegressionEvaluation:
        """`evaluate` for observations: rows that were read and checked already, and their weights."""
        if sample_weight is not None:
            weights = resolve_sample_weights(sample_weight, rows)
        said = self._numbers_of(rows.x) if self.classes is None else self._probabilities_of(rows.x)
        return self.prepare_evaluation(rows, weights, n_resamples=n_resamples, threshold=threshold)(said)

    def prepare_evaluation(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None = None,
        *,
        n_resamples: int = 1000,
        threshold: float | None = None,
    ) -> Callable[[NDArray[Any]], ClassificationEvaluation | RegressionEvaluation]:
        """Judges what is said of the rows, probabilities (n, classes) or numbers (n,) or (n, k), as often as asked."""
        from creche.evaluation import ClassificationLabels, RegressionEvaluation

        baseline = np.array(self.labels.baseline)
        if self.classes is not None:
            numbers = encode_classes(rows.y, self.classes, self.labels.name, rows.row_numbers)
            return ClassificationLabels.of(
                numbers, self.classes, weights=weights, n_resamples=n_resamples, baseline=baseline, threshold=threshold
            ).evaluate
        if threshold is not None:
            raise TableError(f"threshold: got {threshold!r}; is for models of two classes only")
        if rows.y.dtype.kind in "OUS":
            raise TableError(f"label {rows.label!r}: holds words; the network was trained on numbers there")
        return partial(
            RegressionEvaluation.of, y=rows.y.astype(np.float64), weights=weights, n_resamples=n_resamples,
            quantile=self.quantile, labels=self.labels.names, baseline=baseline,
        )  # fmt: skip
