"""One neuron in one row and one step: every number that goes into it and comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.explain.rows import select_rows
from creche.explain.trace.parts import layer_inputs, passages_to_output, passages_to_target

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace

__all__ = ["NeuronTrace", "find_neuron", "largest_gradient_neuron", "trace_neuron"]


@dataclass(frozen=True, slots=True, eq=False)
class NeuronTrace:
    """One neuron in one row; arrays of d numbers are in the order of `sources`.

    Attributes
    ----------
    layer, neuron : int
        The layer (the inputs are layer 0) and the neuron's number in it, from 0.
    name : str
        The neuron in words, such as "neuron 3 of layer 1" or "the output of Gentoo".
    row : int
        The row's number.
    sources : tuple of str
        The names of the d inputs, or neurons of the layer before, that its weights come from.
    values, weights, products : (d,) float64
        The values of the sources in this row, times their learned scale if the layer has one, the weights, and their
        products.
    bias : float
    weighted_sum : float
        z, the sum of the products and the bias.
    passages : tuple of (str, float)
        What happens to z, step by step, and what it is then: f(z), and what the layer has besides.
    activation : float
        f(z), or what the last of these steps gives; for an output, its prediction.
    function : str
        The name of f.
    targets : tuple of str
        The names of the k neurons that it leads to; empty for an output.
    target_weights, target_gradients, target_products : (k,) float64
        The weights that lead to them, the gradients of the loss with respect to their weighted sums, and the products.
    target_passages : tuple of (str, float)
        What happens to the sum of `target_products`, step by step, if the next layer has a scale or is residual.
    dloss_dactivation : float or None
        The gradient of the loss with respect to the activation: the sum of `target_products` after these steps. None
        for an output, whose gradient comes from the loss itself.
    derivative : float or None
        f'(z), the ratio of the two gradients; None where the first is 0, and where there is a normalization, which may
        make the gradient of z depend on other neurons or rows.
    dloss_dsum : float
        The gradient of the batch's loss with respect to z in this row.
    gradients : (d,) float64
        The gradients of the batch's loss with respect to the weights, summed over all rows.
    steps, weights_after : (d,) float64
        How far the step moves each weight, and the weights after it.
    bias_gradient, bias_step, bias_after : float
        The same numbers of the bias.
    optimizer_state : dict of str to ((d,) array, (d,) array)
        What the optimizer keeps for each weight, by name, before and after.
    bias_optimizer_state : dict of str to (float, float)
        What it keeps for the bias.

    """

    layer: int
    neuron: int
    name: str
    row: int
    sources: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    products: NDArray[np.float64]
    bias: float
    weighted_sum: float
    passages: tuple[tuple[str, float], ...]
    activation: float
    function: str
    targets: tuple[str, ...]
    target_weights: NDArray[np.float64]
    target_gradients: NDArray[np.float64]
    target_products: NDArray[np.float64]
    target_passages: tuple[tuple[str, float], ...]
    dloss_dactivation: float | None
    derivative: float | None
    dloss_dsum: float
    gradients: NDArray[np.float64]
    bias_gradient: float
    steps: NDArray[np.float64]
    bias_step: float
    weights_after: NDArray[np.float64]
    bias_after: float
    optimizer_state: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    bias_optimizer_state: dict[str, tuple[float, float]]


def find_neuron(trace: Trace, neuron: Any) -> tuple[int, int]:
    """Return the (layer, neuron) that a user means.

    Raises
    ------
    PlanError
        If there is no such neuron; the error says which there are.

    """
    widths = [layer.width for layer in trace.layers]
    there_are = ", ".join(f"0 to {width - 1} of layer {i + 1}" for i, width in enumerate(widths))
    is_pair = isinstance(neuron, Sequence) and not isinstance(neuron, str) and len(neuron) == 2
    if not is_pair or not all(map(_is_whole, neuron)):
        raise PlanError(f"neuron: got {neuron!r}; needs (layer, neuron), such as (1, 0). There are neurons {there_are}")
    layer, number = map(int, neuron)
    if layer == 0:
        raise PlanError(f"neuron: layer 0 is the inputs; there are neurons {there_are}")
    if not 1 <= layer <= len(widths):
        raise PlanError(f"neuron: there is no layer {layer}; there are neurons {there_are}")
    if not 0 <= number < widths[layer - 1]:
        raise PlanError(f"neuron: layer {layer} has no neuron {number}; there are neurons {there_are}")
    return layer, number


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def largest_gradient_neuron(trace: Trace) -> tuple[int, int]:
    """Return the neuron of the first layer whose weighted sums have the largest gradients, over all rows."""
    return 1, int(np.argmax(_size(trace.layers[0].dloss_dsums).sum(axis=0)))


def trace_neuron(trace: Trace, layer: int, neuron: int, row: Any = None) -> NeuronTrace:
    """Return a neuron in a row; by default, in the row in which its weighted sum has the largest gradient."""
    at = trace.layers[layer - 1]
    sizes = _size(at.dloss_dsums[:, neuron])
    r = int(np.argmax(sizes) if row is None else select_rows(trace.rows, row, "row")[0])
    values = layer_inputs(trace, layer, r)
    w, b = at.weights[:, neuron].astype(np.float64), float(at.bias[neuron])
    targets, target_weights, target_gradients = _read_targets(trace, layer, neuron, r)
    dloss_dsum = float(at.dloss_dsums[r, neuron])
    target_products = target_weights * target_gradients
    last = layer == len(trace.layers)
    passages = () if last else passages_to_output(trace, layer, neuron, r)
    target_passages = () if last else passages_to_target(trace, layer, neuron, r)
    total = float(target_products.sum()) if targets else None
    back = target_passages[-1][1] if target_passages else total
    derivative = dloss_dsum / back if back and "gain" not in at.parts else None
    sources, name = trace.sources(layer), trace.neuron_name(layer, neuron)
    columns = {name: (x[0][:, neuron], y[0][:, neuron]) for name, (x, y) in at.optimizer_state.items()}
    outputs = trace.outputs if last else at.activations
    return NeuronTrace(
        layer, neuron, name, int(trace.rows[r]), sources, values, w, values * w, b, float(at.sums[r, neuron]), passages,
        float(outputs[r, neuron]), at.activation, targets, target_weights, target_gradients, target_products,
        target_passages, back, derivative, dloss_dsum, _to_float64(at.gradient[:, neuron]),
        float(at.bias_gradient[neuron]), at.steps[:, neuron], float(at.bias_steps[neuron]),
        _to_float64(at.weights_after[:, neuron]), float(at.bias_after[neuron]),
        {name: (_to_float64(x), _to_float64(y)) for name, (x, y) in columns.items()},
        {name: (float(x[1][neuron]), float(y[1][neuron])) for name, (x, y) in at.optimizer_state.items()},
    )  # fmt: skip


def _read_targets(
    trace: Trace, layer: int, neuron: int, r: int
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    if layer == len(trace.layers):
        return (), np.zeros(0), np.zeros(0)
    after = trace.layers[layer]
    names = tuple(trace.neuron_name(layer + 1, j) for j in range(after.width))
    return names, _to_float64(after.weights[neuron]), _to_float64(after.dloss_dsums[r])


def _size(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.nan_to_num(np.abs(array.astype(np.float64)), nan=np.inf))


def _to_float64(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(array.astype(np.float64))
