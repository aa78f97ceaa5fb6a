"""What explanations by changed cells begin with: who predicts, and the rows as a table with the user's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.errors import PlanError, TableError, nearest
from creche.model.batched import BatchedModels
from creche.model.ensemble import Ensemble, apply_temperature
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.table.cell_types import ColumnContext, Rule, coerce_column
from creche.table.checks import check_finite, check_matrix
from creche.table.encoders.features import FeatureEncoder
from creche.table.observations import Observations
from creche.table.prepare import encode_features, encode_labels
from creche.table.reading.read import is_table, read_table
from creche.table.row_weights import resolve_sample_weights
from creche.table.table import Column, Table

__all__ = [
    "Batch",
    "EncodedRows",
    "Encoder",
    "FeatureRows",
    "as_predictor",
    "as_table",
    "column_blocks",
    "create_batch",
    "encode_inputs",
    "find_encoder",
    "find_outcome",
    "labels_of_table",
    "outcome_names",
    "predict_array",
    "read_feature_rows",
    "read_labels",
    "row_numbers",
    "select_places",
    "take_rows",
    "unique_column_name",
]

Encoder = Any  # NumberEncoder, CategoryEncoder or DateEncoder


def as_predictor(model: Any) -> Model | Ensemble:
    """A model or ensemble; of a run, a member of a colony or a fitted estimator, its model.

    Raises
    ------
    PlanError
        If it is none of these.

    """
    for found in (model, getattr(model, "model", None), getattr(model, "model_", None)):
        if isinstance(found, Model | Ensemble):
            return found
    raise PlanError(
        f"model: got {type(model).__name__}; needs a Model, an Ensemble, a Run, a Member of a "
        "colony or a fitted estimator; creche.load gives a model"
    )


def as_table(model: Predictor, data: Any) -> Table:
    """The rows as a table in which each column of the network's has its name; those of arrays are x0, x1, …

    Raises
    ------
    TableError
        If there is no row, or a column is missing.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    data = data.observations if isinstance(data, Batch) else data
    given = data.x if isinstance(data, Observations) else data
    names = model.features.names
    if is_table(given):
        table = read_table(given, expected=model.features.kinds)
        if len(table) == 0:
            raise TableError(f"{table.source}: has no rows; there is nothing to explain by")
        if not model.features.has_column_names and len(table.names) == len(names) and set(table.names) != set(names):
            table = Table(dict(zip(names, table.columns.values(), strict=True)), table.source, table.first_row)
        for name in names:
            table.column(name, "features")
        return table
    x = check_matrix(given)
    if x.shape[1] != len(names):
        raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}: {', '.join(names)}")
    check_finite(x)
    return Table({name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}, "X", 0)


def row_numbers(data: Any, table: Table) -> NDArray[np.int64]:
    """What the user calls each row of `as_table` these data."""
    data = data.observations if isinstance(data, Batch) else data
    return data.row_numbers if isinstance(data, Observations) else np.arange(len(table)) + table.first_row


def read_labels(data: Any, y: Any) -> Any:
    """The labels beside the rows, or those that came with them."""
    data = data.observations if isinstance(data, Batch) else data
    return data.y if y is None and isinstance(data, Observations) else y


def find_encoder(model: Predictor, table: Table, name: Any, argument: str) -> Encoder:
    """The encoder of a column; `argument` is where the user named it.

    Raises
    ------
    PlanError
        If the network was not trained on a column of that name: which there are.

    """
    found = {column.name: column for column in model.features.columns}
    if name in found:
        return found[name]
    if name in model.labels.names:
        raise PlanError(f"{argument}: {name!r} is what the network predicts; {nearest(name, found)}")
    if name in table.columns:
        raise PlanError(f"{argument}: {name!r} is in the table, but the network was not trained on it; it was on: "
                        f"{nearest(name, found).partition('There are: ')[2]}")  # fmt: skip
    raise PlanError(f"{argument}: got {name!r}; {nearest(name, found)}")


def outcome_names(model: Predictor) -> tuple[Any, ...]:
    """What numbers are said of: the classes, or the labels of numbers."""
    return model.labels.names if model.classes is None else model.classes


def find_outcome(outcomes: tuple[Any, ...], of: Any, argument: str = "of") -> int:
    """The place of a class or label.

    Raises
    ------
    PlanError
        If there is none of that name: which there are.

    """
    names = [str(outcome) for outcome in outcomes]
    if of in outcomes:
        return outcomes.index(of)
    if str(of) not in names:
        raise PlanError(f"{argument}: got {of!r}; {nearest(of, names)}")
    return names.index(str(of))


