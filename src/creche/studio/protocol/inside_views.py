"""What is inside a network: responses of neurons, the loss against a weight, one step taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from creche.studio.protocol.common import FloatArray, IntArray

__all__ = [
    "BatchTrace",
    "NeuronArithmetic",
    "NeuronResponse",
    "OptimizerArray",
    "SmallResponses",
    "TracedLayer",
    "WeightCurve",
]


@dataclass(frozen=True, slots=True)
class NeuronResponse:
    """What a neuron responds to: its activation over one or two columns, the others held at a typical row.

    `layer` is counted as in `NetworkView.layers`. `x_values` (and `y_values`) are numbers of the column or, for
    categories, the places of `x_labels` (`y_labels`). `activations` is (x,), or (y, x) for two columns. `rows` has up
    to 200 training rows as (x, y or 0, class number or label), to be drawn over it.
    """

    layer: int
    neuron: int
    title: str
    x_column: str
    y_column: str | None
    x_values: FloatArray
    y_values: FloatArray
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    activations: FloatArray
    rows: FloatArray  # (n, 3)


@dataclass(frozen=True, slots=True)
class SmallResponses:
    """What neurons respond to, for small pictures, each over the columns of `RespondSmall` or its strongest one.

    `activations` has a map for each neuron, or one line of it for one column. Of each line the first `counts` numbers
    are there, and the rest is NaN: a column of categories has as many values as categories.
    """

    activations: FloatArray  # (neurons, y, x)
    counts: IntArray  # (neurons,)


@dataclass(frozen=True, slots=True)
class WeightCurve:
    """The loss against one weight, all others fixed, with its tangent.

    `layer` is the index of W in `Model.weights`; `source` is None for a bias. `weight`, `loss` and `gradient` are those
    of the point; `next_weight` is where plain gradient descent with the present learning rate leads.
    `rows` says in words on which rows the loss is evaluated.
    """

    layer: int
    source: int | None
    target: int
    title: str
    weight: float
    loss: float
    gradient: float
    slope: str
    next_weight: float
    rows: str
    weights: FloatArray  # (points,)
    losses: FloatArray  # (points,)
    is_trial: bool
    """Whether the point is a value that the user tries, which the network does not have yet."""


@dataclass(frozen=True, slots=True)
class OptimizerArray:
    """One of the arrays that an optimizer keeps for each weight, before and after a step."""

    name: str
    before: FloatArray  # (d_in, width)
    after: FloatArray
    bias_before: FloatArray  # (width,)
    bias_after: FloatArray


@dataclass(frozen=True, slots=True)
class TracedLayer:
    """A layer in a traced step: the numbers of `creche.explain.trace`, in its order."""

    activation: str
    sums: FloatArray  # (n, width)
    activations: FloatArray  # (n, width)
    sum_gradients: FloatArray  # (n, width)
    weights: FloatArray  # (d_in, width)
    bias: FloatArray  # (width,)
    weight_gradients: FloatArray
    bias_gradients: FloatArray
    weights_after: FloatArray
    bias_after: FloatArray
    optimizer_arrays: tuple[OptimizerArray, ...]


@dataclass(frozen=True, slots=True)
class BatchTrace:
    """One training step on some rows, taken apart. The network itself does not take the step.

    For a classification, `labels` are (n, classes) of 0 and 1, `differences` are predictions - labels, `squares` their
    squares, `mean_squares` (n,) the mean over classes, and `row_losses` (n,) the loss that is minimized. For a
    regression, labels and predictions are in the units that the network sees.
    """

    rows: IntArray  # (n,), counted from 1
    row_names: tuple[str, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    inputs: FloatArray  # (n, d)
    layers: tuple[TracedLayer, ...]
    predictions: FloatArray  # (n, outputs)
    labels: FloatArray
    differences: FloatArray
    squares: FloatArray
    mean_squares: FloatArray
    row_losses: FloatArray
    loss_name: str
    loss: float
    loss_after: float | None
    optimizer: str
    learning_rate: float


@dataclass(frozen=True, slots=True)
class NeuronArithmetic:
    """The arithmetic of one neuron in one row, written out as lines of text: forward, backward, update."""

    layer: int
    neuron: int
    row: int
    title: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    update: tuple[str, ...]
