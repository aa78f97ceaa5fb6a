"""Weights as places and as points: one weight by its name, all weights as one vector, paths and directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.errors import PlanError, nearest

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = [
    "WeightPlace",
    "check_weights",
    "filter_normalized_directions",
    "find_steepest",
    "find_weight",
    "flatten_path",
    "output_names",
    "path_values",
    "principal_directions",
    "project",
    "read_weight",
    "resolve_path",
]

BIAS = "bias"


@dataclass(frozen=True, slots=True)
class WeightPlace:
    """One weight W[source, target] of a layer, or one bias b[target].

    Attributes
    ----------
    layer : int
        The index of W and b in `Model.weights`, from 0.
    source : int or None
        The input or neuron that the weight comes from; None for a bias.
    target : int
        The neuron that it leads to.
    name : str
        The weight in words, such as "weight from bill_length_mm to neuron 3 of layer 1". Neurons are counted from 0;
        the inputs are layer 0, so that the weights of layer 0 lead to the neurons of layer 1.

    """

    layer: int
    source: int | None
    target: int
    name: str


def find_weight(model: Model, layer: Any, source: Any, target: Any, *, bias: bool = False) -> WeightPlace:
    """Return the weight or bias that a user means.

    Parameters
    ----------
    model : Model
    layer : int
    source : int or str
        The number of an input or neuron; in layer 0 also the name of an input. "bias" means the bias.
    target : int or str
        The number of a neuron; in the last layer also the name of a class or label.
    bias : bool, default False
        Whether the bias of the target is meant; `source` is then ignored.

    Raises
    ------
    PlanError
        If there is no such weight; the error says which there are.

    """
    network = model.plan.network
    network.require_one_model("model")
    last = len(network.layers) - 1
    layer = _check_index("layer", layer, last, f"the network {network} has weights of layers 0 to {last}")
    inputs = model.input_names if layer == 0 else ()
    outputs = output_names(model) if layer == last else ()
    from_number = None
    if not (bias or (isinstance(source, str) and source == BIAS and BIAS not in inputs)):
        highest = network.widths[layer] - 1
        kind = "inputs" if layer == 0 else f"neurons of layer {layer}, by number,"
        known = f"the weights of layer {layer} come from {kind} 0 to {highest}, or 'bias'"
        from_number = _find_number("source", source, inputs, highest, known)
    highest = network.widths[layer + 1] - 1
    kind = "outputs" if layer == last else f"neurons of layer {layer + 1}, by number,"
    known = f"the weights of layer {layer} lead to {kind} 0 to {highest}"
    to_number = _find_number("target", target, outputs, highest, known)
    to = outputs[to_number] if outputs else f"neuron {to_number} of layer {layer + 1}"
    if from_number is None:
        return WeightPlace(layer, None, to_number, f"bias of {to}")
    origin = inputs[from_number] if inputs else f"neuron {from_number} of layer {layer}"
    return WeightPlace(layer, from_number, to_number, f"weight from {origin} to {to}")


def find_steepest(
    model: Model, gradients: Parameters, layer: Any, source: Any, target: Any, *, bias: bool = False
) -> WeightPlace:
    """Return the weight with the largest gradient among those that a user leaves open.

    Parameters
    ----------
    model : Model
    gradients : Parameters
        The gradient of the loss by each parameter.
    layer, source, target
        As for `find_weight`; None leaves it open. Without a layer, a given source or target is one of layer 0.
    bias : bool, default False
        Whether biases are meant, of all layers unless one is given.

    """
    model.plan.network.require_one_model("model")
    is_any = layer is None and target is None and (source is None or bias or source == BIAS)
    largest, steepest = -1.0, None
    layers = gradients.layers
    for at in range(len(layers)) if is_any else [0 if layer is None else layer]:
        first = find_weight(model, at, 0 if source is None else source, 0 if target is None else target, bias=bias)
        w, b = layers[first.layer]
        sizes = np.abs(np.nan_to_num((b[None] if first.source is None else w).astype(np.float64), nan=0.0))
        is_open = np.ones(sizes.shape, dtype=np.bool_)
        if source is not None and first.source is not None and not bias:
            is_open &= np.arange(len(sizes))[:, None] == first.source
        if target is not None:
            is_open &= np.arange(sizes.shape[1]) == first.target
        here = np.where(is_open, sizes, -1.0)
        if here.max() > largest:
            largest = float(here.max())
            from_number, to_number = (int(i) for i in np.unravel_index(int(here.argmax()), here.shape))
            is_bias = first.source is None
            steepest = find_weight(model, first.layer, from_number if not is_bias else 0, to_number, bias=is_bias)
    assert steepest is not None
    return steepest


def _find_number(argument: str, value: Any, names: Sequence[str], highest: int, known: str) -> int:
    """Return the number of a name, or a number that is in range."""
    if isinstance(value, str) and names:
        if value not in names:
            raise PlanError(f"{argument}: got {value!r}; {nearest(value, names)}")
        return list(names).index(value)
    return _check_index(argument, value, highest, known)


def _check_index(argument: str, value: Any, highest: int, known: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= highest:
        raise PlanError(f"{argument}: got {value!r}; {known}")
    return int(value)


def output_names(model: Model) -> tuple[str, ...]:
    """Return the name of each output of the network: its class, or its label in a regression."""
    return model.labels.output_names(model.plan.network.outputs)


def read_weight(parameters: Parameters, place: WeightPlace) -> Any:
    """Return the weight or bias at a place, in the plan's precision."""
    w, b = parameters.layers[place.layer]
    return b[place.target] if place.source is None else w[place.source, place.target]


