"""One training step for the page: the numbers of a trace as arrays, and a neuron's arithmetic as lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.trace.errors import ClassificationErrors
from creche.explain.trace.narrative import describe_neuron
from creche.explain.trace.neuron import NeuronTrace
from creche.explain.trace.result import Trace, TracedLayer
from creche.render.components import describe_component, describe_optimizer
from creche.render.text import sections_text
from creche.studio.protocol import views
from creche.studio.protocol.views import FloatArray

__all__ = ["describe_step", "write_neuron"]

# The characters of a line of the arithmetic: it does not break on a wide page, and scrolls on a narrow one.
LINE = 100


def describe_step(trace: Trace) -> views.BatchTrace:
    """Return a trace for the page."""
    if isinstance(trace.errors, ClassificationErrors):
        errors = trace.errors
        names = tuple(map(str, trace.classes or ()))
        predictions = errors.probabilities
        labels = np.eye(predictions.shape[1])[errors.true]
    else:
        names = trace.output_names
        predictions, labels = trace.errors.scaled_predicted, trace.errors.scaled_true
    differences = predictions - labels
    return views.BatchTrace(
        rows=trace.rows.astype(np.int32),
        row_names=tuple(f"row {row}" for row in trace.rows.tolist()),
        input_names=trace.inputs,
        output_names=names,
        inputs=_float32(trace.encoded),
        layers=tuple(_describe_layer(layer) for layer in trace.layers),
        predictions=_float32(predictions),
        labels=_float32(labels),
        differences=_float32(differences),
        squares=_float32(differences**2),
        mean_squares=_float32((differences**2).mean(axis=1)),
        row_losses=_float32(trace.losses),
        loss_name=describe_component(trace.plan.loss),
        loss=trace.loss,
        loss_after=trace.loss_after,
        optimizer=describe_optimizer(trace.plan.optimizer),
        learning_rate=trace.learning_rate,
    )


def _describe_layer(layer: TracedLayer) -> views.TracedLayer:
    arrays = [
        views.OptimizerArray(
            name.replace("_", " "), _float32(before[0]), _float32(after[0]), _float32(before[1]), _float32(after[1])
        )
        for name, (before, after) in layer.optimizer_state.items()
    ]
    return views.TracedLayer(
        activation=layer.activation,
        sums=_float32(layer.sums),
        activations=_float32(layer.activations),
        sum_gradients=_float32(layer.dloss_dsums),
        weights=_float32(layer.weights),
        bias=_float32(layer.bias),
        weight_gradients=_float32(layer.gradient),
        bias_gradients=_float32(layer.bias_gradient),
        weights_after=_float32(layer.weights_after),
        bias_after=_float32(layer.bias_after),
        optimizer_arrays=tuple(arrays),
    )


def write_neuron(neuron: NeuronTrace) -> views.NeuronArithmetic:
    """Write the arithmetic of a neuron out as lines."""
    forward, backward, update = describe_neuron(neuron)
    return views.NeuronArithmetic(
        layer=neuron.layer,
        neuron=neuron.neuron,
        row=neuron.row,
        title=forward.title.removesuffix(f": forward pass of row {neuron.row}") + f" in row {neuron.row}",
        forward=_lines(forward),
        backward=_lines(backward),
        update=_lines(update),
    )


def _lines(section: Any) -> tuple[str, ...]:
    _, *lines = sections_text([section], LINE).splitlines()
    return tuple(line.removeprefix("  ") for line in lines)


def _float32(array: NDArray[Any]) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float32)
