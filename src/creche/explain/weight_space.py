"""Where in a network a weight or a bias stands, and what the user calls it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import Weights
from creche.errors import PlanError, nearest
from creche.plan.network import Network

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = [
    "WeightPlace",
    "check_weights",
    "filter_normalized_directions",
    "find_weight",
    "flatten",
    "flatten_path",
    "output_names",
    "path_values",
    "principal_directions",
    "project",
    "read_weight",
    "resolve_path",
    "unflatten",
]

BIAS = "bias"


@dataclass(frozen=True, slots=True)
class WeightPlace:
    """One weight W[row, column] of a layer, or one bias b[column].

    Attributes
    ----------
    layer : int
        The layer whose weight it is, from 0.
    row : int or None
        From which input or neuron it comes; None for a bias.
    column : int
        To which neuron it goes.
    name : str
        Such as "weight from bill_length_mm to neuron 3 of layer 1". Neurons are counted from 0; the inputs are layer 0
        of them, so that the weights of layer 0 lead to layer 1.

    """

    layer: int
    row: int | None
    column: int
    name: str


def find_weight(model: Model, layer: Any, row: Any, column: Any, *, bias: bool = False) -> WeightPlace:
    """The place that a user means.

    Parameters
    ----------
    model : Model
    layer : int
    row : int or str
        In layer 0 also the name of an input; "bias", like `bias`, means the bias.
    column : int or str
        In the last layer also the name of a class or of a label.
    bias : bool

    Raises
    ------
    PlanError
        If it is not there: what is.

    """
    network = model.plan.network
    last = len(network.layers) - 1
    layer = _index("layer", layer, last, f"the network {network} has weights of layers 0 to {last}")
    inputs = model.features.inputs if layer == 0 else ()
    outputs = output_names(model) if layer == last else ()
    source = None
    if not (bias or (isinstance(row, str) and row == BIAS and BIAS not in inputs)):
        rows = network.widths[layer] - 1
        kind = "inputs" if layer == 0 else f"neurons of layer {layer}, by number,"
        source = _found(
            "row", row, inputs, rows, f"the weights of layer {layer} come from {kind} 0 to {rows}, or 'bias'"
        )
    columns = network.widths[layer + 1] - 1
    kind = "outputs" if layer == last else f"neurons of layer {layer + 1}, by number,"
    target = _found("column", column, outputs, columns, f"the weights of layer {layer} lead to {kind} 0 to {columns}")
    to = outputs[target] if outputs else f"neuron {target} of layer {layer + 1}"
    if source is None:
        return WeightPlace(layer, None, target, f"bias of {to}")
    return WeightPlace(
        layer, source, target, f"weight from {inputs[source] if inputs else _neuron(source, layer)} to {to}"
    )


def _neuron(number: int, layer: int) -> str:
    return f"neuron {number} of layer {layer}"


def _found(what: str, given: Any, names: Sequence[str], most: int, there_is: str) -> int:
    """The number of a name, or a number that is in range."""
    if isinstance(given, str) and names:
        if given not in names:
            raise PlanError(f"{what}: got {given!r}; {nearest(given, names)}")
        return list(names).index(given)
    return _index(what, given, most, there_is)


def _index(what: str, given: Any, most: int, there_is: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 0 <= given <= most:
        raise PlanError(f"{what}: got {given!r}; {there_is}")
    return int(given)


def output_names(model: Model) -> tuple[str, ...]:
    """What each output of the network is of: a class, or a label of numbers."""
    names = model.labels.names if model.classes is None else [str(value) for value in model.classes]
    return tuple(names[-model.plan.network.outputs :])  # of two classes, one output may tell both


def read_weight(weights: Weights, place: WeightPlace) -> Any:
    """The weight or bias that stands there, in the plan's precision."""
    w, b = weights[place.layer]
    return b[place.column] if place.row is None else w[place.row, place.column]


Array = NDArray[np.float64]


def resolve_path(model_or_run: Any, given: Any) -> Any:
    """The path that was given; without one, that of a run which recorded its weights."""
    recording: Any = getattr(model_or_run, "recording", None) if given is None else given
    return recording.path() if getattr(recording, "has_weights", False) else given


def check_weights(where: str, given: Any, network: Network) -> Weights:
    """Weights of a network's shape, as `Model.weights`.

    Raises
    ------
    PlanError
        If they are not: which layer, and what shape it needs.

    """
    if not isinstance(given, Sequence) or len(given) != len(network.layers):
        got = f"{len(given)} layers" if isinstance(given, Sequence) else type(given).__name__
        raise PlanError(f"{where}: got {got}; needs W and b of each of {len(network.layers)} layers, as Model.weights")
    for layer, pair in enumerate(given):
        d_in, d_out = network.widths[layer : layer + 2]
        shapes = [np.shape(part) for part in pair] if isinstance(pair, Sequence) else [np.shape(pair)]
        if shapes != [(d_in, d_out), (d_out,)]:
            said = " and ".join(map(str, shapes))
            raise PlanError(f"{where}, layer {layer}: has shapes {said}; needs W {(d_in, d_out)} and b {(d_out,)}")
    return given