Array = NDArray[np.float64]


def resolve_path(model_or_run: Any, path: Any) -> Any:
    """Return the user's path; without one, the path of a run that recorded its weights, or None."""
    recording: Any = getattr(model_or_run, "recording", None) if path is None else path
    if not getattr(recording, "has_weights", False):
        return path
    return [recording.parameters.network(moment) for moment in range(len(recording))]


def check_weights(where: str, weights: Any, like: Parameters) -> Parameters:
    """Return a user's weights if they have the shapes of a network's: W and b of each layer, or all parameters by name.

    Raises
    ------
    PlanError
        If an array is missing or has another shape; the error names it and the shape it needs.

    """
    if isinstance(weights, Mapping):
        return _check_named(where, weights, like)
    layers = like.layers
    if not isinstance(weights, Sequence) or len(weights) != len(layers):
        got = f"{len(weights)} layers" if isinstance(weights, Sequence) else type(weights).__name__
        raise PlanError(f"{where}: got {got}; needs W and b of each of {len(layers)} layers, as Model.weights")
    for layer, (pair, (w, b)) in enumerate(zip(weights, layers, strict=True)):
        shapes = [np.shape(part) for part in pair] if isinstance(pair, Sequence) else [np.shape(pair)]
        if shapes != [w.shape, b.shape]:
            got = " and ".join(map(str, shapes))
            raise PlanError(f"{where}, layer {layer}: has shapes {got}; needs W {w.shape} and b {b.shape}")
    if others := like.beyond_layers:
        raise PlanError(
            f"{where}: has W and b of each layer only; the network also has {', '.join(others)}: give all of its "
            "parameters, as Model.parameters"
        )
    return Parameters.of_layers([(np.asarray(w), np.asarray(b)) for w, b in weights])


def _check_named(where: str, weights: Mapping[Any, Any], like: Parameters) -> Parameters:
    for name in weights:
        if name not in like:
            raise PlanError(f"{where}: the network has no {name!r}; {nearest(str(name), list(like))}")
    for name, shape in like.shapes.items():
        if name not in weights:
            raise PlanError(f"{where}: {name!r} is missing; needs {', '.join(like)}")
        if np.shape(weights[name]) != shape:
            raise PlanError(f"{where}, {name!r}: has shape {np.shape(weights[name])}; needs {shape}")
    return Parameters({name: np.asarray(weights[name]) for name in like})


def flatten_path(where: str, path: Any, like: Parameters, at_least: int = 2) -> Array:
    """Return a path of networks, with parameters like these, as one vector for each step, (steps, parameters).

    Raises
    ------
    PlanError
        If the weights are not of this network, too few, or not finite.

    """
    if not isinstance(path, Sequence) or len(path) < at_least:
        got = f"{len(path)} of them" if isinstance(path, Sequence) else type(path).__name__
        raise PlanError(
            f"{where}: got {got}; needs a list of at least {at_least} sets of weights, each as Model.weights"
        )
    rows = np.stack([check_weights(f"{where}[{i}]", step, like).flatten() for i, step in enumerate(path)])
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise PlanError(f"{where}[{int(np.argmin(finite))}]: holds weights that are not finite; end the path before it")
    return rows


