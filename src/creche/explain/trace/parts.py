"""What a layer has besides weights, in the trace of a neuron: scale, normalization, slope and residual connection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace

__all__ = ["GRADIENT_PATHS", "gradient_at_outputs", "layer_inputs", "passages_to_output", "passages_to_target"]

VARIANCE_EPSILON = 1e-5  # core/layers/normalization.hpp

# What a normalization is called in the passages of a neuron, and which way gradients take through it.
BY_LAYER, BY_BATCH, BY_RUNNING = "normalized", "normalized over the rows", "normalized by the running statistics"
GRADIENT_PATHS = {
    BY_LAYER: "through all neurons",
    BY_BATCH: "through all rows",
    BY_RUNNING: "through the normalization",
}

# What happens to a number, and what it is then.
Passages = tuple[tuple[str, float], ...]


def layer_inputs(trace: Trace, layer: int, r: int) -> NDArray[np.float64]:
    """Return the inputs of a layer in a row, (d_in,), times their learned scale if it has one."""
    values = _below(trace, layer, r)
    scale = trace.layers[layer - 1].parts.get("scale")
    return values if scale is None else values * scale.astype(np.float64)


def passages_to_output(trace: Trace, layer: int, neuron: int, r: int) -> Passages:
    """Return what happens to a weighted sum z of a hidden layer, up to the output of its neuron.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[4], normalization="layer", epochs=1, threads=1)
    >>> trace = cr.explain.trace(run.model, "penguins", rows=[1], check=False)
    >>> [name for name, _ in passages_to_output(trace, 1, 0, 0)]
    ['normalized', '× gain + shift', 'tanh']

    """
    at, plan = trace.layers[layer - 1], trace.plan.network.layers[layer - 1]
    found: list[tuple[str, float]] = []
    if "gain" in at.parts:
        kind, mean, variance = _statistics(trace, layer, neuron, r)
        normalized = (float(at.sums[r, neuron]) - mean) / math.sqrt(variance + VARIANCE_EPSILON)
        found += [
            (kind, normalized),
            ("× gain + shift", normalized * float(at.parts["gain"][neuron]) + float(at.parts["shift"][neuron])),
        ]
    output = float(at.activations[r, neuron])
    below = float(_below(trace, layer, r)[neuron]) if plan.residual else 0.0
    slope = f", bent by a slope of {float(at.parts['slopes'][neuron]):.4g}" if "slopes" in at.parts else ""
    found.append((f"{at.activation}{slope}", output - below))
    if plan.residual:
        found.append(("+ the layer's input", output))
    return tuple(found)


def _statistics(trace: Trace, layer: int, neuron: int, r: int) -> tuple[str, float, float]:
    """Return how a weighted sum is normalized, and the mean and the variance that it is normalized by.

    By layer, they are over the neurons; by batch, over the rows, or, for a single one, the running ones.
    """
    at = trace.layers[layer - 1]
    by_batch = "running_mean" in at.parts
    if by_batch and len(at.sums) == 1:
        return BY_RUNNING, float(at.parts["running_mean"][neuron]), float(at.parts["running_variance"][neuron])
    over = (at.sums[:, neuron] if by_batch else at.sums[r]).astype(np.float64)
    return BY_BATCH if by_batch else BY_LAYER, float(over.mean()), float(over.var())


def passages_to_target(trace: Trace, layer: int, neuron: int, r: int) -> Passages:
    """Return what happens to the sum of weights times gradients of the layer after this one, down to this neuron."""
    after, plan = trace.layers[layer], trace.plan.network.layers[layer]
    gradient = float(after.weights[neuron].astype(np.float64) @ after.dloss_dsums[r].astype(np.float64))
    found: list[tuple[str, float]] = []
    if "scale" in after.parts:
        gradient *= float(after.parts["scale"][neuron])
        found.append((f"× its scale, {float(after.parts['scale'][neuron]):.4g}", gradient))
    if plan.residual:
        gradient += float(gradient_at_outputs(trace, layer + 1, r)[neuron])
        found.append(("+ the gradient past the layer", gradient))
    return tuple(found)


def gradient_at_outputs(trace: Trace, layer: int, r: int) -> NDArray[np.float64]:
    """Return the gradient of the batch's loss with respect to the outputs of a hidden layer in a row, (width,)."""
    after, plan = trace.layers[layer], trace.plan.network.layers[layer]
    gradient = after.weights.astype(np.float64) @ after.dloss_dsums[r].astype(np.float64)
    if "scale" in after.parts:
        gradient = gradient * after.parts["scale"].astype(np.float64)
    if plan.residual:
        gradient = gradient + gradient_at_outputs(trace, layer + 1, r)
    return np.asarray(gradient)


def _below(trace: Trace, layer: int, r: int) -> NDArray[np.float64]:
    return np.asarray((trace.encoded if layer == 1 else trace.layers[layer - 2].activations)[r].astype(np.float64))
