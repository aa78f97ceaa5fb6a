"""Histograms of weights, one above the other: layers of a model, or one layer over several epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.arguments import check_whole_number
from creche.plots.style import category_style, draws, evenly_spaced, resolve_axes, tidy_axes

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["weight_histograms", "weights_over_epochs"]

FEWEST_BINS, MOST_BINS = 10, 40
BANDS_SHOWN = 12
TALLEST = 0.85  # the highest bar, as a share of the band's height


@draws
def weight_histograms(model: Model, *, axes: Any = None) -> Any:
    """Draw a histogram of each layer's weights, without biases, all on one scale; the first layer is at the top.

    Each histogram fills its band, so that shapes can be compared. The number of weights and their standard deviation
    are to the right.

    Parameters
    ----------
    model : Model or list of (W, b)
        A model, or the weights and bias of each layer.

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
    layers = [weights for weights, _ in _read_layers(model)]
    names = [f"layer {i}\n{w.shape[-2]:,}→{w.shape[-1]:,}" for i, w in enumerate(layers)]
    axes = resolve_axes(axes, 5.4, 1.1 + 0.85 * min(len(layers), BANDS_SHOWN))
    _draw_bands(axes, layers, names, with_counts=True)
    return axes


@draws
def weights_over_epochs(
    weights: Sequence[Any], layer: int = 0, *, epochs: Sequence[int] | None = None, axes: Any = None
) -> Any:
    """Draw a histogram of a layer's weights, without biases, at each of several epochs; the earliest is at the top.

    Parameters
    ----------
    weights : sequence of Model or of lists of (W, b)
        The weights after each epoch. If there are more than 12, evenly spaced ones are drawn.
    layer : int, default 0
        The layer, from 0 after the inputs; negative numbers count from the output layer, -1.
    epochs : sequence of int, optional
        The number of each epoch; by default 1, 2, …

    Raises
    ------
    PlanError
        If there are no weights, no such layer, or not as many epochs as weights.

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
    sets = [_read_layers(one) for one in weights]
    if not sets:
        raise PlanError("weights: got none; needs the weights after one epoch or more")
    numbers = (
        list(range(1, len(sets) + 1))
        if epochs is None
        else [check_whole_number("epochs", e, at_least=0) for e in epochs]
    )
    if len(numbers) != len(sets):
        raise PlanError(f"epochs: got {len(numbers)} for {len(sets)} sets of weights; needs one for each")
    count = len(sets[0])
    if isinstance(layer, bool) or not isinstance(layer, int | np.integer) or not -count <= layer < count:
        raise PlanError(f"layer: got {layer!r}; needs a whole number from {-count} to {count - 1}")
    places = evenly_spaced(len(sets), BANDS_SHOWN).tolist()
    axes = resolve_axes(axes, 5.4, 1.1 + 0.5 * len(places))
    names = [f"epoch {numbers[i]:,}" for i in places]
    _draw_bands(axes, [sets[i][layer][0] for i in places], names, with_counts=False)
    axes.set_title(f"layer {layer % count}, {sets[0][layer][0].size:,} weights", fontsize="medium")
    return axes


def _read_layers(source: Any) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    layers = getattr(source, "weights", source)
    try:
        found = [(np.asarray(weights), np.asarray(bias)) for weights, bias in layers]
    except (TypeError, ValueError):
        found = []
    if not found or not all(weights.ndim in (2, 3) for weights, _ in found):
        raise PlanError(f"weights: got {type(source).__name__}; needs a model, or the weights (W, b) of each layer")
    return found


def _draw_bands(axes: Any, layers: Sequence[NDArray[Any]], names: Sequence[str], with_counts: bool) -> None:
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
        note = f"{len(own):,} weights\nstd {own.std():.3g}" if with_counts else f"std {own.std():.3g}"
        axes.text(1.01, bottom + 0.4, note, transform=axes.get_yaxis_transform(), va="center", fontsize="small")
    axes.axvline(0, color="grey", linewidth=0.8, linestyle=":")
    axes.set_yticks(np.arange(len(values))[::-1] + TALLEST / 2, names)
    axes.set_ylim(-0.05, len(values))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel("weight")
    tidy_axes(axes)