def predict_array(model: Predictor, table: Table) -> NDArray[np.float64]:
    """Probabilities (n, classes), or numbers in the labels' units (n, k)."""
    said = model.predict(table) if model.classes is None else model.predict_proba(table)
    return np.asarray(said, dtype=np.float64).reshape(len(table), -1)


def labels_of_table(model: Predictor, table: Table, y: Any = None) -> NDArray[Any] | None:
    """The rows' labels, (n,) objects, None where one is missing: as given, or in the table; None if there are none.

    Raises
    ------
    TableError
        If there are not as many as rows.

    """
    if y is not None:
        given = list(y)
        if len(given) != len(table):
            raise TableError(f"y: has {len(given)} labels for {len(table)} rows; needs one for each")
        return _as_objects([value.item() if isinstance(value, np.generic) else value for value in given])
    names, kinds = model.labels.names, model.labels.kinds
    if any(name not in table.columns or name in model.features.names for name in names):
        return None
    found = []
    for name, kind in zip(names, kinds or ("number",) * len(names), strict=True):
        column = coerce_column(
            table.columns[name], Rule(kind, required=True), ColumnContext(table.source, name, table.first_row)
        )
        words = column.words if column.kind == "boolean" else ()
        found.append([words[int(v)] if words and v is not None else v for v in column.to_objects()])
    return _as_objects(found[0] if len(found) == 1 else list(zip(*found, strict=True)))


def _as_objects(values: list[Any]) -> NDArray[Any]:
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def unique_column_name(name: str, taken: tuple[str, ...]) -> str:
    """The name of a column of a result, as no column of the user's is called."""
    while name in taken:
        name = f"{name} (result)"
    return name


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows with their labels.

    Attributes
    ----------
    observations : Observations
        As given: columns, labels, and what the user calls each row (`called`).
    rows : Rows
        As the engine reads them.
    inputs : tuple of str
        The names of the network's inputs: the columns of ``rows.x``.

    """

    observations: Observations
    rows: Rows
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


def create_batch(model: Model, data: Any, y: Any = None, *, sample_weight: Any = None) -> Batch:
    """Rows of a file, a DataFrame or arrays, for a model; arguments as for `Model.evaluate`.

    Raises
    ------
    TableError
        If there is no row, a column or the label is missing, or holds what it did not hold in training.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    observed = data if isinstance(data, Observations) else model.read_observations(data, y)
    weights = resolve_sample_weights(sample_weight, observed)
    precision = model.plan.precision
    x = encode_features(model.features, observed.x, precision, observed.row_numbers)
    classes, targets = encode_labels(observed.y, model.labels, model.plan.loss, precision, observed.row_numbers)
    rows = Rows(x, classes, targets, None if weights is None else weights.astype(precision))
    return Batch(observed, rows, tuple(model.features.inputs))


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Rows whose label need not be known.

    Attributes
    ----------
    x : Table or (n, d) array
    row_numbers : (n,) int64
        What the user calls each row.

    """

    x: Table | NDArray[Any]
    row_numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row_numbers)

    def take(self, which: NDArray[np.int64]) -> FeatureRows:
        """These of them, by place."""
        return FeatureRows(self.x.take(which) if isinstance(self.x, Table) else self.x[which], self.row_numbers[which])

    def cells(self, features: FeatureEncoder) -> tuple[NDArray[np.object_], ...]:
        """Of each column that the network takes: what stands in each row, None where nothing does."""
        if isinstance(self.x, Table):
            return tuple(self.x.column(name, "features").to_objects() for name in features.names)
        return tuple(self.x[:, i].astype(object) for i in range(self.x.shape[1]))


def read_feature_rows(model: Model | Ensemble, data: Any) -> FeatureRows:
    """The rows of a file, a DataFrame or an array; arguments as for `Model.predict`.

    Raises
    ------
    TableError
        If there is no row, or a column is missing.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    if isinstance(data, Batch):
        data = data.observations
    if isinstance(data, Observations):
        x = _named(model.features, data.x) if isinstance(data.x, Table) else data.x
        return FeatureRows(x, data.row_numbers)
    if is_table(data):
        table = read_table(data, expected=model.features.kinds)
        if len(table) == 0:
            raise TableError(f"{table.source}: has no rows; there is nothing to explain")
        return FeatureRows(_named(model.features, table), np.arange(len(table)) + table.first_row)
    x = check_matrix(data)
    check_finite(x)
    if len(x) == 0:
        raise TableError("X: has no rows; there is nothing to explain")
    return FeatureRows(x, np.arange(len(x)))


def _named(features: FeatureEncoder, table: Table) -> Table:
    """The table; its columns by their order where the network was trained on an array, whose columns have no names."""
    names = features.names
    if features.kinds or all(name in table.columns for name in names):
        return table
    if len(table.names) != len(names):
        raise TableError(
            f"{table.source}: has {len(table.names)} columns; the network was trained on an array of {len(names)}"
        )
    return Table(dict(zip(names, table.columns.values(), strict=True)), table.source, table.first_row)


