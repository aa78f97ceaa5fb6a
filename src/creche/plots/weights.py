"""How large the weights are: as histograms, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.arguments import check_whole_number
from creche.plots.style import category_style, resolve_axes, tidy_axes

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["weight_histograms", "weights_over_epochs"]

FEWEST_BINS, MOST_BINS = 10, 40
BANDS_SHOWN = 12
TALLEST = 0.85  # of a band's height


def weight_histograms(model: Model, *, axes: Any = None) -> Any:
    """A histogram of each layer's weights, without biases, on one scale; the first layer on top.

    Each is as tall as its band, so that shapes can be compared; how many weights there are stands beside it, and their
    standard deviation.

    Parameters
    ----------
    model : Model
        Or its weights: a list of (W, b) for each layer.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there are no weights.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[4], epochs=5, threads=1).model
    >>> axes = weight_histograms(model)
    >>> [label.get_text().split(chr(10))[0] for label in axes.get_yticklabels()]
    ['layer 0', 'layer 1']

    """
    layers = [weights for weights, _ in _layers(model)]
    names = [f"layer {i}\n{w.shape[0]:,}→{w.shape[1]:,}" for i, w in enumerate(layers)]
    axes = resolve_axes(axes, 5.4, 1.1 + 0.85 * min(len(layers), BANDS_SHOWN))
    _bands(axes, layers, names, counted=True)
    return axes


def weights_over_epochs(
    weights: Sequence[Any], layer: int = 0, *, epochs: Sequence[int] | None = None, axes: Any = None
) -> Any:
    """A histogram of a layer's weights, without biases, at each of several epochs; the earliest on top.

    Parameters
    ----------
    weights : sequence of Model or of lists of (W, b)
        The weights after each of these epochs. Of more than 12, an even choice is shown.
    layer : int, default 0
        Counted from the inputs; from -1 backwards.
    epochs : sequence of int, optional
        What the epochs are called; by default 1, 2, …
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there are no weights, there is no such layer, or there are not as many epochs as weights.

    Examples
    --------
    >>> import creche as cr
    >>> kept = []
    >>> def keep(record):
    ...     kept.append(record.run.model.weights)
    >>> run = cr.train("penguins", label="species", epochs=3, threads=1, on_epoch=keep)
    >>> axes = weights_over_epochs(kept, layer=-1)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['epoch 1', 'epoch 2', 'epoch 3']

    """
    sets = [_layers(given) for given in weights]
    if not sets:
        raise PlanError("weights: got none; needs the weights after one epoch or more")
    called = (
        list(range(1, len(sets) + 1))
        if epochs is None
        else [check_whole_number("epochs", e, at_least=0) for e in epochs]
    )
    if len(called) != len(sets):
        raise PlanError(f"epochs: got {len(called)} for {len(sets)} sets of weights; needs one for each")
    count = len(sets[0])
    if isinstance(layer, bool) or not isinstance(layer, int | np.integer) or not -count <= layer < count:
        raise PlanError(f"layer: got {layer!r}; needs a whole number from {-count} to {count - 1}")
    chosen = np.unique(np.linspace(0, len(sets) - 1, min(len(sets), BANDS_SHOWN)).round().astype(int)).tolist()
    axes = resolve_axes(axes, 5.4, 1.1 + 0.5 * len(chosen))
    _bands(axes, [sets[i][layer][0] for i in chosen], [f"epoch {called[i]:,}" for i in chosen], counted=False)
    axes.set_title(f"layer {layer % count}, {sets[0][layer][0].size:,} weights", fontsize="medium")
    return axes


def _layers(given: Any) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    layers = getattr(given, "weights", given)
    try:
        found = [(np.asarray(weights), np.asarray(bias)) for weights, bias in layers]
    except (TypeError, ValueError):
        found = []
    if not found or not all(weights.ndim == 2 for weights, _ in found):
        raise PlanError(f"weights: got {type(given).__name__}; needs a model, or the weights (W, b) of each layer")
    return found


def _bands(axes: Any, layers: Sequence[NDArray[Any]], names: Sequence[str], counted: bool) -> None:
    values = [layer.astype(np.float64).reshape(-1) for layer in layers]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    bins = int(np.clip(2 * np.sqrt(max(map(len, values))), FEWEST_BINS, MOST_BINS))
    edges = np.linspace(low, high, bins + 1) if low < high else np.linspace(low - 0.5, high + 0.5, bins + 1)
    look = category_style(0)
    for place, own in enumerate(values):
        counts = np.histogram(own, edges)[0]
        bottom = len(values) - 1 - place
        axes.stairs(
            bottom + TALLEST * counts / counts.max(), edges, baseline=bottom, fill=True, facecolor=look["color"],
            alpha=0.35,
        )  # fmt: skip
        axes.stairs(bottom + TALLEST * counts / counts.max(), edges, baseline=bottom, color=look["color"])
        beside = f"{len(own):,} weights\ndeviation {own.std():.3g}" if counted else f"deviation {own.std():.3g}"
        axes.text(1.01, bottom + 0.4, beside, transform=axes.get_yaxis_transform(), va="center", fontsize="small")
    axes.axvline(0, color="grey", linewidth=0.8, linestyle=":")
    axes.set_yticks(np.arange(len(values))[::-1] + TALLEST / 2, names)
    axes.set_ylim(-0.05, len(values))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel("weight")
    tidy_axes(axes)
