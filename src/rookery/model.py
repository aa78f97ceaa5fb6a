"""The model: encoder, network and weights. It takes a table and gives predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from rookery.engine.machine import resolve_threads
from rookery.engine.native import new_predictor
from rookery.errors import FileError, RookeryError, TableError
from rookery.evaluation import ClassEvaluation, NumberEvaluation, Threshold, choose_threshold
from rookery.plan.losses import BinaryCrossEntropy, Quantile
from rookery.plan.plan import Plan
from rookery.provenance import Provenance
from rookery.table.check import check_finite, matrix
from rookery.table.columns import Column, Table
from rookery.table.encode import FeatureEncoder
from rookery.table.labels import LabelEncoder, class_numbers
from rookery.table.observations import Observations, observations
from rookery.table.prepare import encoded_features
from rookery.table.read import is_table, read_table
from rookery.table.reading import Reading
from rookery.table.weights import sample_weights

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Model", "load"]

PARTS = ("plan", "features", "labels", "provenance")  # of a model's header


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
    threads : int, optional
        How many threads predict; by default ``ROOKERY_NUM_THREADS``, or else the cores this process may use.

    """

    plan: Plan
    features: FeatureEncoder
    labels: LabelEncoder
    weights: list[tuple[NDArray[Any], NDArray[Any]]]
    threads: int | None = None
    origin: Callable[[], Provenance] | Provenance | None = None
    _predictor: list[Any] = field(default_factory=list, init=False)

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes in the order of `predict_proba`'s columns; None for a label of numbers."""
        return self.labels.classes

    @property
    def provenance(self) -> Provenance | None:
        """Where the model comes from: preparation, digests of the data, history, evaluation."""
        if callable(self.origin):
            object.__setattr__(self, "origin", self.origin())
        return self.origin  # type: ignore[return-value]

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
        RookeryError
            If the label is a number.

        """
        return self._probabilities(self._outputs(data))

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
        return self.labels.decode_numbers(self._outputs(data))

    def evaluate(
        self,
        data: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        intervals: int = 1000,
        threshold: float | None = None,
        missing_label: str = "error",
    ) -> ClassEvaluation | NumberEvaluation:
        """How good the predictions are on rows whose label is known, beside saying always the same.

        Parameters
        ----------
        data : file name or DataFrame with the label column, or (n, d) array
        y : (n,) array, optional
            The labels, if `data` is without them.
        sample_weight : (n,) array or name of a column, optional
            How much each row counts.
        intervals : int, default 1000
            Resamples for the intervals of 95 %; 0 for none.
        threshold : float, optional
            Of two classes, the second is said where its probability is at least this.
        missing_label : {"error", "drop"}, default "error"
            What becomes of rows whose label is missing.

        Returns
        -------
        ClassEvaluation or NumberEvaluation

        """
        rows = self.observe(data, y, missing_label=missing_label)
        return self.judge(rows, sample_weight=sample_weight, intervals=intervals, threshold=threshold)

    def choose_threshold(
        self,
        data: Any,
        y: Any = None,
        *,
        metric: str | None = None,
        costs: tuple[float, float] | None = None,
        sample_weight: Any = None,
    ) -> Threshold:
        """Of two classes, from which probability on the second is best said: see `rookery.evaluation.choose_threshold`.

        Parameters
        ----------
        data, y, sample_weight
            As for `evaluate`; best rows that are not those the result is judged by.
        metric : {"f1", "accuracy", "balanced_accuracy"}, optional
        costs : (float, float), optional
            Of saying the second class wrongly, and of failing to say it.

        """
        rows = data if isinstance(data, Observations) else self.observe(data, y)
        if self.classes is None or len(self.classes) != 2:
            raise TableError("threshold: can be chosen for models of two classes only")
        truth = class_numbers(rows.y, self.classes, self.labels.name, rows.called)
        probabilities = self._probabilities(self._outputs(rows.x))
        weights = sample_weights(sample_weight, rows)
        return choose_threshold(probabilities, truth, metric=metric, costs=costs, weights=weights)

    def observe(
        self, data: Any, y: Any = None, *, reading: Reading | None = None, missing_label: str = "error"
    ) -> Observations:
        """Rows with their labels, read as the model's training rows were; arguments as for `evaluate`."""
        expected = {**self.features.kinds, **dict(zip(self.labels.names, self.labels.kinds, strict=False))}
        return observations(
            data, y, self.labels.names if y is None else None, expected=expected, missing_label=missing_label,
            reading=reading,
        )  # fmt: skip

    def judge(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None = None,
        *,
        sample_weight: Any = None,
        intervals: int = 1000,
        threshold: float | None = None,
    ) -> ClassEvaluation | NumberEvaluation:
        """`evaluate` for observations: rows that were read and checked already, and their weights."""
        if sample_weight is not None:
            weights = sample_weights(sample_weight, rows)
        outputs = self._outputs(rows.x)
        baseline = np.array(self.labels.baseline)
        if self.classes is None:
            if threshold is not None:
                raise TableError(f"threshold: got {threshold!r}; is for models of two classes only")
            if rows.y.dtype.kind in "OUS":
                raise TableError(f"label {rows.label!r}: holds words; the network was trained on numbers there")
            loss = self.plan.loss
            return NumberEvaluation.of(
                self.labels.decode_numbers(outputs), rows.y.astype(np.float64), weights=weights, intervals=intervals,
                quantile=loss.quantile if isinstance(loss, Quantile) else None, labels=self.labels.names,
                baseline=baseline,
            )  # fmt: skip
        truth = class_numbers(rows.y, self.classes, self.labels.name, rows.called)
        return ClassEvaluation.of(
            self._probabilities(outputs), truth, self.classes, weights=weights, intervals=intervals,
            baseline=baseline, threshold=threshold,
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Writes the model to a file, ``.rookery``: all that is needed to predict, to show and to train it again.

        An older file of that name is replaced when the new one is whole on disk, not before.

        Raises
        ------
        FileError
            If it cannot be written.

        Examples
        --------
        >>> import tempfile, rookery as rk
        >>> model = rk.train("penguins", label="species", epochs=2, threads=1).model
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder + "/penguins.rookery")
        ...     again = rk.load(folder + "/penguins.rookery")
        >>> bool((again.predict_proba("penguins") == model.predict_proba("penguins")).all())
        True

        """
        from rookery.files.model_file import save_model

        save_model(self, path)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model as plain data and named arrays, as they go to a file."""
        origin = self.provenance
        header = {
            "plan": self.plan.to_dict(),
            "features": self.features.to_dict(),
            "labels": self.labels.to_dict(),
            "provenance": None if origin is None else origin.to_dict(),
        }
        return header, self.arrays()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights by name: ``layers.0.weights``, ``layers.0.bias``, …"""
        names = ("weights", "bias")
        return {
            f"layers.{i}.{name}": array
            for i, layer in enumerate(self.weights)
            for name, array in zip(names, layer, strict=True)
        }

    @classmethod
    def from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that `to_parts` described.

        Raises
        ------
        RookeryError
            If the parts do not fit together.

        """
        missing = [part for part in PARTS if part not in header]
        if missing:
            raise FileError(f"it has no {missing[0]}; the file was damaged or made by hand")
        plan = Plan.from_dict(header["plan"])
        features = FeatureEncoder.from_dict(header["features"])
        labels = LabelEncoder.from_dict(header["labels"])
        origin = None if header["provenance"] is None else Provenance.from_dict(header["provenance"])
        network = plan.network
        weights = []
        for i, (d_in, d_out) in enumerate(zip(network.widths[:-1], network.widths[1:], strict=True)):
            layer = arrays.get(f"layers.{i}.weights"), arrays.get(f"layers.{i}.bias")
            for array, shape in zip(layer, ((d_in, d_out), (d_out,)), strict=True):
                if array is None or array.shape != shape or array.dtype != plan.precision:
                    raise FileError(f"layer {i}: its weights do not fit the network {network}; the file is damaged")
                if not np.isfinite(array).all():
                    raise FileError(f"layer {i}: holds weights that are not finite; the file is damaged")
            weights.append(layer)
        outputs = labels.outputs(plan.loss)
        if (plan.task == "classes") != (labels.classes is not None):
            raise FileError(f"its task is {plan.task}, which does not fit its label; the file is damaged")
        if len(arrays) != 2 * len(network.layers) or (len(features.inputs), outputs) != (
            network.inputs,
            network.outputs,
        ):
            raise FileError(f"the network {network} does not fit its features and labels; the file is damaged")
        return cls(plan, features, labels, weights, None, origin)  # type: ignore[arg-type]

    def _inputs(self, data: Any) -> NDArray[Any]:
        """The network's inputs, (n, inputs), for what a user gives."""
        precision, names = self.plan.precision, self.features.names
        if is_table(data):
            kinds = self.features.kinds
            table = read_table(data, expected=kinds)
            if kinds or all(name in table.columns for name in names):
                return encoded_features(self.features, table, precision)
            if len(table.names) == len(names):  # trained on an array, whose columns have no names
                values = [column.values.astype(np.float64) for column in table.columns.values()]
                data = np.column_stack(values)
        x = matrix(data)
        if x.shape[1] != len(names):
            raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}")
        check_finite(x)
        if not self.features.kinds:
            return encoded_features(self.features, x, precision)
        columns = {name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}
        return encoded_features(self.features, Table(columns, "X", first_row=0), precision)

    def _outputs(self, data: Any) -> NDArray[Any]:
        """What the network gives for what a user gives, (n, outputs)."""
        if not self._predictor:
            self._predictor.append(new_predictor(self.plan, self.weights, resolve_threads(self.threads)))
        outputs: NDArray[Any] = self._predictor[0].predict(self._inputs(data))
        # The extremes are found faster than each number is looked at; probabilities are not below 0.
        lowest = outputs.min(initial=0) if self.classes is None else 0
        if not (math.isfinite(outputs.max(initial=0)) and math.isfinite(lowest)):
            row = int(np.argmax(~np.isfinite(outputs).all(axis=1)))
            row += getattr(data, "first_row", 1 if is_table(data) else 0)
            raise TableError(
                f"row {row}: the network gives {outputs[~np.isfinite(outputs)][0]} for it: its numbers, or the weights "
                f"of a network that diverged, are too large for {self.plan.precision}"
            )
        return outputs

    def _probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """One column for each class; rows sum to 1."""
        if self.classes is None:
            raise RookeryError(f"predict_proba: the label {self.labels.name!r} is a number, not a class; use predict")
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        if isinstance(self.plan.loss, BinaryCrossEntropy):
            # One-against-rest probabilities need not sum to 1; all of them can even be 0 in float32.
            sums = outputs.sum(axis=1, keepdims=True)
            even = np.full_like(outputs, 1 / outputs.shape[1])
            return np.asarray(np.divide(outputs, sums, out=even, where=sums > 0))
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        self.provenance  # noqa: B018 - a run cannot be pickled, what it says can
        return {**self.__dict__, "_predictor": []}

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes is not None else "a number"
        return f"Model({self.plan.network}, {self.plan.network.parameters:,} parameters; {self.labels.name}: {what})"


def load(path: str | Path, threads: int | None = None) -> Model:
    """The model in a file that `Model.save` or ``rookery train -o`` wrote.

    Nothing in the file is run, and nothing is believed unchecked.

    Parameters
    ----------
    path : file name
    threads : int, optional
        How many threads predict; by default ``ROOKERY_NUM_THREADS``, or else the cores this process may use.

    Returns
    -------
    Model

    Raises
    ------
    FileError
        If there is none: no file, another thing, a damaged one, or one that a newer Rookery wrote.

    """
    from rookery.files.model_file import load_model

    return replace(load_model(path), threads=threads)