def path_values(path: Any, place: WeightPlace, like: Parameters) -> Array:
    """Return the values of one weight along a path, which holds these numbers, or all weights of each step.

    Raises
    ------
    PlanError
        If the path holds neither.

    """
    if isinstance(path, Sequence) and len(path) and isinstance(path[0], Sequence | Mapping):
        steps = [check_weights(f"path[{i}]", step, like) for i, step in enumerate(path)]
        values = np.array([read_weight(step, place) for step in steps], dtype=np.float64)
    else:
        try:
            values = np.asarray(path, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise PlanError(
            "path: needs the weight's value at each step, finite numbers in one dimension; or a list of sets of "
            "weights, each as Model.weights"
        )
    return values


def principal_directions(points: Array) -> tuple[Array, Array]:
    """Return the two directions along which points differ most, (2, parameters), and each one's share of the variance.

    These are the principal components of the path (Lorch 2016; Li et al. 2018, section 7), from its singular values.
    They are signed so that the path's last point lies to the right of its first, and above it.

    Raises
    ------
    PlanError
        If all points are the same.

    """
    centred = points - points.mean(axis=0)
    if not centred.any():
        raise PlanError("path: all its weights are the same, so it has no direction")
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    shares = np.square(sizes) / np.square(sizes).sum()
    two, shares = directions[:2], shares[:2]
    if len(two) < 2 or shares[1] < 1e-12:  # the path is a straight line: any direction across it serves
        across = np.zeros(points.shape[1])
        across[np.argmin(np.abs(two[0]))] = 1.0
        across -= (across @ two[0]) * two[0]
        two, shares = np.stack([two[0], across / np.linalg.norm(across)]), np.array([shares[0], 0.0])
    went = (points[-1] - points[0]) @ two.T
    return two * np.where(went < 0, -1.0, 1.0)[:, None], shares


def filter_normalized_directions(parameters: Parameters, seed: int) -> tuple[Parameters, Parameters]:
    """Return two random directions in which each neuron's part is as long as that neuron's weights.

    Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets", section 4. The filter of a
    dense layer is what leads to one neuron, here its weights and its bias together; so the picture does not depend on
    how the weights of one layer are scaled relative to those of the next. The part in an array of other parameters is
    as long as that array, and so is that of a bias that each submodel has for itself beside weights that they share.
    Running statistics stay as they are.
    """
    random = np.random.default_rng(seed)

    def draw(filters: Array, axis: int = 0) -> Array:
        drawn = random.standard_normal(filters.shape)
        drawn *= np.linalg.norm(filters, axis=axis, keepdims=True) / np.linalg.norm(drawn, axis=axis, keepdims=True)
        return drawn

    def draw_layer(w: NDArray[Any], b: NDArray[Any]) -> tuple[Array, Array]:
        if b.ndim >= w.ndim:
            return draw(w.astype(np.float64)), draw(b.astype(np.float64))
        drawn = draw(np.concatenate([w, b[..., None, :]], axis=-2).astype(np.float64), axis=-2)
        return drawn[..., :-1, :], drawn[..., -1, :]

    def one() -> Parameters:
        of_layers = Parameters.of_layers([draw_layer(w, b) for w, b in parameters.layers])
        others = {
            name: draw(array.astype(np.float64)) if parameters.is_learned(name) else np.zeros(array.shape)
            for name, array in parameters.beyond_layers.items()
        }
        return Parameters({name: of_layers[name] if name in of_layers else others[name] for name in parameters})

    return one(), one()


def project(points: Array, origin: Array, directions: Array) -> tuple[Array, float]:
    """Return the points' coordinates in a plane, (m, 2), by least squares, and the share of their variance in it."""
    away = points - origin
    coordinates = np.linalg.lstsq(directions.T, away.T, rcond=None)[0].T.astype(np.float64)
    spread = np.square(away - away.mean(axis=0)).sum()
    left = away - coordinates @ directions
    share = 1.0 - np.square(left - left.mean(axis=0)).sum() / spread if spread > 0 else 1.0
    return coordinates, float(min(max(share, 0.0), 1.0))
