"""The user's rows for an explanation: how they are read, which of them are meant, and how they are numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.errors import PlanError, TableError
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.plan.words import MissingLabel
from creche.table.cell_types import ColumnContext, Rule
from creche.table.checks import check_finite, check_matrix
from creche.table.observations import Observations
from creche.table.prepare import encode_features, encode_labels
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.row_weights import resolve_sample_weights
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

__all__ = [
    "Batch",
    "FeatureRows",
    "as_predictor",
    "create_batch",
    "read_labels_if_any",
    "read_observations",
    "read_rows",
    "select_rows",
    "take_rows",
]


def as_predictor(model: Any) -> Model | Ensemble:
    """Return a model or ensemble as it is, and the model of a run, a member of a colony or a fitted estimator.

    Raises
    ------
    PlanError
        If `model` is none of these.

    """
    for candidate in (model, getattr(model, "model", None), getattr(model, "model_", None)):
        if isinstance(candidate, Model | Ensemble):
            return candidate
    raise PlanError(
        f"model: got {type(model).__name__}; needs a Model, an Ensemble, a Run, a Member of a "
        "colony or a fitted estimator; creche.load reads a model"
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch:
    """Labelled rows, encoded for one model: made by `create_batch`.

    Attributes
    ----------
    observations : Observations
        The rows as the user gave them: columns, labels and row numbers.
    rows : Rows
        The same rows as the engine reads them.
    inputs : tuple of str
        The names of the network's inputs, the columns of ``rows.x``.

    """

    observations: Observations
    rows: Rows
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Batch({len(self):,} rows, {len(self.inputs):,} inputs)"


def create_batch(model: Model, data: Any, y: Any = None, *, sample_weight: Any = None) -> Batch:
    """Read and encode labelled rows once, for several explanations of the same model.

    Every function of `creche.explain` takes a batch as `data`.

    Parameters
    ----------
    model : Model
    data : file name, DataFrame or (n, d) array
        Rows with their labels, as for `Model.evaluate`.
    y : (n,) array, optional
        The labels, if `data` is without them.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts; by default all count the same.

    Returns
    -------
    Batch

    Raises
    ------
    TableError
        If there are no rows, a column or a label is missing, or a cell holds a value that training did not allow.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1).model
    >>> batch = cr.explain.create_batch(model, "penguins")
    >>> len(batch), len(batch.inputs)
    (344, 14)

    """
    observed = read_observations(model, data, y)
    weights = resolve_sample_weights(sample_weight, observed)
    precision = model.plan.dtype
    x = encode_features(model.features, observed.x, precision, observed.row_numbers)
    classes, targets = encode_labels(observed.y, model.labels, model.plan.loss, precision, observed.row_numbers)
    rows = Rows(x, classes, targets, None if weights is None else weights.astype(precision))
    return Batch(observed, rows, tuple(model.features.inputs))


def take_rows(batch: Batch, places: NDArray[np.int64]) -> Batch:
    """Return the rows of a batch at these places, in this order."""
    rows = batch.rows

    def take(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else np.ascontiguousarray(array[places])

    chosen = Rows(np.ascontiguousarray(rows.x[places]), take(rows.classes), take(rows.targets), take(rows.weights))
    return Batch(batch.observations.take(places), chosen, batch.inputs)


def read_observations(model: Predictor, data: Any, y: Any = None) -> Observations:
    """Return labelled rows, read as for `Model.evaluate`; those of a `Batch` are read already.

    Raises
    ------
    TableError
        If there are no rows, or a column or a label is missing.

    """
    source = _unwrap(data)
    return source if isinstance(source, Observations) else model.read_observations(source, y)


def read_labels_if_any(
    model: Predictor,
    data: Any,
    y: Any = None,
    *,
    read_options: ReadOptions | None = None,
    missing_label: MissingLabel = "error",
) -> Any:
    """Return labelled rows as `Observations` or a `Batch`; rows whose label is nowhere to be found, as data to predict.

    Parameters
    ----------
    model : Model or Ensemble
    data, y, missing_label
        As for `Model.evaluate`.
    read_options : ReadOptions, optional
        How to read a file.

    Returns
    -------
    Observations or Batch, or the `Table` or array without labels

    """
    if isinstance(data, Batch | Observations):
        return data
    if y is None:
        if not is_table(data):
            return data
        data = read_table(data, read_options, {**model.features.expected, **model.labels.expected})
        columns = [data.columns.get(name) for name in model.labels.names]
        if any(column is None or column.missing.all() for column in columns):
            return data
        read_options = None
    return model.read_observations(data, y, read_options=read_options, missing_label=missing_label)


def _unwrap(data: Any) -> Any:
    """Return the observations of a batch, and all other data as it is; None is refused."""
    if data is None:
        raise TableError("data: is missing; a model does not store rows, so pass rows to explain it with")
    return data.observations if isinstance(data, Batch) else data


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Rows whose labels need not be known: made by `read_rows`.

    Attributes
    ----------
    table : Table
        One column for each feature, by the name that the network knows; columns of arrays are x0, x1, …
    row_numbers : (n,) int64
        The numbers of the rows, as the user counts them: tables from 1, arrays from 0.
    y : (n,) array or None
        The labels that came with the rows apart from the table.

    """

    table: Table
    row_numbers: NDArray[np.int64]
    y: Any = None

    def __len__(self) -> int:
        return len(self.row_numbers)

    def take(self, places: NDArray[np.int64]) -> FeatureRows:
        """Return the rows at these places, without their labels."""
        return FeatureRows(self.table.take(places), self.row_numbers[places])

    def cells(self, names: tuple[str, ...]) -> tuple[NDArray[np.object_], ...]:
        """Return the cells of each of these columns, (n,) objects, None where one is missing."""
        return tuple(self.table.column(name).to_objects() for name in names)

    def labels(self, model: Predictor) -> NDArray[Any] | None:
        """Return the labels, (n,) objects, None where one is missing; None if neither `y` nor the table has them.

        Raises
        ------
        TableError
            If there are not as many labels as rows.

        """
        if self.y is not None:
            labels = list(self.y)
            if len(labels) != len(self.table):
                raise TableError(f"y: has {len(labels)} labels for {len(self.table)} rows; needs one for each")
            return _as_objects([value.item() if isinstance(value, np.generic) else value for value in labels])
        names, kinds = model.labels.names, model.labels.kinds
        if any(name not in self.table.columns or name in model.features.names for name in names):
            return None
        columns = []
        for name, kind in zip(names, kinds or ("number",) * len(names), strict=True):
            context = ColumnContext(self.table.source, name, self.table.first_row)
            column = coerce_column(self.table.columns[name], Rule(kind, required=True), context)
            if model.labels.is_multilabel:
                columns.append([None if np.isnan(v) else v == 1 for v in column.values.astype(np.float64).tolist()])
                continue
            words = column.words if column.kind == "boolean" else ()
            columns.append([words[int(v)] if words and v is not None else v for v in column.to_objects()])
        return _as_objects(columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)))


