"""What a neuron responds to: its activation over the values of one or two columns, the others at a typical row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import layer_outputs
from creche.errors import PlanError, nearest
from creche.explain.value_grid import ValueGrid, create_grid
from creche.model.model import Model
from creche.studio.protocol import requests, views
from creche.studio.protocol.views import FloatArray
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import encode_classes
from creche.table.observations import Observations
from creche.table.prepare import Prepared
from creche.table.table import Table

__all__ = ["ResponseGrids", "describe_response", "describe_small_responses"]

POINTS = 33  # of a curve, and along each side of a map
POINTS_OF_SMALL_CURVE = 17  # also for each column where the strongest is looked for
POINTS_OF_SMALL_MAP = 12  # along each side
ROWS_READ = 20_000
MOST_ROWS = 200  # that are drawn over it


@dataclass(frozen=True, slots=True, eq=False)
class TriedColumn:
    """A column with the values that are tried, and the inputs they are encoded as.

    Attributes
    ----------
    grid : ValueGrid
    inputs : slice
        The inputs of the network that the column is encoded as.
    block : (points, width) array
        The encoded values.

    """

    grid: ValueGrid
    inputs: slice
    block: NDArray[Any]


class ResponseGrids:
    """The values to try for each column of a table, encoded once; a column's inputs depend on that column only.

    Parameters
    ----------
    model : Model
        With the encoders.
    prepared : Prepared
        The table; of many training rows, the first 20,000 tell which values to try.

    Attributes
    ----------
    prepared : Prepared
    typical : (1, inputs) array
        The inputs for a row of medians and most frequent categories.
    shown : (m,) int64 array
        The places of the training rows that are drawn over a response.
    outcomes : (m,) float64 array
        Their class numbers, or labels.

    """

    def __init__(self, model: Model, prepared: Prepared) -> None:
        self.prepared = prepared
        rows = prepared.train.observations.take(np.arange(min(len(prepared.train.observations), ROWS_READ)))
        assert isinstance(rows.x, Table)
        self._model, self._table = model, rows.x.select(model.features.names)
        self.shown = np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64))
        shown = rows.take(self.shown)
        self.outcomes = np.asarray(_outcomes(model, shown), dtype=np.float64)
        self._tried: dict[tuple[str, int], TriedColumn] = {}
        self._places: dict[str, slice] = {}
        end = 0
        for column in model.features.columns:
            begin, end = end, end + column.width
            self._places[column.name] = slice(begin, end)
        self._encoders = {column.name: column for column in model.features.columns}
        typical = [self._encode(name, _typical(self.grid(name, 2))) for name in self.columns]
        self.typical = np.concatenate(typical, axis=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the network sees."""
        return tuple(self._places)

    def grid(self, name: str, points: int) -> ValueGrid:
        """Return a column with values to try: `points` evenly spaced numbers, or all categories.

        Raises
        ------
        PlanError
            If the network does not see such a column.

        """
        if name not in self._places:
            raise PlanError(f"column: got {name!r}; {nearest(name, self._places)}", argument="column")
        observed = create_grid(self._model, self._table, name, 2)
        if observed.is_category:
            return observed
        low, high = observed.tried.values[0], observed.tried.values[-1]
        if observed.kind == "datetime":
            return create_grid(self._model, self._table, name, points)
        return create_grid(self._model, self._table, name, points, at=np.linspace(low, high, points).tolist())

    def tried(self, name: str, points: int) -> TriedColumn:
        """Return a column with its values to try, encoded."""
        key = name, points
        if key not in self._tried:
            grid = self.grid(name, points)
            self._tried[key] = TriedColumn(grid, self._places[name], self._encode(name, grid))
        return self._tried[key]

    def _encode(self, name: str, grid: ValueGrid) -> NDArray[Any]:
        encoder = FeatureEncoder((self._encoders[name],), self._model.features.has_column_names)
        table = Table({name: grid.tried}, self._table.source, 1)
        return encoder.transform(table, self._model.plan.dtype)

    def inputs(self, columns: Sequence[TriedColumn]) -> NDArray[Any]:
        """Return the inputs for every combination of the values of one or two columns, the first varying fastest."""
        counts = [len(column.block) for column in columns]
        total = int(np.prod(counts))
        x = np.repeat(self.typical, total, axis=0)
        every = 1
        for column, count in zip(columns, counts, strict=True):
            x[:, column.inputs] = column.block[np.arange(total) // every % count]
            every *= count
        return x


def _outcomes(model: Model, rows: Observations) -> NDArray[Any]:
    if model.classes is not None:
        return encode_classes(rows.y, model.classes, model.labels.name, rows.row_numbers)
    return np.asarray(rows.y, dtype=np.float64).reshape(len(rows), -1)[:, 0]


def _typical(grid: ValueGrid) -> ValueGrid:
    """Return a grid with one value: the median of the rows, or the most frequent category."""
    observed = grid.observed
    present = observed.take(~observed.missing)
    if len(present) == 0:
        return ValueGrid(grid.name, grid.kind, observed.take(np.arange(1)), observed, grid.is_used)
    if grid.is_category:
        values, counts = np.unique(present.values, return_counts=True)
        one = values[[int(counts.argmax())]]
    else:
        one = np.sort(present.values)[[len(present) // 2]]
    place = np.flatnonzero(present.values == one[0])[:1]
    return ValueGrid(grid.name, grid.kind, present.take(place), observed, grid.is_used)


def describe_response(grids: ResponseGrids, model: Model, request: requests.Respond) -> views.NeuronResponse:
    """Return the response of a neuron of this network.

    Raises
    ------
    PlanError
        If there is no such neuron or column.

    """
    _check_neuron(model, request.layer, request.neuron)
    x_name = request.x_column or _find_strongest(grids, model, request)
    columns = _tried_columns(grids, x_name, request.y_column, POINTS)
    activations = _layer_activations(model, request.layer, grids.inputs(columns))[:, request.neuron]
    grid_x, grid_y = columns[0].grid, columns[-1].grid if len(columns) > 1 else None
    return views.NeuronResponse(
        layer=request.layer,
        neuron=request.neuron,
        title=_title(model, request),
        x_column=x_name,
        y_column=request.y_column,
        x_values=grid_x.numeric_positions.astype(np.float32),
        y_values=_NONE if grid_y is None else grid_y.numeric_positions.astype(np.float32),
        x_labels=_labels(grid_x),
        y_labels=() if grid_y is None else _labels(grid_y),
        activations=activations if grid_y is None else activations.reshape(len(grid_y), len(grid_x)),
        rows=_shown_rows(grids, grid_x, grid_y),
    )


def describe_small_responses(
    grids: ResponseGrids, model: Model, request: requests.RespondSmall
) -> views.SmallResponses:
    """Return the responses of some neurons of this network, in few numbers each.

    Raises
    ------
    PlanError
        If there is no such neuron or column.

    """
    for place in request.places:
        if len(place) != 2:
            raise PlanError(f"places: got {place}; needs (layer, neuron)", argument="places")
        _check_neuron(model, *place)
    if request.x_column is None:
        tried = [[grids.tried(name, POINTS_OF_SMALL_CURVE)] for name in grids.columns]
    else:
        points = POINTS_OF_SMALL_CURVE if request.y_column is None else POINTS_OF_SMALL_MAP
        tried = [_tried_columns(grids, request.x_column, request.y_column, points)]
    inputs = [grids.inputs(columns) for columns in tried]
    ends = np.cumsum([len(part) for part in inputs])[:-1]
    x = np.concatenate(inputs)
    layers = {layer: _layer_activations(model, layer, x) for layer in {layer for layer, _ in request.places}}
    found = []
    for layer, neuron in request.places:
        parts = np.split(layers[layer][:, neuron], ends)
        strongest = _strongest_of(parts)
        found.append(parts[strongest].reshape(-1, len(tried[strongest][0].block)))
    height, width = (max((part.shape[side] for part in found), default=0) for side in (0, 1))
    activations = np.full((len(found), height, width), np.nan, dtype=np.float32)
    for row, part in enumerate(found):
        activations[row, :, : part.shape[1]] = part
    return views.SmallResponses(activations, np.array([part.shape[1] for part in found], dtype=np.int32))


_NONE: FloatArray = np.empty(0, dtype=np.float32)


def _shown_rows(grids: ResponseGrids, x: ValueGrid, y: ValueGrid | None) -> FloatArray:
    """Return where training rows lie, with their class numbers or labels; those that lack a value are left out."""
    heights = np.zeros(len(grids.shown)) if y is None else y.numeric_row_positions[grids.shown]
    rows = np.stack([x.numeric_row_positions[grids.shown], heights, grids.outcomes], axis=1)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)], dtype=np.float32)


