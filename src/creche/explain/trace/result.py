"""The features of a batch as the user gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.trace.gradient_check import GradientCheck
from creche.explain.trace.neuron import NeuronTrace, find_neuron, trace_neuron
from creche.plan.plan import Plan
from creche.table.observations import Observations
from creche.table.table import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ClassificationErrors", "RegressionErrors", "Trace", "TracedLayer", "as_cell", "feature_values"]


def feature_values(observations: Observations, names: Sequence[str]) -> dict[str, list[Any]]:
    """The values of these columns, None for missing."""
    x = observations.x
    if isinstance(x, Table):
        return {name: x.columns[name].to_objects().tolist() for name in names if name in x.columns}
    return dict(zip(names, x.T.tolist(), strict=True))


def as_cell(value: Any) -> str:
    """A value as it stands in a cell.

    Examples
    --------
    >>> as_cell(3750.0), as_cell(18.7), as_cell("Biscoe"), as_cell(None), as_cell(True)
    ('3750', '18.7', 'Biscoe', 'missing', 'yes')

    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value).removesuffix(" 00:00:00")


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationErrors:
    """Of probabilities.

    Attributes
    ----------
    truth : (n,) int
        The number of each row's class.
    probabilities : (n, C) float64
    differences : (n, C) float64
        By how much each differs from the label, which is 1 for the true class and 0 for the others.
    squares : (n, C) float64
    squared_error : (n,) float64
        The mean of a row's squares.
    cross_entropy : (n,) float64
        -log of the probability of the true class.

    Examples
    --------
    >>> one = ClassMistakes.of(np.array([[0.4, 0.3, 0.3]]), np.array([0]))
    >>> one.differences.round(12).tolist(), one.squares.round(12).tolist(), one.squared_error.round(12).tolist()
    ([[0.6, 0.3, 0.3]], [[0.36, 0.09, 0.09]], [0.18])

    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    squared_error: NDArray[np.float64]
    cross_entropy: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[Any], truth: NDArray[Any]) -> ClassificationErrors:
        """From probabilities (n, C) and the numbers of the true classes, (n,)."""
        p = probabilities.astype(np.float64)
        label = np.eye(p.shape[1])[truth]
        differences = np.abs(label - p)
        squares = differences**2
        with np.errstate(divide="ignore"):
            cross_entropy = 0.0 - np.log(p[np.arange(len(p)), truth])  # of a probability of 1: 0, not -0
        return cls(truth.astype(np.int64), p, differences, squares, squares.mean(axis=1), cross_entropy)


@dataclass(frozen=True, slots=True, eq=False)
class RegressionErrors:
    """Of predicted numbers.

    Attributes
    ----------
    truth, predictions, differences, squares : (n, k) float64
        In the units of the labels; a difference is prediction - truth.
    scaled_truth, scaled_predictions, scaled_differences, scaled_squares : (n, k) float64
        As the network works with them: standardised, unless it was trained with ``standardize=False``.
    is_scaled : bool
        Whether the two differ.

    """

    truth: NDArray[np.float64]
    predictions: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    scaled_truth: NDArray[np.float64]
    scaled_predictions: NDArray[np.float64]
    scaled_differences: NDArray[np.float64]
    scaled_squares: NDArray[np.float64]
    is_scaled: bool

    @classmethod
    def of(
        cls, truth: NDArray[Any], predictions: NDArray[Any], scaled_truth: NDArray[Any], outputs: NDArray[Any]
    ) -> RegressionErrors:
        """From labels and predictions in their units and as the network has them, each (n, k)."""
        given, said, scaled, out = (array.astype(np.float64) for array in (truth, predictions, scaled_truth, outputs))
        off, scaled_off = said - given, out - scaled
        with np.errstate(over="ignore"):
            squares, scaled_squares = off**2, scaled_off**2
        is_scaled = not np.array_equal(given.astype(outputs.dtype), scaled_truth)
        return cls(given, said, off, squares, scaled, out, scaled_off, scaled_squares, is_scaled)


Plane = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TracedLayer:
    """A layer of neurons, with the weights that lead to it.

    Attributes
    ----------
    activation : str
        What its neurons apply to their weighted sums; of the outputs, what turns them into predictions.
    sums, activations, dloss_dsums : (n, width) array
        Of each row: weighted sums z; f(z), of the output layer z itself; the gradient of the batch's loss by z.
    weights, gradient, weights_after : (d_in, width) array
        Gradient: of the batch's loss, before the optimizer clips it or adds weight decay.
    bias, bias_gradient, bias_after : (width,) array
    planes : dict of str to ((W, b), (W, b))
        What the optimizer keeps of each weight, by name, before and after: "momentum", "second_moment", …

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
    planes: dict[str, tuple[Plane, Plane]]

    @property
    def width(self) -> int:
        """Its neurons."""
        return int(self.bias.shape[0])

    @property
    def steps(self) -> NDArray[np.float64]:
        """How far the optimizer moves each weight, (d_in, width): after - before."""
        return np.asarray(self.weights_after.astype(np.float64) - self.weights)

    @property
    def bias_steps(self) -> NDArray[np.float64]:
        return np.asarray(self.bias_after.astype(np.float64) - self.bias)

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Which neurons are silent, (width,): 0 in every row, so that nothing goes on from them."""
        return np.asarray((self.activations == 0).all(axis=0))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trace:
    """One training step on a batch, taken apart: made by `creche.explain.trace`.

    Every number is the engine's own, in the plan's precision; differences, squares and steps are worked out from those
    in float64. Layers of neurons are counted as in the drawing of a network: the inputs are layer 0, the first hidden
    layer is layer 1. The weights of layer l, ``model.weights[l]``, lead from layer l to layer l + 1, and stand in
    ``layers[l]``.

    Attributes
    ----------
    plan : Plan
    source : str
        What the table is called.
    observations : Observations
        The rows as given.
    columns : tuple of str
        Those that the network learns from.
    rows : (n,) int
        As the user calls them: tables count from 1, arrays from 0.
    row_weights : (n,) array or None
        How much each row counts.
    inputs : tuple of str
    encoded : (n, d) array
        The rows as the network takes them.
    layers : tuple of TracedLayer
    output_names : tuple of str
        What each output is of.
    outputs : (n, outputs) array
        What the network predicts: after softmax or the like.
    classes : tuple or None
        None if the label is a number.
    mistakes : ClassMistakes or NumberMistakes
        Predictions beside labels: differences, squares, cross-entropy.
    losses, losses_after : (n,) array
        The plan's loss of each row, before and after the step.
    loss, loss_after : float
        Their means by the rows' weights.
    epoch, number : int
        Completed epochs and steps before this one.
    learning_rate : float
        Of this step.
    check : GradientCheck or None
        The gradients beside finite differences.
    neuron : (int, int)
        Layer and neuron that is followed, unless another is asked for.
    notes : tuple of str
        What else is to be known, such as that training would drop activations.

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
    output_names: tuple[str, ...]
    outputs: NDArray[Any]
    classes: tuple[Any, ...] | None
    mistakes: ClassificationErrors | RegressionErrors
    losses: NDArray[Any]
    loss: float
    losses_after: NDArray[Any]
    loss_after: float
    epoch: int
    number: int
    learning_rate: float
    check: GradientCheck | None
    neuron: tuple[int, int]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def features(self) -> dict[str, list[Any]]:
        """The rows as given: the values of each of the columns, None where one is missing."""
        return feature_values(self.observations, self.columns)

    @property
    def gradient_norm(self) -> float:
        """Of all gradients together, as clipping by norm looks at it."""
        parts = [array.astype(np.float64) for at in self.layers for array in (at.gradient, at.bias_gradient)]
        size = max(float(np.abs(part).max()) for part in parts) or 1.0  # so that no square overflows
        return size * float(np.sqrt(sum(float(((part / size) ** 2).sum()) for part in parts)))

    def neuron_name(self, layer: int, neuron: int) -> str:
        """What a neuron is called: an output by its class or label, the others by number."""
        if layer == len(self.layers):
            return f"the output of {self.output_names[neuron]}"
        return f"neuron {neuron} of layer {layer}"

    def sources(self, layer: int) -> tuple[str, ...]:
        """What the weights that lead to a layer come from: inputs, or neurons of the layer before."""
        if layer == 1:
            return self.inputs
        return tuple(self.neuron_name(layer - 1, i) for i in range(self.layers[layer - 2].width))

    def follow(self, layer: int | None = None, neuron: int | None = None, row: int | None = None) -> NeuronTrace:
        """One neuron followed through one row, forward and back, and through the update of its weights.

        Parameters
        ----------
        layer, neuron : int, optional
            By default the one that the trace was told to follow, or else the neuron of the first layer that the loss
            depends on most.
        row : int, optional
            As the user calls it; by default the one in which the loss depends most on the neuron.

        Raises
        ------
        PlanError
            If there is no such layer, neuron or row.

        """
        named = self.neuron if layer is None and neuron is None else find_neuron(self, (layer, neuron))
        return trace_neuron(self, *named, row)

    def table(self) -> pl.DataFrame:
        """Every number of the step, one to a row.

        Returns
        -------
        DataFrame
            what : what the number is: "feature", "input", "sum", "activation", "dloss_dsum", "output", "probability",
            "truth", "prediction", "difference", "square", "squared_error", "cross_entropy", "loss", "loss_after",
            "row_weight"; of the weights "weight", "gradient", "slope" (the finite difference), the names of what the
            optimizer keeps with "_before" and "_after", "step", "weight_after"; of the whole "batch_loss",
            "batch_loss_after", "learning_rate", "gradient_norm".
            layer : of neurons: the inputs are 0; of weights, the layer they lead from.
            row : the row of the table, as the user calls it; null where the number is of no single row.
            source : of a weight, the number of the input or neuron it comes from; null for a bias.
            neuron : the number of the neuron, input, output, class or label.
            name : its name, or that of the weight's source.
            value : the number; null for a feature or label that is a word.
            text : that word.

        Examples
        --------
        >>> import creche as cr
        >>> run = cr.train("penguins", label="species", hidden=[5], epochs=1, threads=1)
        >>> cr.explain.trace(run.model, "penguins", rows=slice(0, 2)).table().columns
        ['what', 'layer', 'row', 'source', 'neuron', 'name', 'value', 'text']

        """
        from creche.explain.trace.export import long_table

        return long_table(self)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON: numbers that are not finite become None."""
        from creche.explain.trace.export import trace_to_dict

        return trace_to_dict(self)

    def html(self) -> str:
        """The step as a page that needs nothing else, for light and dark screens."""
        from creche.render.html import trace_page

        return trace_page(self)

    def save_html(self, path: str | Path) -> None:
        """Writes the page to a file.

        Raises
        ------
        FileError
            If it cannot be written.

        """
        from creche._system.atomic_files import open_replacement

        with open_replacement(path) as file:
            file.write(self.html().encode())

    def _repr_html_(self) -> str:
        """In a notebook, within a frame, so that its look and the notebook's do not mix."""
        from html import escape

        return f'<iframe srcdoc="{escape(self.html())}" style="width: 100%; height: 40rem; border: 0"></iframe>'

    def __str__(self) -> str:
        from creche.render.text import trace_text

        return trace_text(self)

    def __repr__(self) -> str:
        change = f"loss {self.loss:.6g} before, {self.loss_after:.6g} after"
        return f"Trace(step {self.number + 1} on {len(self):,} rows of {self.source}, {self.plan.network}; {change})"
