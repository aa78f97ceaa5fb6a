"""The network as a diagram: neurons as circles, weights as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.arguments import check_whole_number
from creche.plots.style import NEGATIVE, POSITIVE, adjust_to_background, is_dark, resolve_axes, shorten

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["network"]

THINNEST, THICKEST = 0.15, 3.0  # points


LETTER, APART, BETWEEN = 0.075, 0.15, 1.5  # inches: a letter's width, from a neuron to its name, from layer to layer


NAME_LENGTH = 28


ROOMY = 0.6  # inches from layer to layer, in which two words can stand beside each other


@dataclass(frozen=True, slots=True)
class Column:
    """A layer as it is drawn: which neurons are shown, and at which heights.

    Attributes
    ----------
    width : int
    shown : (k,) int64
    heights : (k,) float64
    gap : float or None
        The height of the "⋮", where neurons are left out.

    """

    width: int
    shown: NDArray[np.int64]
    heights: NDArray[np.float64]
    gap: float | None

    @classmethod
    def of(cls, width: int, most: int) -> Column:
        """The first and the last neurons of a wide layer, all of another."""
        if width <= most:
            return cls(width, np.arange(width), (width - 1) / 2 - np.arange(width, dtype=np.float64), None)
        first = most // 2
        last = max(most - first - 1, 1)
        shown = np.concatenate([np.arange(first), np.arange(width - last, width)])
        places = np.concatenate([np.arange(first), first + 1 + np.arange(last)])
        return cls(width, shown, (first + last) / 2 - places, (first + last) / 2 - first)


def network(model: Model, *, most: int = 9, axes: Any = None) -> Any:
    """The neurons of each layer as circles, and the weights between them as lines.

    A line is as thick as its weight is large beside the largest of its layer that is shown; positive ones are drawn
    through, negative ones dashed. Of wide layers, the first and the last neurons are shown, and how many are left out.

    Parameters
    ----------
    model : Model
    most : int, default 9
        Neurons of a layer to show; at least 3.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If it is no model of one network, or `most` is too small.

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
        raise PlanError(f"model: is an ensemble of {len(model)} networks; give one of them, such as ensemble.models[0]")
    if not isinstance(model, Model):
        raise PlanError(f"model: got {type(model).__name__}; needs a trained Model")
    most = check_whole_number("most", most, at_least=3)
    columns = [Column.of(width, most) for width in model.plan.network.widths]
    tallest = max(len(column.shown) + (column.gap is not None) for column in columns)
    left, right = _outer_names(columns, model)
    beside = [LETTER * max(map(len, names)) + 2 * APART for names in (left, right)]  # inches
    axes = resolve_axes(axes, sum(beside) + BETWEEN * (len(columns) - 1), max(0.4 * tallest + 1.1, 2.2))
    size = axes.get_window_extent().size / axes.figure.dpi
    unit = max((size[0] - sum(beside)) / (len(columns) - 1), 0.2)  # inches from layer to layer
    bottom = -(tallest - 1) / 2
    axes.set_xlim(-beside[0] / unit, len(columns) - 1 + beside[1] / unit)
    axes.set_ylim(bottom - (2.2 if unit >= ROOMY else 3.4), -bottom + 0.6)
    for number, (weights, _) in enumerate(model.weights):
        _connections(axes, columns[number], columns[number + 1], weights, number)
    for number, column in enumerate(columns):
        _neurons(axes, column, number, min(14.0, 40 * size[1] / (tallest + 2), 25 * unit), roomy=unit >= ROOMY)
    _write_names(axes, columns[0], left, -APART / unit, "right")
    _write_names(axes, columns[-1], right, len(columns) - 1 + APART / unit, "left")
    _captions(axes, columns, model, bottom - (1.0 if unit >= ROOMY else 1.5), roomy=unit >= ROOMY)
    axes.set_axis_off()
    _legend(axes)
    return axes


