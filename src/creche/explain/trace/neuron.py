"""One neuron followed through one row and one step: every number that goes into it and comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.explain.rows import select_rows

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace

__all__ = ["NeuronTrace", "find_neuron", "largest_gradient_neuron", "trace_neuron"]


@dataclass(frozen=True, slots=True, eq=False)
class NeuronTrace:
    """One neuron, in one row. All arrays of d numbers are in the order of `sources`.

    Attributes
    ----------
    layer, neuron : int
        The inputs are layer 0; neurons are counted from 0.
    name : str
        Such as "neuron 3 of layer 1", or "the output of Gentoo".
    row : int
        As the user calls it.
    sources : tuple of str
        What its d weights come from: inputs, or neurons of the layer before.
    values, weights, products : (d,) float64
        What comes in, times what.
    bias, weighted_sum, activation : float
        Sum of the products and bias; what the function of the activation makes of it. Of an output: what it predicts.
    key : str
        Which function that is.
    targets : tuple of str
        Where it leads to; empty for an output.
    onward, dloss_donward, returned : (k,) float64
        The weights that lead on, the loss's gradient by the weighted sums they lead to, and their products.
    dloss_dactivation : float or None
        The sum of `returned`; None for an output, whose gradient comes from the loss itself.
    slope : float or None
        Of the activation there, as far as the two gradients tell it.
    dloss_dsum : float
        The gradient of the batch's loss by the weighted sum in this row.
    gradients, steps, weights_after : (d,) float64
        Of the batch's loss by each weight, summed over all rows; after - before; and the weights after.
    bias_gradient, bias_step, bias_after : float
    planes : dict of str to ((d,) array, (d,) array)
        What the optimizer keeps of each weight, before and after.
    bias_planes : dict of str to (float, float)

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
    activation: float
    key: str
    targets: tuple[str, ...]
    onward: NDArray[np.float64]
    dloss_donward: NDArray[np.float64]
    returned: NDArray[np.float64]
    dloss_dactivation: float | None
    slope: float | None
    dloss_dsum: float
    gradients: NDArray[np.float64]
    bias_gradient: float
    steps: NDArray[np.float64]
    bias_step: float
    weights_after: NDArray[np.float64]
    bias_after: float
    planes: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    bias_planes: dict[str, tuple[float, float]]


def find_neuron(trace: Trace, neuron: Any) -> tuple[int, int]:
    """The (layer, neuron) that is meant.

    Raises
    ------
    PlanError
        If it is not there, with what is.

    """
    widths = [layer.width for layer in trace.layers]
    there_are = ", ".join(f"0 to {width - 1} of layer {i + 1}" for i, width in enumerate(widths))
    if not isinstance(neuron, Sequence) or isinstance(neuron, str) or len(neuron) != 2 or not all(map(_whole, neuron)):
        raise PlanError(f"neuron: got {neuron!r}; needs (layer, neuron), such as (1, 0). There are neurons {there_are}")
    layer, number = map(int, neuron)
    if layer == 0:
        raise PlanError(f"neuron: layer 0 are the inputs; there are neurons {there_are}")
    if not 1 <= layer <= len(widths):
        raise PlanError(f"neuron: there is no layer {layer}; there are neurons {there_are}")
    if not 0 <= number < widths[layer - 1]:
        raise PlanError(f"neuron: layer {layer} has no neuron {number}; there are neurons {there_are}")
    return layer, number


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def largest_gradient_neuron(trace: Trace) -> tuple[int, int]:
    """The neuron of the first layer by whose weighted sums the loss changes most, over all rows."""
    return 1, int(np.argmax(_size(trace.layers[0].dloss_dsums).sum(axis=0)))


def trace_neuron(trace: Trace, layer: int, neuron: int, row: Any = None) -> NeuronTrace:
    """A neuron in a row; by default, in the row by which its weighted sum matters most to the loss."""
    at = trace.layers[layer - 1]
    sizes = _size(at.dloss_dsums[:, neuron])
    r = int(np.argmax(sizes) if row is None else select_rows(trace.rows, row, "row")[0])
    values = (trace.encoded if layer == 1 else trace.layers[layer - 2].activations)[r].astype(np.float64)
    w, b = at.weights[:, neuron].astype(np.float64), float(at.bias[neuron])
    targets, onward, by_onward = _onward(trace, layer, neuron, r)
    dloss_dsum = float(at.dloss_dsums[r, neuron])
    returned = onward * by_onward
    back = float(returned.sum()) if targets else None
    last = layer == len(trace.layers)
    sources, name = trace.sources(layer), trace.neuron_name(layer, neuron)
    planes = {name: (x[0][:, neuron], y[0][:, neuron]) for name, (x, y) in at.planes.items()}
    return NeuronTrace(
        layer, neuron, name, int(trace.rows[r]), sources, values, w, values * w,
        b, float(at.sums[r, neuron]), float((trace.outputs if last else at.activations)[r, neuron]), at.activation,
        targets, onward, by_onward, returned, back, dloss_dsum / back if back else None, dloss_dsum,
        _float(at.gradient[:, neuron]), float(at.bias_gradient[neuron]), at.steps[:, neuron],
        float(at.bias_steps[neuron]), _float(at.weights_after[:, neuron]), float(at.bias_after[neuron]),
        {name: (_float(x), _float(y)) for name, (x, y) in planes.items()},
        {name: (float(x[1][neuron]), float(y[1][neuron])) for name, (x, y) in at.planes.items()},
    )  # fmt: skip


def _onward(
    trace: Trace, layer: int, neuron: int, r: int
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    if layer == len(trace.layers):
        return (), np.zeros(0), np.zeros(0)
    after = trace.layers[layer]
    names = tuple(trace.neuron_name(layer + 1, j) for j in range(after.width))
    return names, _float(after.weights[neuron]), _float(after.dloss_dsums[r])


def _size(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.nan_to_num(np.abs(array.astype(np.float64)), nan=np.inf))


def _float(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(array.astype(np.float64))
