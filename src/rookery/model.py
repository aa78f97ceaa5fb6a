"""The model: encoder, network and weights. It takes a table and gives predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.engine.machine import resolve_threads
from rookery.engine.native import new_predictor
from rookery.errors import RookeryError, TableError
from rookery.evaluation import ClassEvaluation, NumberEvaluation
from rookery.plan.losses import BinaryCrossEntropy
from rookery.plan.plan import Plan
from rookery.table.check import check_finite, matrix
from rookery.table.encode import FeatureEncoder, LabelEncoder
from rookery.table.prepare import observations
from rookery.table.read import is_table, read_table

__all__ = ["Model"]


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained network with what surrounds it.

    Attributes
    ----------
    plan : Plan
    features : FeatureEncoder
        From columns to inputs.
    labels : LabelEncoder
        From outputs to classes or numbers.
    weights : list of (W, b)
        Of each layer, W (d_in, d_out) and b (d_out,), in the plan's precision.

    """

    plan: Plan
    features: FeatureEncoder
    labels: LabelEncoder
    weights: list[tuple[NDArray[Any], NDArray[Any]]]
    threads: int | None = None
    _predictor: list[Any] = field(default_factory=list, init=False)

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
            If a column is missing, or a value.
        RookeryError
            If the label is a number.

        """
        if self.classes is None:
            raise RookeryError(f"predict_proba: the label {self.labels.name!r} is a number, not a class; use predict")
        predicted = self._predict(self._inputs(data))
        if predicted.shape[1] == 1:
            return np.hstack([1 - predicted, predicted])
        if isinstance(self.plan.loss, BinaryCrossEntropy):
            # One-against-rest probabilities need not sum to 1; all of them can even be 0 in float32.
            sums = predicted.sum(axis=1, keepdims=True)
            even = np.full_like(predicted, 1 / predicted.shape[1])
            return np.asarray(np.divide(predicted, sums, out=even, where=sums > 0))
        return predicted

    def predict(self, data: Any) -> NDArray[Any]:
        """The likeliest class of each row, or the predicted number.

        Parameters
        ----------
        data
            As for `predict_proba`.

        Returns
        -------
        (n,) array

        """
        if self.classes is not None:
            return np.asarray(np.array(self.classes)[self.predict_proba(data).argmax(axis=1)])
        outputs = self._predict(self._inputs(data))[:, 0].astype(np.float64)
        return np.asarray(outputs * self.labels.scale + self.labels.mean)

    def evaluate(self, data: Any, y: Any = None) -> ClassEvaluation | NumberEvaluation:
        """How good the predictions are on rows whose label is known.

        Parameters
        ----------
        data : file name or DataFrame with the label column, or (n, d) array
        y : (n,) array, optional
            The labels, if `data` is without them.

        Returns
        -------
        ClassEvaluation or NumberEvaluation

        """
        rows = observations(data, y, self.labels.name, self.features.names)
        if self.classes is None:
            if rows.y.dtype.kind in "OUS":
                raise TableError(f"label {rows.label!r}: holds words; the network was trained on numbers there")
            return NumberEvaluation.of(self.predict(rows.x), rows.y.astype(np.float64))
        return ClassEvaluation.of(self.predict_proba(rows.x), rows.y, self.classes, self.labels.name)

    def _inputs(self, data: Any) -> NDArray[Any]:
        names = self.features.names
        if is_table(data):
            table = read_table(data)
            x: NDArray[np.floating[Any]] = table.features(names)
            check_finite(x, names, table.source, first_row=1)
        else:
            x = matrix(data)
            if x.shape[1] != len(names):
                raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}")
            check_finite(x)
        return self.features.transform(x, self.plan.precision)

    def _predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        if not self._predictor:
            self._predictor.append(new_predictor(self.plan, self.weights, resolve_threads(self.threads)))
        return self._predictor[0].predict(inputs)  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_predictor": []}

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes is not None else "a number"
        return f"Model({self.plan.network}, {self.plan.network.parameters:,} parameters; {self.labels.name}: {what})"
