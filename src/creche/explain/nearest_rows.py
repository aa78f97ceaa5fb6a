"""The training rows that a network treats most like a given row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche._progress import OnProgress, StepProgress, count_steps, watch_steps
from creche._system.resources import resolve_threads
from creche.engine.introspection import first_layer_inputs, layer_outputs
from creche.errors import TableError
from creche.explain.predictions import predict_array, unique_column_name
from creche.explain.rows import as_predictor, read_rows, select_rows
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.words import check_word
from creche.table.result_frames import RowsResult, frame_method
from creche.table.table import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NearestRows", "nearest_rows"]

Space: TypeAlias = Literal["last hidden", "inputs"]
SPACES: tuple[Space, ...] = get_args(Space)
NUMBERS_AT_ONCE = 4_000_000
ROWS_AT_ONCE = 16_384  # of the training rows

PREDICTED = ("predicted", "training_row_predicted", "training_row_probability")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NearestRows(RowsResult):
    """The training rows nearest to some rows: made by `nearest_rows`.

    Attributes
    ----------
    rows : (q,) int64
        The numbers of the rows that were asked about.
    near : (q, k) int64
        The numbers of the training rows nearest to each, the nearest first.
    distances : (q, k) float64
        Their Euclidean distances in `space`.
    space : {"last hidden", "inputs"}
        What was compared.
    label : str
        The name of the label.
    labels : (q, k) array of objects, or None
        The labels of the nearest training rows, None where one is missing; None if the rows came without labels.
    predicted : (q, outputs) float64
        The predictions for the rows: probabilities, or numbers in the labels' units.
    predicted_near : (q, k, outputs) float64
        The predictions for the nearest training rows.
    classes : tuple or None
        The classes; None for regression.
    names : tuple of str
        The names of the labels.

    """

    rows: NDArray[np.int64]
    near: NDArray[np.int64]
    distances: NDArray[np.float64]
    space: Space
    label: str
    labels: NDArray[Any] | None
    predicted: NDArray[np.float64]
    predicted_near: NDArray[np.float64]
    classes: tuple[Any, ...] | None
    names: tuple[str, ...]

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with one line for each row and each of its nearest training rows.

        Columns: row, rank, training_row, distance, the training row's label (if there is one), and the predictions for
        both rows. For classification these are classes, followed by the training row's probability of the class
        predicted for the row. Where the rows came in a DataFrame of pandas, the index has their labels.
        """
        import polars as pl

        k = self.near.shape[1]
        columns: dict[str, Any] = {
            "row": np.repeat(self.rows, k), "rank": np.tile(np.arange(1, k + 1), len(self.rows)),
            "training_row": self.near.ravel(), "distance": self.distances.ravel(),
        }  # fmt: skip
        if self.labels is not None:
            label = unique_column_name(self.label, (*columns, *PREDICTED))
            columns[label] = self.labels.reshape(columns["row"].size).tolist()
        if self.classes is None:
            for i, name in enumerate(self.names):
                columns[f"predicted_{name}"] = np.repeat(self.predicted[:, i], k)
                columns[f"training_row_predicted_{name}"] = self.predicted_near[:, :, i].ravel()
            return pl.DataFrame(columns)
        predicted = self.predicted.argmax(axis=1)
        columns["predicted"] = [self.classes[i] for i in np.repeat(predicted, k)]
        columns["training_row_predicted"] = [self.classes[i] for i in self.predicted_near.argmax(axis=2).ravel()]
        columns["training_row_probability"] = self.predicted_near[np.arange(len(self.rows)), :, predicted].ravel()
        return pl.DataFrame(columns)

    def __repr__(self) -> str:
        count, k = self.near.shape
        return f"NearestRows({k} training rows for each of {count} rows, space {self.space!r})"


