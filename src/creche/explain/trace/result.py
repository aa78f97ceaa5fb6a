"""The result of `creche.explain.trace`: a training step as arrays, a table, a page or text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.explain.cells import feature_values
from creche.explain.trace.errors import ClassificationErrors, RegressionErrors
from creche.explain.trace.gradient_check import GradientCheck
from creche.explain.trace.neuron import NeuronTrace, find_neuron, trace_neuron
from creche.plan.plan import Plan
from creche.table.observations import Observations
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Trace", "TracedLayer"]


ROWS_OF_A_PAGE = 200  # of the batch; more are counted, not listed

LayerArrays = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TracedLayer:
    """A layer of neurons, with the weights that lead to it.

    Attributes
    ----------
    activation : str
        The function f of its neurons; for the output layer, the function that turns sums into predictions.
    sums : (n, width) array
        The weighted sums z of each row.
    activations : (n, width) array
        f(z); in the output layer z itself.
    dloss_dsums : (n, width) array
        The gradient of the batch's loss with respect to z.
    weights, weights_after : (d_in, width) array
        The weights before and after the step.
    gradient : (d_in, width) array
        The gradient of the batch's loss, before the optimizer clips it or adds weight decay.
    bias, bias_gradient, bias_after : (width,) array
        The same of the biases.
    optimizer_state : dict of str to ((W, b), (W, b))
        What the optimizer keeps for each weight, by name ("momentum", "second_moment", …), before and after.
    parts : dict of str to array
        The parameters besides weights and bias before the step: "scale" (d_in,), and "gain", "shift", "slopes",
        "running_mean" and "running_variance" (width,), as far as the layer has them.

    """

    activation: str
    sums: NDArray[Any]
    activations: NDArray[Any]
    dloss_dsums: NDArray[Any]
    weights: NDArray[Any]
    bias: NDArray[Any]
    gradient: NDArray[Any]
    bias_gradient: NDArray[Any]
    weights_after: NDArray[Any]
    bias_after: NDArray[Any]
    optimizer_state: dict[str, tuple[LayerArrays, LayerArrays]]
    parts: dict[str, NDArray[Any]]

    @property
    def width(self) -> int:
        """The number of neurons."""
        return int(self.bias.shape[0])

    @property
    def steps(self) -> NDArray[np.float64]:
        """How far the step moves each weight, (d_in, width): after - before."""
        return np.asarray(self.weights_after.astype(np.float64) - self.weights)

    @property
    def bias_steps(self) -> NDArray[np.float64]:
        """How far the step moves each bias, (width,)."""
        return np.asarray(self.bias_after.astype(np.float64) - self.bias)

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Which neurons are dead, (width,): their activation is 0 in every row of the batch."""
        return np.asarray((self.activations == 0).all(axis=0))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace(FrameResult):
    """All numbers of one training step on a batch: made by `creche.explain.trace`.

    The numbers are the engine's own, in the plan's precision; differences, squares and steps are computed from them in
    float64. Layers of neurons are counted as in the drawing of a network: the inputs are layer 0, the first hidden
    layer is layer 1. The weights ``model.weights[l]`` lead from layer l to layer l + 1 and are in ``layers[l]``.

    Attributes
    ----------
    plan : Plan
    source : str
        The name of the table.
    observations : Observations
        The rows as given.
    columns : tuple of str
        The columns that are features.
    rows : (n,) int
        The row numbers: tables are counted from 1, arrays from 0.
    row_weights : (n,) array or None
        How much each row counts; None if all count the same.
    inputs : tuple of str
        The names of the network's inputs.
    encoded : (n, d) array
        The inputs of each row.
    layers : tuple of TracedLayer
    gradients : Parameters
        The gradient of the loss by each parameter of the network; those of weights and biases are in `layers`, too.
    output_names : tuple of str
        The class or label of each output.
    outputs : (n, outputs) array
        The network's outputs: after softmax, sigmoid or exp.
    classes : tuple or None
        The classes; None for regression.
    errors : ClassificationErrors or RegressionErrors
        Predictions and labels with their differences, squares and cross-entropy.
    losses, losses_after : (n,) array
        The plan's loss of each row, before and after the step.
    loss, loss_after : float
        Their means, weighted by `row_weights`.
    epoch, step : int
        The epochs and steps completed before this one.
    learning_rate : float
        The learning rate of this step.
    check : GradientCheck or None
        The comparison of the gradients with finite differences; None if it was not asked for, or if the engine was
        built for float32 only.
    neuron : (int, int)
        The layer and number of the neuron that texts and pages show in full.
    notes : tuple of str
        Remarks, for example that training has dropout.

    """

    plan: Plan
    source: str
    observations: Observations
    columns: tuple[str, ...]
    rows: NDArray[np.int64]
    row_weights: NDArray[Any] | None
    inputs: tuple[str, ...]
    encoded: NDArray[Any]
    layers: tuple[TracedLayer, ...]
    gradients: Parameters
    output_names: tuple[str, ...]
    outputs: NDArray[Any]
    classes: tuple[Any, ...] | None
    errors: ClassificationErrors | RegressionErrors
    losses: NDArray[Any]
    loss: float
    losses_after: NDArray[Any]
    loss_after: float
    epoch: int
    step: int
    learning_rate: float
    check: GradientCheck | None
    neuron: tuple[int, int]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> dict[str, list[Any]]:
        """The values of each column as given, None where one is missing."""
        return feature_values(self.observations, self.columns)

    @property
    def gradient_norm(self) -> float:
        """The Euclidean norm of all gradients together, the one that clipping by norm limits."""
        parts = [array.astype(np.float64) for array in self.gradients.values()]
        size = max(float(np.abs(part).max()) for part in parts) or 1.0  # so that no square overflows
        return size * float(np.sqrt(sum(float(((part / size) ** 2).sum()) for part in parts)))

    def neuron_name(self, layer: int, neuron: int) -> str:
        """Return a neuron in words: an output by its class or label, the others by number.

        Parameters
        ----------
        layer : int
            The layer, where the first hidden layer is layer 1.
        neuron : int
            The number of the neuron in its layer, from 0.

        Returns
        -------
        str

        """
        if layer == len(self.layers):
            return f"the output of {self.output_names[neuron]}"
        return f"neuron {neuron} of layer {layer}"

    def sources(self, layer: int) -> tuple[str, ...]:
        """Return the names of the inputs, or neurons of the layer before, from which weights lead to a layer.

        Parameters
        ----------
        layer : int
            The layer, where the first hidden layer is layer 1.

        Returns
        -------
        tuple of str

        """
        if layer == 1:
            return self.inputs
        return tuple(self.neuron_name(layer - 1, i) for i in range(self.layers[layer - 2].width))

    def follow(self, layer: int | None = None, neuron: int | None = None, row: int | None = None) -> NeuronTrace:
        """Follow one neuron through one row, forward and backward, and through the update of its weights.

        Parameters
        ----------
        layer, neuron : int, optional
            By default the neuron that `trace` was given; without one, the neuron of the first layer with the largest
            gradients.
        row : int, optional
            The row's number; by default the row in which the neuron has the largest gradient.

        Raises
        ------
        PlanError
            If there is no such layer or neuron.
        TableError
            If there is no such row in the batch.

        """
        place = self.neuron if layer is None and neuron is None else find_neuron(self, (layer, neuron))
        return trace_neuron(self, *place, row)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return every number of the step as a long DataFrame, one number to a row.

        Returns
        -------
        DataFrame
            quantity : for rows "feature", "input", "sum", "activation", "dloss_dsum", "output", "probability", "true",
            "predicted", "difference", "square" (the last four also as "scaled_…"), "squared_error", "cross_entropy",
            "loss", "loss_after", "row_weight"; for weights "weight", "gradient", "finite_difference", the names of the
            optimizer's state with "_before" and "_after", "step", "weight_after"; for the whole step "batch_loss",
            "batch_loss_after", "learning_rate", "gradient_norm".
            layer : the layer of a neuron (the inputs are layer 0), or the layer that a weight leads from.
            row : the number of the row; null if the number belongs to no single row.
            source : the number of the input or neuron that a weight comes from; null for a bias.
            neuron : the number of the neuron, input, output, class or label.
            name : its name, or the name of the weight's source.
            value : the number; null for a feature or label that is text.
            text : that text.

        Examples
        --------
        >>> import creche as cr
        >>> run = cr.train("penguins", label="species", hidden=[5], epochs=1, threads=1)
        >>> cr.explain.trace(run.model, "penguins", rows=slice(1, 3)).table().columns
        ['quantity', 'layer', 'row', 'source', 'neuron', 'name', 'value', 'text']

        """
        from creche.explain.trace.export import long_table

        return long_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data, ready for JSON; numbers that are not finite become None."""
        from creche.explain.trace.export import trace_to_dict

        return trace_to_dict(self)

    def html(self) -> str:
        """Return the step as one self-contained page, for light and dark screens."""
        from creche.explain.trace.narrative import describe_trace
        from creche.render.html import html_page, sections_html, tag

        title = f"One training step on {self.source}"
        sections = describe_trace(self, ROWS_OF_A_PAGE, with_weights=True)
        return html_page(title, tag("main", tag("h1", title), sections_html(sections)))

    def save_html(self, path: str | Path) -> None:
        """Write the page to a file.

        Parameters
        ----------
        path : str or path
            Usually ending with ``.html``; a file of that name is replaced.

        Raises
        ------
        FileError
            If the file cannot be written.
        PlanError
            If it is the table.

        """
        from creche._system.atomic_files import open_replacement
        from creche._system.output_files import check_ending, check_outputs
        from creche.table.datasets import locate_read_file

        check_outputs({"path": path}, {"table": locate_read_file(self.source)})
        check_ending(path, "page", ".html")
        with open_replacement(path) as file:
            file.write(self.html().encode())

    def __repr__(self) -> str:
        change = f"loss {self.loss:.6g} before, {self.loss_after:.6g} after"
        return f"Trace(step {self.step + 1} on {len(self):,} rows of {self.source}, {self.plan.network}; {change})"
