"""The model: encoders, a network and its weights. It takes a table and returns predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.choice import new_predictor
from creche.engine.device import CPU, Device, check_precision, resolve_predicting_device
from creche.engine.hardware import Hardware
from creche.engine.parameters import Parameters, parameter_shapes
from creche.errors import FileError, TableError
from creche.model.predictor import Predictor
from creche.model.storable import Storable
from creche.model.thresholds import DecisionThreshold, read_threshold
from creche.plan.plan import Plan
from creche.plan.words import DeviceName
from creche.table.checks import check_finite, check_matrix
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.prepare import encode_features
from creche.table.reading.read import is_table, read_table
from creche.table.row_encoder import RowEncoder, may_be_row
from creche.table.table import Column, Table

if TYPE_CHECKING:
    from creche.model.provenance import Provenance
    from creche.table.training_summary import TrainingSummary

__all__ = ["Model"]

ROWS_OF_BLOCK = 16_384  # of a table on disk
FEW_OUTPUTS = 32  # which Python tests faster than NumPy
# With more, the functions that encode a single observation take longer to make than many rows of a table to encode.
MOST_COLUMNS_OF_ROWS = 300
FILE_PREFIX = "layers."  # of the parameters in a model file
HEADER = ("plan", "features", "labels", "provenance")  # the keys of a model file's header


@dataclass(frozen=True, eq=False, repr=False)
class Model(Predictor, Storable):
    """A trained network with its encoders.

    Attributes
    ----------
    plan : Plan
        The plan it was trained with.
    features : FeatureEncoder
        Turns columns into inputs.
    labels : LabelEncoder
        Turns outputs into classes or numbers.
    parameters : Parameters
        All parameters of the network by name, in the plan's precision.
    threads : int, optional
        Number of threads for predictions; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    origin : Provenance or callable, optional
        The provenance, or a function that returns it when it is first asked for.
    summarize : TrainingSummary or callable, optional
        The summary of the training rows, or a function that returns it when it is first asked for.
    threshold : float, optional
        For two classes, the probability at or above which the second is predicted, and for several labels of yes or no,
        a tuple of those at or above which yes is predicted; by default, the likelier one is.
    device : Device
        What predicts: by default the processor, wherever the network was trained.

    """

    plan: Plan
    features: FeatureEncoder
    labels: LabelEncoder
    parameters: Parameters
    threads: int | None = None
    origin: Callable[[], Provenance] | Provenance | None = None
    summarize: Callable[[], TrainingSummary] | TrainingSummary | None = None
    threshold: DecisionThreshold | None = None
    device: Device = CPU
    _predictor: list[Any] = field(default_factory=list, init=False)

    @property
    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """W (d_in, d_out) and b (d_out,) of each layer, in the plan's precision."""
        return self.parameters.layers

    @property
    def provenance(self) -> Provenance | None:
        """Where the model comes from: preparation, digests of the data, history, evaluation; None if unknown."""
        if callable(self.origin):
            object.__setattr__(self, "origin", self.origin())
        return self.origin  # type: ignore[return-value]

    @property
    def training_summary(self) -> TrainingSummary | None:
        """What the model keeps of its training rows; None if it was saved by an earlier version."""
        if callable(self.summarize):
            object.__setattr__(self, "summarize", self.summarize())
        return self.summarize  # type: ignore[return-value]

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the header, plain data, and the named arrays of a model file."""
        origin, summary = self.provenance, self.training_summary
        header: dict[str, Any] = {
            "plan": self.plan.to_dict(),
            "features": self.features.to_dict(),
            "labels": self.labels.to_dict(),
            "provenance": None if origin is None else origin.to_dict(),
        }
        if self.threshold is not None:
            header["threshold"] = self.threshold
        if summary is None:
            return header, self.arrays()
        header["training"], arrays = summary.to_parts()
        return header, self.arrays() | arrays

    def _replace_threshold(self, threshold: DecisionThreshold | None) -> Self:
        return replace(self, threshold=threshold)

    def with_device(self, device: DeviceName | Device | None) -> Self:
        """Return the model with another device for predictions; explanations stay on the processor.

        Parameters
        ----------
        device : str, optional
            As for `creche.train`; by default ``CRECHE_DEVICE``, or else the processor.

        Raises
        ------
        PlanError
            If this machine lacks the device, or it lacks the precision of the network.

        """
        found = resolve_predicting_device(device)
        check_precision(found, self.plan)
        return replace(self, device=found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the parameters by name: ``layers.0.weights``, ``layers.0.bias``, …"""
        return {f"{FILE_PREFIX}{name}": array for name, array in self.parameters.items()}

    @classmethod
    def _from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        missing = [key for key in HEADER if key not in header]
        if missing:
            raise FileError(f"its header has no {missing[0]!r}; the file was damaged or made by hand")
        plan = Plan.from_dict(header["plan"])
        features = FeatureEncoder.from_dict(header["features"])
        labels = LabelEncoder.from_dict(header["labels"], plan.loss)
        origin = None if header["provenance"] is None else _provenance(header["provenance"])
        network, parameters = plan.network, _read_parameters(plan, arrays)
        outputs = labels.outputs(plan.loss)
        if plan.task != labels.task:
            raise FileError(f"its task is {plan.task}, which does not fit its label; the file is damaged")
        # Files of earlier versions have none.
        from creche.table.training_summary import TrainingSummary

        summary = TrainingSummary.from_parts(header["training"], arrays, features) if "training" in header else None
        expected = len(parameters) + (0 if summary is None else len(summary.to_parts()[1]))
        if len(arrays) != expected or (len(features.inputs), outputs) != (network.inputs, network.outputs):
            raise FileError(f"the network {network} does not fit its features and labels; the file is damaged")
        threshold = read_threshold(header.get("threshold"), labels)
        return cls(plan, features, labels, parameters, None, origin, summary, threshold)

    def _predict_probabilities(self, data: Any) -> NDArray[Any]:
        self._require_classes()
        return self.decode_outputs(self._predict_outputs(data))

    def _predict_numbers(self, data: Any) -> NDArray[Any]:
        numbers = self.decode_outputs(self._predict_outputs(data))
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def _predict_outputs(self, data: Any) -> NDArray[Any]:
        if not isinstance(data, Table) or not data.is_lazy:
            return self._outputs(self.encode_rows(data), data)
        from creche.table.disk_columns import read_blocks  # only now: nearly all tables are in memory

        outputs = np.empty((len(data), self.plan.network.outputs), dtype=self.plan.dtype)
        for places, block in read_blocks(data.select(self.features.names), ROWS_OF_BLOCK):
            outputs[places] = self._outputs(self.encode_rows(block), block)
        return outputs

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs of the first layer: with embeddings, more than the columns of the encoded table."""
        return self.plan.network.name_inputs(self.features.inputs)

    def predict_encoded(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Predict probabilities (n, classes), or numbers (n, k).

        Parameters
        ----------
        inputs : (n, inputs) array
            Rows from `encode_rows`.

        """
        return self.decode_outputs(self._outputs(inputs))

    def decode_outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Turn the network's outputs into probabilities (n, classes) or numbers (n, k).

        Parameters
        ----------
        outputs : (n, outputs) array

        """
        predicted = self.plan.loss.head(self.plan.task).finish(outputs)
        return predicted if self.classes is not None else self.labels.decode_numbers(predicted)

    def encode_rows(self, data: Any) -> NDArray[Any]:
        """Turn a table or an array into the network's inputs, (n, inputs), in the plan's precision.

        Parameters
        ----------
        data
            As for `predict_proba`.

        """
        precision, names = self.plan.dtype, self.features.names
        if may_be_row(data) and self.features.has_column_names and len(names) <= MOST_COLUMNS_OF_ROWS:
            row = self._row_encoder.encode(data)
            if row is not None:
                return row
        if is_table(data):
            expected = self.features.expected
            table = read_table(data, expected=expected)
            if expected or all(name in table.columns for name in names):
                return encode_features(self.features, table, precision)
            if len(table.names) == len(names):  # trained on an array, whose columns have no names
                values = [column.values.astype(np.float64) for column in table.columns.values()]
                data = np.column_stack(values)
        x = check_matrix(data, columns=len(names))
        if x.shape[1] != len(names):
            raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}")
        check_finite(x)
        if not self.features.kinds:
            return encode_features(self.features, x, precision)
        columns = {name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}
        return encode_features(self.features, Table(columns, "X", first_row=0), precision)

    @cached_property
    def _row_encoder(self) -> RowEncoder:
        return RowEncoder(self.features, self.plan.dtype)

    def _outputs(self, inputs: NDArray[Any], data: Any = None) -> NDArray[Any]:
        """The network's outputs, (n, outputs); errors name rows by their numbers in `data`."""
        if not self._predictor:
            hardware = Hardware(resolve_threads(self.threads), self.device)
            self._predictor.append(new_predictor(self.plan, self.parameters, hardware))
        outputs: NDArray[Any] = self._predictor[0].predict(inputs)
        if not self._are_finite(outputs):
            first = _first_row(data)
            self.check_outputs(outputs, range(first, first + len(outputs)))
        return outputs

    def _are_finite(self, outputs: NDArray[Any]) -> bool:
        if outputs.size <= FEW_OUTPUTS:
            return all(map(math.isfinite, outputs.ravel().tolist()))
        # Finding the extremes is faster than testing each number; probabilities are not below 0.
        lowest = outputs.min(initial=0) if self.classes is None else 0
        return math.isfinite(outputs.max(initial=0)) and math.isfinite(lowest)

    def check_outputs(self, outputs: NDArray[Any], row_numbers: Sequence[int] | NDArray[np.int64]) -> None:
        """Check that the network's outputs are finite.

        Parameters
        ----------
        outputs : (n, outputs) array
        row_numbers : (n,) sequence or array of int
            The numbers of the rows, for the error.

        Raises
        ------
        TableError
            If they are not, with the number of the first such row.

        """
        if self._are_finite(outputs):
            return
        row = int(np.argmax(~np.isfinite(outputs).all(axis=1)))
        raise TableError(
            f"row {row_numbers[row]}: the network's output is {outputs[~np.isfinite(outputs)][0]}: the row's numbers, "
            f"or the weights of a network that diverged, are too large for {self.plan.dtype}"
        )

    def __getstate__(self) -> dict[str, Any]:
        # These resolve `origin` and `summarize`, functions that cannot be pickled.
        self.provenance, self.training_summary  # noqa: B018
        kept = {name: value for name, value in self.__dict__.items() if name != "_row_encoder"}
        return {**kept, "_predictor": []}

    def __repr__(self) -> str:
        kind = f"{len(self.classes)} classes" if self.classes is not None else "a number"
        kind = "yes or no" if self.labels.is_multilabel else kind
        return f"Model({self.plan.network}, {self.plan.network.parameters:,} parameters; {self.labels.name}: {kind})"


def _read_parameters(plan: Plan, arrays: Mapping[str, NDArray[Any]]) -> Parameters:
    found = {}
    for name, shape in parameter_shapes(plan).items():
        array = arrays.get(f"{FILE_PREFIX}{name}")
        if array is None or array.shape != shape or array.dtype != plan.dtype:
            raise FileError(f"{name}: does not fit the network {plan.network}; the file is damaged")
        if not np.isfinite(array).all():
            raise FileError(f"{name}: holds numbers that are not finite; the file is damaged")
        found[name] = array
    return Parameters(found)


def _provenance(data: Mapping[str, Any]) -> Provenance:
    from creche.model.provenance import Provenance

    return Provenance.from_dict(data)


def _first_row(data: Any) -> int:
    """The number of the first row: for tables 1, or where they begin; for arrays 0."""
    return int(getattr(data, "first_row", 1 if is_table(data) else 0))
