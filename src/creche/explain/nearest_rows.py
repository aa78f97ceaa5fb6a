"""Which training rows a network takes to be most like a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.native import new_predictor
from creche.errors import PlanError, TableError, nearest
from creche.explain.rows import (
    as_predictor,
    as_table,
    labels_of_table,
    predict_array,
    read_labels,
    row_numbers,
    unique_column_name,
)
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.plan.arguments import check_whole_number
from creche.plan.losses import SquaredError
from creche.table.table import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NearestRows", "nearest_rows"]

SPACES = ("last hidden", "inputs")


NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NearestRows:
    """The training rows nearest to some rows: made by `nearest_rows`.

    Attributes
    ----------
    rows : (q,) int64
        What the user calls the rows looked at.
    near : (q, k) int64
        What the user calls the training rows nearest to each, the nearest first.
    distances : (q, k) float64
        Euclidean, in the space they were compared in.
    space : {"last hidden", "inputs"}
    label : str
    labels : (q, k) array of objects, or None
        Of the training rows, None where one is missing; None if they came without labels.
    predicted, predicted_near : (q, outputs) and (q, k, outputs) float64
        What the network says of the rows, and of the training rows: probabilities, or numbers.
    classes : tuple or None
    names : tuple of str
        Of the labels.

    """

    rows: NDArray[np.int64]
    near: NDArray[np.int64]
    distances: NDArray[np.float64]
    space: str
    label: str
    labels: NDArray[Any] | None
    predicted: NDArray[np.float64]
    predicted_near: NDArray[np.float64]
    classes: tuple[Any, ...] | None
    names: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame, a line for each pair of row and training row.

        The row, the rank and number of the training row, the distance, the training row's label (if it came with one),
        and what the network says of both: of classes, the likeliest, and the training row's probability of the class
        that the row is said to be.
        """
        import polars as pl

        k = self.near.shape[1]
        found: dict[str, Any] = {
            "row": np.repeat(self.rows, k), "rank": np.tile(np.arange(1, k + 1), len(self.rows)),
            "training row": self.near.ravel(), "distance": self.distances.ravel(),
        }  # fmt: skip
        if self.labels is not None:
            found[unique_column_name(self.label, (*found,))] = self.labels.reshape(found["row"].size).tolist()
        if self.classes is None:
            for i, name in enumerate(self.names):
                found[f"said of row: {name}"] = np.repeat(self.predicted[:, i], k)
                found[f"said of training row: {name}"] = self.predicted_near[:, :, i].ravel()
            return pl.DataFrame(found)
        likeliest = self.predicted.argmax(axis=1)
        found["said of row"] = [self.classes[i] for i in np.repeat(likeliest, k)]
        found["said of training row"] = [self.classes[i] for i in self.predicted_near.argmax(axis=2).ravel()]
        found["its probability"] = self.predicted_near[np.arange(len(self.rows)), :, likeliest].ravel()
        return pl.DataFrame(found)

    def __repr__(self) -> str:
        return f"NearestRows({self.near.shape[1]} training rows for each of {len(self.rows)} rows, by {self.space})"


