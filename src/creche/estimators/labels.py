"""Labels that estimators are given, and what all estimators do with rows and labels."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from creche.errors import TableError
from creche.estimators.pickled import pack_fitted, unpack_fitted
from creche.estimators.rows import validate_rows
from creche.model.thresholds import check_probability
from creche.plan.words import Task
from creche.table.label_argument import array_of_labels
from creche.table.label_stack import as_flags
from creche.table.labels import check_exact

__all__ = ["ClassLabels", "LabelledEstimator", "NumberLabels"]


class LabelledEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator that learns labels of rows, and predicts with its `model_`."""

    model_: Any
    random_state: Any
    _task: ClassVar[Task]

    def __getstate__(self) -> dict[str, Any]:
        return pack_fitted(dict(super().__getstate__()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpack_fitted(state, state.get("threads")))

    def _choose_task(self, labels: NDArray[Any]) -> Task:
        """Return the task that these labels are learnt by."""
        return self._task

    def _validate_labels(self, y: Any) -> NDArray[Any]:
        raise NotImplementedError

    def _remember_labels(self, labels: NDArray[Any]) -> None:
        """Set the attributes of a fitted estimator that depend on its labels."""

    def _validate_observations(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        if y is None:
            name = type(self).__name__
            raise TableError(f"This {name} estimator requires y to be passed, but the target y is None.")
        x, y = validate_rows(self, X, reset=reset), self._validate_labels(y)
        check_consistent_length(x, y)
        return x, y

    def _validate_fitted(self, X: Any) -> Any:
        check_is_fitted(self, "model_")
        return validate_rows(self, X, reset=False)

    def _draw_seed(self) -> int:
        if isinstance(self.random_state, Integral) and not isinstance(self.random_state, bool):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))


class ClassLabels(ClassifierMixin, LabelledEstimator):  # type: ignore[misc]
    """An estimator of classes, or of several labels of yes or no."""

    classes_: NDArray[Any]
    threshold: float | None
    ordered: bool
    _task = "classification"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _choose_task(self, labels: NDArray[Any]) -> Task:
        return "multilabel" if labels.ndim == 2 else "classification"

    def _remember_labels(self, labels: NDArray[Any]) -> None:
        if labels.ndim == 2:
            self.classes_ = np.arange(labels.shape[1])
            self._answer_type = labels.dtype
        else:
            self.classes_ = np.array(self.model_.classes, dtype=labels.dtype)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class for each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n, classes) array
            Columns in the order of `classes_`; rows sum to 1. For several labels, (n, k) probabilities of yes.

        """
        x = self._validate_fitted(X)
        return np.asarray(self.model_.predict_proba(x))

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of `predict_proba`: minus infinity where a probability is 0.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n, classes) array

        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _validate_labels(self, y: Any) -> NDArray[Any]:
        y = array_of_labels(y)
        if isinstance(y, list) and y and np.ndim(y[0]) == 1:
            y = np.asarray(y)
        if len(getattr(y, "shape", ())) == 2 and y.shape[1] > 1:
            answers = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
            if answers.dtype.kind in "biuf" and all(as_flags(column) is not None for column in answers.T):
                return answers
            raise TableError(
                f"y should be a 1d array, got an array of shape {tuple(y.shape)} instead, whose columns are not all 0 "
                "and 1; for several labels of classes, use MultiOutputClassifier of scikit-learn"
            )
        labels = np.asarray(column_or_1d(y, warn=True))
        check_classification_targets(labels)
        if self.ordered and labels.dtype.kind in "OUS":
            raise TableError(
                "ordered: y holds words, whose order is not known; number the classes from the lowest to the highest, "
                "as OrdinalEncoder(categories=…) of scikit-learn does",
                argument="ordered",
            )
        if self.threshold is not None:
            check_probability(self.threshold)  # before training; whether there are two classes, the model knows
        return labels

    def _apply_threshold(self) -> None:
        """Give the fitted model the threshold of the parameter, if there is one."""
        if self.threshold is not None:
            self.model_ = self.model_.with_threshold(self.threshold)


class NumberLabels(RegressorMixin, LabelledEstimator):  # type: ignore[misc]
    """An estimator of one or several numbers."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _validate_labels(self, y: Any) -> NDArray[Any]:
        y = array_of_labels(y)
        given = np.asarray(y)
        if given.dtype.kind in "iu" and given.size:
            for column in given.reshape(len(given), -1).T:
                check_exact(column, "y")
        numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)
        return np.asarray(column_or_1d(numbers, warn=True) if numbers.shape[1:] == (1,) else numbers)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return R², or of quantiles the mean of D²: 1 - pinball loss / that of the same quantile of y.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
        y : array-like (n,) or (n, k)
            The labels.
        sample_weight : array-like (n,), optional
            How much each row counts.

        Returns
        -------
        float
            At most 1; 0 for the best constant prediction.

        """
        predicted = self.predict(X)
        quantiles = self.model_.quantiles
        if not quantiles:
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        predicted = predicted.reshape(len(predicted), -1)
        true = np.asarray(y, dtype=np.float64).reshape(len(predicted), -1)
        columns = zip(np.repeat(true, len(quantiles), axis=1).T, predicted.T, strict=True)
        scores = [
            d2_pinball_score(own, p, sample_weight=sample_weight, alpha=quantiles[i % len(quantiles)])
            for i, (own, p) in enumerate(columns)
        ]
        return float(np.mean(scores))