def _connections(axes: Any, left: Column, right: Column, weights: NDArray[Any], x: float) -> None:
    """The weights between two layers, the largest drawn last."""
    from matplotlib.collections import LineCollection

    shown = weights[np.ix_(left.shown, right.shown)].astype(np.float64)
    largest = float(np.abs(shown).max(initial=0.0))
    size = np.abs(shown) / largest if largest > 0 else np.zeros(shown.shape)
    order = np.argsort(size, axis=None, kind="stable")
    rows, across = np.unravel_index(order, size.shape)
    ends = np.empty((len(order), 2, 2))
    ends[:, 0, 0], ends[:, 1, 0] = x, x + 1
    ends[:, 0, 1], ends[:, 1, 1] = left.heights[rows], right.heights[across]
    sorted_size, negative = size[rows, across], shown[rows, across] < 0
    for sign, look in ((negative, adjust_to_background(NEGATIVE)), (~negative, adjust_to_background(POSITIVE))):
        lines = LineCollection(
            list(ends[sign]), colors=look["color"], linestyles=look["linestyle"], zorder=1,
            linewidths=THINNEST + (THICKEST - THINNEST) * sorted_size[sign], alpha=(0.25 + 0.75 * sorted_size[sign]),
        )  # fmt: skip
        axes.add_collection(lines, autolim=False)


def _neurons(axes: Any, column: Column, x: float, diameter: float, *, roomy: bool) -> None:
    from matplotlib import rcParams

    inside = "#2b2b2b" if is_dark() else "#ffffff"
    axes.plot(
        np.full(len(column.shown), x), column.heights, "o", markersize=diameter, markerfacecolor=inside,
        markeredgecolor=rcParams["text.color"], markeredgewidth=1.2, zorder=2, clip_on=False,
    )  # fmt: skip
    if column.gap is not None:
        more = f"\n{column.width - len(column.shown):,} more" if roomy else ""
        axes.text(
            x, column.gap, f"⋮{more}", ha="center", va="center", zorder=3,
            fontsize="x-small", linespacing=0.9,
            bbox={"facecolor": inside, "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip


def _outer_names(columns: list[Column], model: Model) -> tuple[list[str], list[str]]:
    """What stands beside the neurons shown: the inputs' names, and the classes or labels."""
    outputs = model.labels.names if model.classes is None else model.classes
    outputs = outputs[-model.plan.network.outputs :]  # of two classes, one probability tells both: the second's
    inputs = [shorten(model.features.inputs[i], NAME_LENGTH) for i in columns[0].shown.tolist()]
    return inputs, [shorten(outputs[i], NAME_LENGTH) for i in columns[-1].shown.tolist()]


def _write_names(axes: Any, column: Column, names: list[str], x: float, side: str) -> None:
    for name, height in zip(names, column.heights, strict=True):
        axes.text(x, height, name, ha=side, va="center", fontsize="small").set_in_layout(False)


def _captions(axes: Any, columns: list[Column], model: Model, y: float, *, roomy: bool) -> None:
    """Below each layer, how many neurons it has, and their activation."""
    head = {"poisson": "exp", "binary_cross_entropy": "sigmoid"}.get(
        model.plan.loss.key, "number" if model.classes is None else "softmax"
    )
    words = ["inputs", *(layer.activation.key for layer in model.plan.network.layers[:-1]), head]
    for number, (column, word) in enumerate(zip(columns, words, strict=True)):
        axes.text(
            number, y, f"{column.width:,}\n{word}" if roomy else f"{column.width:,} {word}", ha="center", va="center",
            fontsize="small", rotation=0 if roomy else 90,
        )  # fmt: skip


def _legend(axes: Any) -> None:
    from matplotlib.lines import Line2D

    signs = [Line2D([], [], **adjust_to_background(look), linewidth=1.8) for look in (POSITIVE, NEGATIVE)]
    axes.legend(
        signs, ["positive weight", "negative weight (thicker is larger, within a layer)"], loc="lower center", ncols=2,
        frameon=False, fontsize="x-small", bbox_to_anchor=(0.5, 0.0), borderaxespad=0,
    )  # fmt: skip
