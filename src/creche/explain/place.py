"""Where in a network a weight or a bias stands, and what the user calls it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from creche.errors import PlanError, nearest

if TYPE_CHECKING:
    from creche.engine.inside import Weights
    from creche.model import Model

__all__ = ["Place", "output_names", "place_of", "value_at"]

BIAS = "bias"


@dataclass(frozen=True, slots=True)
class Place:
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


def place_of(model: Model, layer: Any, row: Any, column: Any, *, bias: bool = False) -> Place:
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
        return Place(layer, None, target, f"bias of {to}")
    return Place(layer, source, target, f"weight from {inputs[source] if inputs else _neuron(source, layer)} to {to}")


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


def value_at(weights: Weights, place: Place) -> Any:
    """The weight or bias that stands there, in the plan's precision."""
    w, b = weights[place.layer]
    return b[place.column] if place.row is None else w[place.row, place.column]
