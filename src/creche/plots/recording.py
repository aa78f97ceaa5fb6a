"""Plots of a recording: statistics of each layer during training, and the distribution of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.words import RecordedStatistic, check_word
from creche.plots.style import VALIDATION, adjust_to_background, category_style, draws, is_dark, resolve_axes, tidy_axes

if TYPE_CHECKING:
    from creche.training.recording import Recording

__all__ = ["recorded_numbers", "recorded_weights"]

# For each statistic: the attribute of a recording, its name in a plot, and whether it covers orders of magnitude.
STATISTICS: dict[RecordedStatistic, tuple[str, str, bool]] = {
    "update_ratio": ("update_ratios", "norm of an update ÷ norm of the weights", True),
    "weight_norm": ("weight_norms", "norm of the weights", False),
    "gradient_norm": ("gradient_norms", "norm of the gradient", True),
    "dead": ("dead", "share of dead neurons", False),
    "saturated": ("saturated", "share of saturated activations", False),
    "activation_mean": ("activation_means", "mean activation", False),
    "activation_deviation": ("activation_deviations", "standard deviation of activations", False),
}

LINES_NAMED = 12
MARKERS_PER_LINE = 8
BINS = (9, 41)  # the fewest and the most
PERCENTILES_SHOWN = (0.5, 99.5)


@draws
def recorded_numbers(recording: Recording, *, statistic: RecordedStatistic = "update_ratio", axes: Any = None) -> Any:
    """Draw a statistic of each layer by epoch.

    Parameters
    ----------
    recording : Recording
    statistic : {"update_ratio", "weight_norm", "gradient_norm", "dead", "saturated", "activation_mean", \
"activation_deviation"}, default "update_ratio"
        The statistic. Those of single neurons are averaged over the neurons of a layer.

    Raises
    ------
    PlanError
        If there is no such statistic.
    CrecheError
        If the recording does not have the data it needs.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=5, record=True, threads=1)
    >>> axes = recorded_numbers(run.recording, statistic="gradient_norm")
    >>> [line.get_label() for line in axes.get_lines()]
    ['layer 1', 'layer 2', 'output layer']

    """
    statistic = check_word("statistic", statistic, STATISTICS)
    attribute, title, is_logarithmic = STATISTICS[statistic]
    values: Any = getattr(recording, attribute)
    if isinstance(values, list):  # for each neuron of each layer
        values = np.stack([layer.mean(axis=1) for layer in values], axis=1)
    axes = resolve_axes(axes, 6.4, 3.8)
    drawn = 0
    for layer, layer_name in enumerate(recording.layers):
        known = np.isfinite(values[:, layer])
        if known.any():
            axes.plot(
                recording.epochs[known], values[known, layer], label=layer_name, **_line_style(layer, int(known.sum()))
            )
            drawn += 1
    if not drawn:
        axes.text(
            0.5,
            0.5,
            f"{title}: not defined for any layer",
            ha="center",
            va="center",
            transform=axes.transAxes,
            alpha=0.6,
        )
    elif is_logarithmic and (values[np.isfinite(values)] > 0).all():
        axes.set_yscale("log")
    elif statistic in ("dead", "saturated"):
        axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("epoch")
    axes.set_ylabel(title)
    tidy_axes(axes)
    if 0 < drawn <= LINES_NAMED:
        axes.legend(frameon=False)
    return axes


@draws
def recorded_weights(recording: Recording, layer: int = 0, *, axes: Any = None) -> Any:
    """Draw the distribution of a layer's weights by epoch; the stronger the shade, the more weights have that value.

    The lines are the median and the quartiles. The outermost half percent of the weights on each side is cut off.

    Parameters
    ----------
    recording : Recording
        A recording with weights.
    layer : int, default 0
        The layer, from 0; -1 for the output layer.

    Raises
    ------
    PlanError
        If there is no such layer.
    CrecheError
        If weights were not recorded.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=5, record="weights", threads=1)
    >>> recorded_weights(run.recording, -1).get_ylabel()
    'weights of the output layer'

    """
    layers = len(recording.layers)
    if not -layers <= layer < layers:
        raise PlanError(f"layer: got {layer}; needs a whole number from {-layers} to {layers - 1}")
    weights = recording.weights[layer][0].reshape(len(recording), -1).astype(np.float64)
    low, high = np.percentile(weights, PERCENTILES_SHOWN)
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, int(np.clip(np.sqrt(weights.shape[1]), *BINS)) + 1)
    shares = np.stack([np.histogram(row, edges)[0] for row in weights], axis=1) / weights.shape[1]
    axes = resolve_axes(axes, 6.4, 3.8)
    # Shades grow with the square root of the share, so that rare values are visible.
    colours = "Greys_r" if is_dark() else "Greys"
    image = axes.pcolormesh(_cell_edges(recording.epochs), edges, np.sqrt(shares), cmap=colours, rasterized=True)
    colour = adjust_to_background(VALIDATION)["color"]
    for percent, dashes in ((25, ":"), (50, "-"), (75, ":")):
        axes.plot(recording.epochs, np.percentile(weights, percent, axis=1), dashes, color=colour, linewidth=1.6)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"weights of {'the ' if layer in (-1, layers - 1) else ''}{recording.layers[layer]}")
    bar = axes.figure.colorbar(image, ax=axes, label="share of weights")
    ticks = np.linspace(0, float(np.sqrt(shares.max())), 5)
    bar.set_ticks(ticks, labels=[f"{100 * tick**2:.1f} %" for tick in ticks])
    return axes


def _line_style(layer: int, points: int) -> dict[str, Any]:
    look = category_style(layer)
    del look["hatch"]
    every = layer % MARKERS_PER_LINE, max(points // MARKERS_PER_LINE, 1)
    return {**look, "markersize": 4.5, "markevery": every, "linewidth": 1.6}


def _cell_edges(epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles between the recorded epochs, and as far beyond the first and the last."""
    if len(epochs) == 1:
        return np.array([epochs[0] - 0.5, epochs[0] + 0.5])
    between = (epochs[1:] + epochs[:-1]) / 2
    return np.concatenate([[2 * epochs[0] - between[0]], between, [2 * epochs[-1] - between[-1]]])