def _labels(grid: ValueGrid) -> tuple[str, ...]:
    return tuple(grid.labels) if grid.is_category else ()


def _title(model: Model, request: requests.Respond) -> str:
    layers = model.plan.network.layers
    if request.layer < len(layers):
        return f"neuron {request.neuron} of layer {request.layer}"
    names = model.labels.output_names(layers[-1].width)
    return f"the output of {names[request.neuron]}"


def _check_neuron(model: Model, layer: int, neuron: int) -> None:
    layers = model.plan.network.layers
    if not 1 <= layer <= len(layers):
        raise PlanError(f"layer: got {layer}; needs a layer from 1 to {len(layers)}", argument="layer")
    width = layers[layer - 1].width
    if not 0 <= neuron < width:
        message = f"neuron: got {neuron}; layer {layer} has neurons 0 to {width - 1}"
        raise PlanError(message, argument="neuron")


def _tried_columns(grids: ResponseGrids, x_name: str, y_name: str | None, points: int) -> list[TriedColumn]:
    if x_name == y_name:
        raise PlanError(f"y_column: got {x_name!r}, which is the first column already", argument="y_column")
    return [grids.tried(name, points) for name in (x_name, y_name) if name is not None]


def _layer_activations(model: Model, layer: int, x: NDArray[Any]) -> FloatArray:
    """Return the activation of each neuron of a layer for each input, (n, width); of the outputs, the predictions."""
    if layer < len(model.plan.network.layers):
        numbers = layer_outputs(model.plan, model.parameters, x, layer - 1)
    else:
        numbers = np.asarray(model.predict_encoded(x)).reshape(len(x), -1)[:, -model.plan.network.outputs :]
    return np.asarray(numbers, dtype=np.float32)


def _find_strongest(grids: ResponseGrids, model: Model, request: requests.Respond) -> str:
    """Return the column over whose values the activation changes most."""
    columns = [grids.tried(name, POINTS_OF_SMALL_CURVE) for name in grids.columns]
    x = np.concatenate([grids.inputs([column]) for column in columns])
    activations = _layer_activations(model, request.layer, x)[:, request.neuron]
    ends = np.cumsum([len(column.block) for column in columns])[:-1]
    return columns[_strongest_of(np.split(activations, ends))].grid.name


def _strongest_of(responses: Sequence[NDArray[Any]]) -> int:
    """Return the place of the response that changes most."""
    return int(np.argmax([float(np.ptp(part)) if np.isfinite(part).all() else 0.0 for part in responses]))