def encode_inputs(model: Model, rows: FeatureRows) -> NDArray[Any]:
    """The network's inputs, (n, inputs)."""
    if isinstance(rows.x, Table):
        return encode_features(model.features, rows.x, model.plan.precision, rows.row_numbers)
    return model.inputs_of(rows.x)


def column_blocks(features: FeatureEncoder) -> list[slice]:
    """Which inputs are of each column."""
    ends = np.cumsum([column.width for column in features.columns]).tolist()
    return [slice(end - column.width, end) for column, end in zip(features.columns, ends, strict=True)]


class EncodedRows:
    """Rows, encoded once, whose columns can be shuffled among them.

    Parameters
    ----------
    model : Model or Ensemble
    rows : Given

    """

    def __init__(self, model: Model | Ensemble, rows: FeatureRows) -> None:
        self._model = model
        models = model.models if isinstance(model, Ensemble) else [model]
        self._together = BatchedModels(models, model.threads) if isinstance(model, Ensemble) else None
        encoding = models if self._together is None else self._together.encoding
        self._inputs = [encode_inputs(one, rows).copy() for one in encoding]
        self._blocks = [column_blocks(one.features) for one in encoding]

    def predict(self) -> NDArray[np.float64]:
        """Probabilities (n, classes), or numbers (n, k)."""
        if isinstance(self._model, Model):
            return self._model.predictions_of(self._inputs[0]).astype(np.float64)
        assert self._together is not None
        said = self._together.mean_of(self._inputs, self._model.shares)
        return said if self._model.classes is None else apply_temperature(said, self._model.temperature)

    def predict_shuffled(self, column: int, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same, as if the cells of a column stood in this order: what encoding such a table would give."""
        kept = []
        for x, blocks in zip(self._inputs, self._blocks, strict=True):
            block = x[:, blocks[column]].copy()
            kept.append(block)
            x[:, blocks[column]] = block[order]
        try:
            return self.predict()
        finally:
            for x, blocks, block in zip(self._inputs, self._blocks, kept, strict=True):
                x[:, blocks[column]] = block


def select_places(rows: Any, count: int) -> NDArray[np.int64]:
    """The places, from 0, that `rows` chooses among so many.

    Parameters
    ----------
    rows : slice, int, sequence of int, boolean mask, or None for all
    count : int

    Raises
    ------
    TableError
        If a row is not there, or none is chosen.

    Examples
    --------
    >>> select_places(slice(0, 3), 344).tolist(), select_places([5, 2], 344).tolist()
    ([0, 1, 2], [5, 2])

    """
    there_are = f"there are {count:,}, 0 to {count - 1}"
    if rows is None:
        return np.arange(count)
    if isinstance(rows, slice):
        return _of_slice(rows, count, there_are)
    places = np.atleast_1d(np.asarray(rows))
    if places.dtype == np.bool_:
        if places.shape != (count,):
            raise TableError(f"rows: got {places.size:,} times yes or no; needs one for each of the {count:,} rows")
        places = np.flatnonzero(places)
    if places.size == 0:
        raise TableError(f"rows: chooses none; {there_are}")
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise TableError(f"rows: got {rows!r}; needs places of rows, from 0, or a slice such as slice(0, 20)")
    wrong = np.flatnonzero((places < 0) | (places >= count))
    if len(wrong):
        raise TableError(f"rows: there is no row {places[wrong[0]]}; {there_are}")
    return places.astype(np.int64)


def _of_slice(rows: slice, count: int, there_are: str) -> NDArray[np.int64]:
    ends = [end for end in (rows.start, rows.stop, rows.step) if end is not None]
    if not all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in ends) or rows.step == 0:
        raise TableError(f"rows: got {rows!r}; needs whole numbers")
    for end in (rows.start, rows.stop):
        if end is not None and not -count <= end <= count:
            raise TableError(f"rows: {_written(rows)} goes beyond the table, whose {count:,} rows are 0:{count}")
    places = np.arange(count)[rows]
    if len(places) == 0:
        raise TableError(f"rows: {_written(rows)} chooses none; {there_are}")
    return places


def _written(rows: slice) -> str:
    return ":".join("" if end is None else str(end) for end in (rows.start, rows.stop))


def take_rows(batch: Batch, places: NDArray[np.int64]) -> Batch:
    """These rows of a batch, in this order."""
    rows = batch.rows

    def of(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else np.ascontiguousarray(array[places])

    chosen = Rows(np.ascontiguousarray(rows.x[places]), of(rows.classes), of(rows.targets), of(rows.weights))
    return Batch(batch.observations.take(places), chosen, batch.inputs)
