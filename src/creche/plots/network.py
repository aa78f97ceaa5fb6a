"""A diagram of a network: neurons as circles, weights as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.arguments import check_whole_number
from creche.plots.style import (
    NEGATIVE,
    POSITIVE,
    adjust_to_background,
    background_color,
    draws,
    is_dark,
    resolve_axes,
    shorten,
    text_color,
)

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["network"]

THINNEST, THICKEST = 0.15, 3.0  # points
LETTER_WIDTH, NAME_GAP, LAYER_GAP = 0.075, 0.15, 1.5  # inches; a name gap is the distance from a neuron to its name
NAME_LENGTH = 28
ROOMY = 0.6  # inches between layers, above which captions are horizontal


@dataclass(frozen=True, slots=True)
class Column:
    """A layer in the diagram: the neurons that are drawn, and their heights.

    Attributes
    ----------
    width : int
        The number of neurons of the layer.
    neurons : (k,) int64
        The numbers of the neurons that are drawn.
    heights : (k,) float64
    gap : float or None
        The height of the "⋮", if neurons are left out.

    """

    width: int
    neurons: NDArray[np.int64]
    heights: NDArray[np.float64]
    gap: float | None

    @classmethod
    def of(cls, width: int, limit: int) -> Column:
        """Select all neurons of a layer, or the first and the last ones of a wider layer."""
        if width <= limit:
            return cls(width, np.arange(width), (width - 1) / 2 - np.arange(width, dtype=np.float64), None)
        first = limit // 2
        last = max(limit - first - 1, 1)
        neurons = np.concatenate([np.arange(first), np.arange(width - last, width)])
        places = np.concatenate([np.arange(first), first + 1 + np.arange(last)])
        return cls(width, neurons, (first + last) / 2 - places, (first + last) / 2 - first)


@draws
def network(model: Model, *, max_neurons: int = 9, axes: Any = None) -> Any:
    """Draw the neurons of each layer as circles, and the weights between them as lines.

    The thickness of a line is proportional to the size of its weight, relative to the largest one drawn in that layer.
    Lines of positive weights are solid, those of negative weights dashed. For a wide layer the first and the last
    neurons are drawn, with the number of those left out.

    Parameters
    ----------
    model : Model
    max_neurons : int, default 9
        How many neurons of a layer are drawn at most; at least 3.

    Raises
    ------
    PlanError
        If `model` is not a model of one network, or `max_neurons` is too small.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[4], epochs=5, threads=1).model
    >>> axes = network(model)
    >>> "Gentoo" in [text.get_text() for text in axes.texts]
    True

    """
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

    if isinstance(model, Ensemble):
        raise PlanError(f"model: is an ensemble of {len(model)} networks; pass one of them, such as ensemble.models[0]")
    if not isinstance(model, Model):
        raise PlanError(f"model: got {type(model).__name__}; needs a trained Model")
    model.plan.network.require_one_model("model")
    max_neurons = check_whole_number("max_neurons", max_neurons, at_least=3)
    columns = [Column.of(width, max_neurons) for width in model.plan.network.widths]
    tallest = max(len(column.neurons) + (column.gap is not None) for column in columns)
    left, right = _outer_names(columns, model)
    margins = [LETTER_WIDTH * max(map(len, names)) + 2 * NAME_GAP for names in (left, right)]  # inches
    axes = resolve_axes(axes, sum(margins) + LAYER_GAP * (len(columns) - 1), max(0.4 * tallest + 1.1, 2.2))
    size = axes.get_window_extent().size / axes.figure.dpi
    unit = max((size[0] - sum(margins)) / (len(columns) - 1), 0.2)  # inches from layer to layer
    bottom = -(tallest - 1) / 2
    axes.set_xlim(-margins[0] / unit, len(columns) - 1 + margins[1] / unit)
    axes.set_ylim(bottom - (2.2 if unit >= ROOMY else 3.4), -bottom + 0.6)
    for number, (weights, _) in enumerate(model.weights):
        _draw_weights(axes, columns[number], columns[number + 1], weights, number)
    for number, column in enumerate(columns):
        _draw_neurons(axes, column, number, min(14.0, 40 * size[1] / (tallest + 2), 25 * unit), roomy=unit >= ROOMY)
    _write_names(axes, columns[0], left, -NAME_GAP / unit, "right")
    _write_names(axes, columns[-1], right, len(columns) - 1 + NAME_GAP / unit, "left")
    _write_captions(axes, columns, model, bottom - (1.0 if unit >= ROOMY else 1.5), roomy=unit >= ROOMY)
    axes.set_axis_off()
    _draw_legend(axes)
    return axes


def _draw_weights(axes: Any, left: Column, right: Column, weights: NDArray[Any], x: float) -> None:
    """Draw the weights between two layers, the largest last."""
    from matplotlib.collections import LineCollection

    drawn = weights[np.ix_(left.neurons, right.neurons)].astype(np.float64)
    largest = float(np.abs(drawn).max(initial=0.0))
    size = np.abs(drawn) / largest if largest > 0 else np.zeros(drawn.shape)
    order = np.argsort(size, axis=None, kind="stable")
    rows, across = np.unravel_index(order, size.shape)
    ends = np.empty((len(order), 2, 2))
    ends[:, 0, 0], ends[:, 1, 0] = x, x + 1
    ends[:, 0, 1], ends[:, 1, 1] = left.heights[rows], right.heights[across]
    sorted_size, negative = size[rows, across], drawn[rows, across] < 0
    for sign, look in ((negative, adjust_to_background(NEGATIVE)), (~negative, adjust_to_background(POSITIVE))):
        lines = LineCollection(
            list(ends[sign]), colors=look["color"], linestyles=look["linestyle"], zorder=1,
            linewidths=THINNEST + (THICKEST - THINNEST) * sorted_size[sign], alpha=(0.25 + 0.75 * sorted_size[sign]),
        )  # fmt: skip
        axes.add_collection(lines, autolim=False)


def _draw_neurons(axes: Any, column: Column, x: float, diameter: float, *, roomy: bool) -> None:
    inside = "#2b2b2b" if is_dark() else background_color()
    axes.plot(
        np.full(len(column.neurons), x), column.heights, "o", markersize=diameter, markerfacecolor=inside,
        markeredgecolor=text_color(), markeredgewidth=1.2, zorder=2, clip_on=False,
    )  # fmt: skip
    if column.gap is not None:
        more = f"\n{column.width - len(column.neurons):,} more" if roomy else ""
        axes.text(
            x, column.gap, f"⋮{more}", ha="center", va="center", zorder=3,
            fontsize="x-small", linespacing=0.9,
            bbox={"facecolor": inside, "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip


def _outer_names(columns: list[Column], model: Model) -> tuple[list[str], list[str]]:
    """Return the names of the input neurons drawn, and of the output neurons: classes or labels."""
    outputs = model.labels.output_names(model.plan.network.outputs)
    inputs = [shorten(model.input_names[i], NAME_LENGTH) for i in columns[0].neurons.tolist()]
    return inputs, [shorten(outputs[i], NAME_LENGTH) for i in columns[-1].neurons.tolist()]


def _write_names(axes: Any, column: Column, names: list[str], x: float, side: str) -> None:
    for name, height in zip(names, column.heights, strict=True):
        axes.text(x, height, name, ha=side, va="center", fontsize="small").set_in_layout(False)


def _write_captions(axes: Any, columns: list[Column], model: Model, y: float, *, roomy: bool) -> None:
    """Write below each layer how many neurons it has, and their activation."""
    head = {"poisson": "exp", "binary_cross_entropy": "sigmoid"}.get(
        model.plan.loss.key, "number" if model.classes is None else "softmax"
    )
    activations = ["inputs", *(layer.activation.key for layer in model.plan.network.layers[:-1]), head]
    for number, (column, activation) in enumerate(zip(columns, activations, strict=True)):
        caption = f"{column.width:,}\n{activation}" if roomy else f"{column.width:,} {activation}"
        rotation = 0 if roomy else 90
        axes.text(number, y, caption, ha="center", va="center", fontsize="small", rotation=rotation)


def _draw_legend(axes: Any) -> None:
    from matplotlib.lines import Line2D

    signs = [Line2D([], [], **adjust_to_background(look), linewidth=1.8) for look in (POSITIVE, NEGATIVE)]
    names = ["positive weight", "negative weight (thickness: size relative to the layer)"]
    axes.legend(
        signs, names, loc="lower center", ncols=2, frameon=False, fontsize="x-small", bbox_to_anchor=(0.5, 0.0),
        borderaxespad=0,
    )  # fmt: skip