def _as_objects(values: list[Any]) -> NDArray[Any]:
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def read_rows(model: Predictor, data: Any, y: Any = None) -> FeatureRows:
    """Return the rows of a file, a DataFrame, an array, a `Batch` or observations, read as for `Model.predict`.

    Parameters
    ----------
    model : Model or Ensemble
    data : file name, DataFrame, (n, d) array, Batch or Observations
    y : (n,) array, optional
        The labels, if `data` is without them and they are wanted.

    Raises
    ------
    TableError
        If there are no rows, or a column is missing.

    """
    source = _unwrap(data)
    numbers = None
    if isinstance(source, Observations):
        numbers, y = source.row_numbers, source.y if y is None else y
        source = source.x
    table = _as_table(model, source)
    return FeatureRows(table, np.arange(len(table)) + table.first_row if numbers is None else numbers, y)


def _as_table(model: Predictor, source: Any) -> Table:
    names = model.features.names
    if is_table(source):
        table = read_table(source, expected=model.features.expected)
        if len(table) == 0:
            raise TableError(f"{table.source}: has no rows; needs at least one")
        return _with_feature_names(model, table)
    x = check_matrix(source, columns=len(names))
    if x.shape[1] != len(names):
        raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}: {', '.join(names)}")
    check_finite(x)
    return Table({name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}, "X", 0)