def nearest_rows(
    model: Any, data: Any, rows: Any, train_data: Any = None, *, k: int = 5, space: str = "last hidden"
) -> NearestRows:
    """The training rows that the network takes to be most like some rows.

    In the last hidden layer, rows lie near each other if the network treats them alike, however much they differ in
    columns that it does not use. A row whose nearest neighbours have another label, or are far away, is one to doubt.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
    rows : int or list of int
        Of data, as you count them: from 1 in a table, from 0 in an array.
    train_data : file name, DataFrame, (n, d) array or pair (X, y), optional
        The rows to look among, with their labels if they are to be told; by default those of data. Where it is the
        very same as data, a row is not its own neighbour.
    k : int, default 5
    space : {"last hidden", "inputs"}, default "last hidden"
        What is compared: what the last hidden layer's neurons give, or the network's inputs (numbers standardised,
        unless it was trained without; a category differs by the square root of 2). Without hidden layers both are the
        same.

    Returns
    -------
    NearestRows

    Raises
    ------
    PlanError
        If there is no such row or space.
    TableError
        If the rows are not what the model was trained on, or there are fewer than k training rows.

    Notes
    -----
    Euclidean distances in float64 between the engine's numbers; of equal ones, the earlier row comes first. Of an
    ensemble, the squared distance is the mean of its networks' squared distances, by their shares. Neighbours in a
    network's last layer as an explanation: Papernot & McDaniel 2018, "Deep k-nearest neighbors".

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=20, threads=1).model
    >>> near = cr.explain.nearest_rows(model, "penguins", [1, 200], k=3)
    >>> near.near.shape, bool((near.distances[:, 1:] >= near.distances[:, :-1]).all())
    ((2, 3), True)
    >>> near.table().columns[:5]
    ['row', 'rank', 'training row', 'distance', 'species']

    """
    if space not in SPACES:
        raise PlanError(f"space: got {space!r}; {nearest(space, SPACES)}")
    k = check_whole_number("k", k, at_least=1)
    predicting = as_predictor(model)
    table = as_table(predicting, data)
    called = row_numbers(data, table)
    chosen = _places(rows, called, table.source)
    x, y = train_data if isinstance(train_data, tuple) and len(train_data) == 2 else (train_data, None)
    is_same = x is None or _is_same(x, data)
    among = table if is_same else as_table(predicting, x)
    among_called = called if is_same else row_numbers(x, among)
    labels = labels_of_table(predicting, among, read_labels(data if is_same else x, y))
    available = len(among) - is_same
    if k > available:
        raise TableError(f"k: got {k}; there {'is' if available == 1 else 'are'} {available:,} training row"
                         f"{'' if available == 1 else 's'} to choose from")  # fmt: skip
    asked = table.take(chosen)
    squares = np.zeros((len(chosen), len(among)))
    for share, network in _networks(predicting):
        squares += share * _squared(_seen(network, asked, space), _seen(network, among, space))
    if is_same:
        squares[np.arange(len(chosen)), chosen] = np.inf
    near = np.argsort(squares, axis=1, kind="stable")[:, :k]
    said = predict_array(predicting, among.take(near.ravel()))
    return NearestRows(
        called[chosen], among_called[near], np.sqrt(np.take_along_axis(squares, near, axis=1)), space,
        predicting.labels.name, None if labels is None else labels[near], predict_array(predicting, asked),
        said.reshape(*near.shape, -1), predicting.classes, predicting.labels.names,
    )  # fmt: skip


def _places(rows: Any, called: NDArray[np.int64], source: str) -> NDArray[np.int64]:
    """The places of rows, counted from 0."""
    given = np.atleast_1d(np.asarray(rows))
    first, last = called.min(), called.max()
    if given.ndim != 1 or len(given) == 0 or given.dtype.kind not in "iu":
        raise PlanError(f"rows: got {rows!r}; needs the number of a row, or a list of them, from {first} to {last}")
    place = {int(number): i for i, number in enumerate(called)}
    unknown = [int(row) for row in given if int(row) not in place]
    if unknown:
        raise PlanError(f"rows: there is no row {unknown[0]}; {source} has rows {first} to {last}")
    return np.array([place[int(row)] for row in given], dtype=np.int64)


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, str | Path) and isinstance(other, str | Path) and str(one) == str(other))


def _networks(model: Predictor) -> Iterator[tuple[float, Model]]:
    """The networks of an ensemble with their shares, or the one there is."""
    if isinstance(model, Ensemble):
        yield from zip(model.shares.tolist(), model.models, strict=True)
    else:
        assert isinstance(model, Model)
        yield 1.0, model


def _seen(model: Model, table: Table, space: str) -> NDArray[np.float64]:
    """Rows as the network sees them: its inputs, or what its last hidden layer gives."""
    inputs = model.features.transform(table, model.plan.precision)
    layers = model.plan.network.layers[:-1]
    if space == "inputs" or not layers:
        return inputs.astype(np.float64)
    # The network without its last layer, whose outputs squared error leaves as they are.
    network = replace(model.plan.network, layers=layers)
    plan = replace(model.plan, network=network, loss=SquaredError(), task="regression")
    predictor = new_predictor(plan, model.weights[:-1], resolve_threads(model.threads))
    return np.asarray(predictor.predict(inputs), dtype=np.float64)


def _squared(asked: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances, (q, n): sums of squared differences, for |a|² - 2ab + |b|² would lose the small ones."""
    at_a_time = max(1, NUMBERS_AT_ONCE // max(asked.size, 1))
    pieces = [
        ((asked[:, np.newaxis] - among[np.newaxis, begin : begin + at_a_time]) ** 2).sum(axis=2)
        for begin in range(0, len(among), at_a_time)
    ]
    return np.concatenate(pieces, axis=1)