@reject_unknown
def nearest_rows(
    model: Any,
    data: Any,
    rows: Any,
    train_data: Any = None,
    *,
    k: int = 5,
    space: Space = "last hidden",
    on_progress: OnProgress[StepProgress] = None,
) -> NearestRows:
    """Return the training rows that the network treats most like the given rows.

    In the last hidden layer, rows lie near each other if the network treats them alike, however much they differ in
    columns that it does not use. Doubt the prediction for a row whose nearest training rows have another label, or are
    far away.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
        The rows to ask about; labels are not needed.
    rows : int, sequence of int, or slice
        Row numbers of `data`: tables are counted from 1, arrays from 0.
    train_data : file name, DataFrame, (n, d) array or pair (X, y), optional
        The rows to search, with their labels if the result should list them; by default those of `data`. If it is the
        same as `data`, a row is not its own neighbour.
    k : int, default 5
        How many training rows to return for each row.
    space : {"last hidden", "inputs"}, default "last hidden"
        What is compared: the activations of the last hidden layer, or the network's inputs (numbers are standardized
        unless training switched that off; two different categories are the square root of 2 apart). For a network
        without hidden layers both are the same.
    on_progress : callable or False, optional
        By default, a bar appears in a notebook or a terminal if this takes long; False shows none. A function is called
        with a `StepProgress` after each group of training rows.

    Returns
    -------
    NearestRows

    Raises
    ------
    PlanError
        If there is no such space.
    TableError
        If there is no such row, the columns are not those the model was trained on, or there are fewer than `k`
        training rows.

    Notes
    -----
    Distances are Euclidean, in float64; among equal ones the earlier row comes first. For an ensemble the squared
    distance is the mean of its networks' squared distances, weighted by their shares. Neighbours in a network's last
    layer as an explanation: Papernot & McDaniel 2018, "Deep k-nearest neighbors".

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=20, threads=1).model
    >>> near = cr.explain.nearest_rows(model, "penguins", [1, 200], k=3)
    >>> near.near.shape, bool((near.distances[:, 1:] >= near.distances[:, :-1]).all())
    ((2, 3), True)
    >>> near.table().columns[:5]
    ['row', 'rank', 'training_row', 'distance', 'species']

    """
    space = check_word("space", space, SPACES)
    k = check_whole_number("k", k, at_least=1)
    predictor = as_predictor(model)
    x, y = train_data if isinstance(train_data, tuple) and len(train_data) == 2 else (train_data, None)
    is_same = x is None or _is_same(x, data)
    queried = read_rows(predictor, data, y if is_same else None)
    places = select_rows(queried.row_numbers, rows)
    training = queried if is_same else read_rows(predictor, x, y)
    labels = training.labels(predictor)
    available = len(training) - is_same
    if k > available:
        count = format_count(available, "training row")
        raise TableError(f"k: got {k}; there {'is' if available == 1 else 'are'} {count} to choose from")
    query = queried.table.take(places)
    with watch_steps(on_progress):
        squares = _mean_squared_distances(predictor, query, training.table, space)
    if is_same:
        squares[np.arange(len(places)), places] = np.inf
    near = np.argsort(squares, axis=1, kind="stable")[:, :k]
    predicted_near = predict_array(predictor, training.table.take(near.ravel()))
    return NearestRows(
        queried.row_numbers[places], training.row_numbers[near], np.sqrt(np.take_along_axis(squares, near, axis=1)),
        space, predictor.labels.name, None if labels is None else labels[near], predict_array(predictor, query),
        predicted_near.reshape(*near.shape, -1), predictor.classes, predictor.labels.predicted_names,
        library=queried.table.library, row_labels=queried.table.row_labels,
    )  # fmt: skip


def _is_same(one: Any, other: Any) -> bool:
    """Whether both are one object, or one file."""
    return one is other or (isinstance(one, str | Path) and isinstance(other, str | Path) and str(one) == str(other))


def _networks(model: Predictor) -> Iterator[tuple[float, Model]]:
    """Yield the networks of an ensemble with their shares; a single model has the share 1."""
    if isinstance(model, Ensemble):
        yield from zip(model.shares.tolist(), model.models, strict=True)
    else:
        assert isinstance(model, Model)
        yield 1.0, model


def _represent(model: Model, inputs: NDArray[Any], space: Space) -> NDArray[np.float64]:
    """Return the inputs of the first layer for these rows, or the activations of its last hidden layer."""
    layers = model.plan.network.layers[:-1]
    if space == "inputs" or not layers:
        return first_layer_inputs(model.plan, model.parameters, inputs).astype(np.float64)
    threads = resolve_threads(model.threads)
    # Of several submodels side by side, so that squared distances are means over them.
    submodels = model.plan.network.submodels
    found = [
        layer_outputs(model.plan, model.parameters, inputs, len(layers) - 1, threads, submodel)
        for submodel in range(submodels)
    ]
    return np.asarray(np.concatenate(found, axis=1).astype(np.float64) / np.sqrt(submodels))


def _mean_squared_distances(model: Predictor, query: Table, training: Table, space: Space) -> NDArray[np.float64]:
    """Return the squared distances, (q, n), averaged over the networks of an ensemble by their shares."""
    networks = list(_networks(model))
    squares = np.zeros((len(query), len(training)))
    groups = len(networks) * max(1, -(-len(training) // ROWS_AT_ONCE))
    done = 0
    with count_steps(groups, "groups of training rows") as report:
        for share, network in networks:
            asked = _represent(network, network.features.transform(query, network.plan.dtype), space)
            inputs = network.features.transform(training, network.plan.dtype)
            for begin in range(0, len(training), ROWS_AT_ONCE):
                group = slice(begin, begin + ROWS_AT_ONCE)
                squares[:, group] += share * _squared_distances(asked, _represent(network, inputs[group], space))
                done += 1
                report(done)
    return squares


def _squared_distances(query: NDArray[np.float64], training: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances, (q, n), as sums of squared differences: |a|² - 2ab + |b|² would lose small ones."""
    at_a_time = max(1, NUMBERS_AT_ONCE // max(query.size, 1))
    pieces = [
        ((query[:, np.newaxis] - training[np.newaxis, begin : begin + at_a_time]) ** 2).sum(axis=2)
        for begin in range(0, len(training), at_a_time)
    ]
    return np.concatenate(pieces, axis=1)