def flatten(weights: Weights) -> Array:
    """All weights and biases in one row: W of layer 0, b of layer 0, W of layer 1, …"""
    return np.concatenate([np.ravel(part) for layer in weights for part in layer]).astype(np.float64)


def unflatten(row: Array, network: Network) -> list[tuple[Array, Array]]:
    """The weights of which `flatten` made a row."""
    found, at = [], 0
    for d_in, d_out in pairwise(network.widths):
        end = at + d_in * d_out
        found.append((row[at:end].reshape(d_in, d_out), row[end : end + d_out]))
        at = end + d_out
    return found


def flatten_path(where: str, path: Any, network: Network, at_least: int = 2) -> Array:
    """Weights in order, (steps, parameters).

    Raises
    ------
    PlanError
        If they are no weights of this network, too few, or not finite.

    """
    if not isinstance(path, Sequence) or len(path) < at_least:
        got = f"{len(path)} of them" if isinstance(path, Sequence) else type(path).__name__
        raise PlanError(f"{where}: got {got}; needs a list of at least {at_least} weights, each as Model.weights")
    rows = np.stack([flatten(check_weights(f"{where}[{i}]", step, network)) for i, step in enumerate(path)])
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise PlanError(f"{where}[{int(np.argmin(finite))}]: holds weights that are not finite; end the path before it")
    return rows


def path_values(path: Any, place: WeightPlace, network: Network) -> Array:
    """The values of one weight along a path: numbers, or all weights in order.

    Raises
    ------
    PlanError
        If it is neither.

    """
    if isinstance(path, Sequence) and len(path) and isinstance(path[0], Sequence):
        steps = [check_weights(f"path[{i}]", step, network) for i, step in enumerate(path)]
        values = np.array([read_weight(step, place) for step in steps], dtype=np.float64)
    else:
        try:
            values = np.asarray(path, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise PlanError(
            "path: needs the weight's values by step, finite numbers in one dimension; or a list of weights, each as "
            "Model.weights"
        )
    return values


def principal_directions(points: Array) -> tuple[Array, Array]:
    """The two directions along which points differ most, (2, parameters), and the share of the variance of each.

    Principal components of the path (Lorch 2016; Li et al. 2018, section 7), by singular values. The path's last point
    lies to the right of its first, and above.

    Raises
    ------
    PlanError
        If all points are the same.

    """
    centred = points - points.mean(axis=0)
    if not centred.any():
        raise PlanError("path: its weights are all the same; there is no direction in which they went")
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    shares = np.square(sizes) / np.square(sizes).sum()
    two, shares = directions[:2], shares[:2]
    if len(two) < 2 or shares[1] < 1e-12:  # a straight line: any direction across it will do
        across = np.zeros(points.shape[1])
        across[np.argmin(np.abs(two[0]))] = 1.0
        across -= (across @ two[0]) * two[0]
        two, shares = np.stack([two[0], across / np.linalg.norm(across)]), np.array([shares[0], 0.0])
    went = (points[-1] - points[0]) @ two.T
    return two * np.where(went < 0, -1.0, 1.0)[:, None], shares


def filter_normalized_directions(
    weights: Weights, seed: int
) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
    """Two random directions, each neuron's part of them as long as that neuron's weights.

    Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets", section 4: a filter of a
    dense layer is what leads to one neuron, here its weights and its bias together, so that a picture does not
    depend on how the weights of one layer are scaled against those of the next.
    """
    random = np.random.default_rng(seed)

    def one() -> list[tuple[Array, Array]]:
        found = []
        for w, b in weights:
            neurons = np.vstack([w, b]).astype(np.float64)
            drawn = random.standard_normal(neurons.shape)
            drawn *= np.linalg.norm(neurons, axis=0) / np.linalg.norm(drawn, axis=0)
            found.append((drawn[:-1], drawn[-1]))
        return found

    return one(), one()


def project(points: Array, origin: Array, directions: Array) -> tuple[Array, float]:
    """Coordinates of points in a plane, (m, 2), by least squares; and the share of the points' variance it holds."""
    away = points - origin
    coordinates = np.linalg.lstsq(directions.T, away.T, rcond=None)[0].T.astype(np.float64)
    spread = np.square(away - away.mean(axis=0)).sum()
    left = away - coordinates @ directions
    share = 1.0 - np.square(left - left.mean(axis=0)).sum() / spread if spread > 0 else 1.0
    return coordinates, float(min(max(share, 0.0), 1.0))