def _with_feature_names(model: Predictor, table: Table) -> Table:
    """Return the table; its columns are renamed in order if the network was trained on an array, which has no names."""
    names = model.features.names
    if not model.features.has_column_names and not all(name in table.columns for name in names):
        if len(table.names) != len(names):
            raise TableError(
                f"{table.source}: has {len(table.names)} columns; the network was trained on an array of {len(names)}"
            )
        return table.with_columns(dict(zip(names, table.columns.values(), strict=True)))
    for name in names:
        table.column(name)
    return table


NUMBERS_LISTED = 10


def select_rows(row_numbers: NDArray[np.int64], rows: Any, argument: str = "rows") -> NDArray[np.int64]:
    """Return the places, from 0, of the rows that a user means; the user counts tables from 1 and arrays from 0.

    Parameters
    ----------
    row_numbers : (n,) int64
        The numbers of the rows there are.
    rows : int, sequence of int, slice, (n,) boolean mask, or None for all
        Row numbers; a slice holds the rows from its start up to, but not including, its stop.
    argument : str, default "rows"
        The argument that an error names.

    Raises
    ------
    PlanError
        If `rows` is none of these.
    TableError
        If there is no row of that number, or none is selected.

    Examples
    --------
    >>> penguins = np.arange(1, 345)
    >>> select_rows(penguins, [12, 3]).tolist(), select_rows(penguins, slice(1, 4)).tolist()
    ([11, 2], [0, 1, 2])

    """
    if rows is None:
        return np.arange(len(row_numbers))
    if isinstance(rows, slice):
        return _select_slice(row_numbers, rows, argument)
    wanted = np.atleast_1d(np.asarray(rows))
    if wanted.dtype == np.bool_ and wanted.ndim == 1:
        if len(wanted) != len(row_numbers):
            raise PlanError(
                f"{argument}: got a mask of {len(wanted):,} values; needs one for each of the {len(row_numbers):,} rows"
            )
        places = np.flatnonzero(wanted)
        if len(places) == 0:
            raise TableError(f"{argument}: selects no rows; {_describe_numbers(row_numbers)}")
        return places
    if wanted.ndim != 1 or len(wanted) == 0 or wanted.dtype.kind not in "iu":
        raise PlanError(
            f"{argument}: got {rows!r}; needs row numbers, such as 12 or [3, 38], or a slice of them, such as "
            f"slice(1, 21); {_describe_numbers(row_numbers)}"
        )
    order = np.argsort(row_numbers, kind="stable")
    places = np.minimum(np.searchsorted(row_numbers[order], wanted), len(row_numbers) - 1)
    is_there = row_numbers[order][places] == wanted
    if not is_there.all():
        raise TableError(f"{argument}: there is no row {wanted[~is_there][0]}; {_describe_numbers(row_numbers)}")
    return order[places].astype(np.int64)


def _select_slice(row_numbers: NDArray[np.int64], rows: slice, argument: str) -> NDArray[np.int64]:
    ends = [end for end in (rows.start, rows.stop, rows.step) if end is not None]
    if not all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in ends):
        raise PlanError(f"{argument}: got {rows!r}; needs whole numbers")
    if rows.step is not None and rows.step < 1:
        raise PlanError(f"{argument}: got {rows!r}; needs a step of at least 1")
    first, last = int(row_numbers.min()), int(row_numbers.max())
    start, stop = first if rows.start is None else rows.start, last + 1 if rows.stop is None else rows.stop
    for number in (start, stop - 1):
        if not first <= number <= last:
            raise TableError(f"{argument}: there is no row {number}; {_describe_numbers(row_numbers)}")
    places = np.flatnonzero((row_numbers >= start) & (row_numbers < stop))[:: rows.step]
    if len(places) == 0:
        raise TableError(f"{argument}: {start}:{stop} selects no rows; {_describe_numbers(row_numbers)}")
    return places


def _describe_numbers(row_numbers: NDArray[np.int64]) -> str:
    """Say which row numbers there are, for an error."""
    numbers = row_numbers.tolist()
    if len(numbers) == 1:
        return f"the only row is {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"the rows are numbered {numbers[0]} to {numbers[-1]}"
    if len(numbers) <= NUMBERS_LISTED:
        return f"the rows are {', '.join(map(str, numbers))}"
    return f"the {len(numbers):,} rows have numbers from {min(numbers)} to {max(numbers)}"
