"""A recording in pictures: numbers of each layer as training went on, and how its weights spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.plots.style import VALIDATION, adjust_to_background, category_style, is_dark, resolve_axes, tidy_axes

if TYPE_CHECKING:
    from creche.training.recording import Recording

__all__ = ["recorded_numbers", "recorded_weights"]

# What can be drawn, what it is called, and whether it goes over powers of ten.
NUMBERS = {
    "update_ratio": ("update_ratios", "norm of one update ÷ norm of the weights", True),
    "weight_norm": ("weight_norms", "norm of the weights", False),
    "gradient_norm": ("gradient_norms", "norm of the gradient", True),
    "dead": ("dead", "share of dead neurons", False),
    "saturated": ("saturated", "share of saturated activations", False),
    "activation_mean": ("activation_means", "mean activation", False),
    "activation_deviation": ("activation_deviations", "standard deviation of activations", False),
}


LINES_NAMED = 12


MARKS = 8


BINS, SHOWN = (9, 41), (0.5, 99.5)  # at least and at most; percent of the weights within the axis


def recorded_numbers(recording: Recording, axes: Any = None, *, of: str = "update_ratio") -> Any:
    """A number of each layer by epoch.

    Parameters
    ----------
    recording : Recording
    axes : matplotlib Axes, optional
        To draw into; by default new ones.
    of : str, default "update_ratio"
        Of update_ratio, weight_norm, gradient_norm, dead, saturated, activation_mean, activation_deviation.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there is no such number.
    CrecheError
        If what it is made of was not recorded.

    """
    if of not in NUMBERS:
        raise PlanError(f"of: got {of!r}; {nearest(of, NUMBERS)}")
    name, title, is_wide = NUMBERS[of]
    values: Any = getattr(recording, name)
    if isinstance(values, list):  # of single neurons
        values = np.stack([of_neurons.mean(axis=1) for of_neurons in values], axis=1)
    axes = resolve_axes(axes, 6.4, 3.8)
    drawn = 0
    for layer, called in enumerate(recording.layers):
        known = np.isfinite(values[:, layer])
        if known.any():
            axes.plot(recording.epochs[known], values[known, layer], label=called, **_style(layer, int(known.sum())))
            drawn += 1
    if not drawn:
        axes.text(0.5, 0.5, f"no layer has a {title}", ha="center", va="center", transform=axes.transAxes, alpha=0.6)
    elif is_wide and (values[np.isfinite(values)] > 0).all():
        axes.set_yscale("log")
    elif of in ("dead", "saturated"):
        axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("epoch")
    axes.set_ylabel(title)
    tidy_axes(axes)
    if 0 < drawn <= LINES_NAMED:
        axes.legend(frameon=False)
    return axes


def recorded_weights(recording: Recording, layer: int = 0, axes: Any = None) -> Any:
    """How the weights of a layer are spread, moment by moment: the further from the background's shade, the more there.

    Lines are the median and the quartiles. Weights far out, the outermost half percent on each side, lie beyond.

    Parameters
    ----------
    recording : Recording
        With weights.
    layer : int, default 0
        From 0; -1 for the output layer.
    axes : matplotlib Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there is no such layer.
    CrecheError
        If weights were not recorded.

    """
    layers = len(recording.layers)
    if not -layers <= layer < layers:
        raise PlanError(f"layer: got {layer}; there are {layers}, from 0")
    weights = recording.weights[layer][0].reshape(len(recording), -1).astype(np.float64)
    low, high = np.percentile(weights, SHOWN)
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, int(np.clip(np.sqrt(weights.shape[1]), *BINS)) + 1)
    shares = np.stack([np.histogram(of_moment, edges)[0] for of_moment in weights], axis=1) / weights.shape[1]
    axes = resolve_axes(axes, 6.4, 3.8)
    at = _edges(recording.epochs)
    image = axes.pcolormesh(at, edges, np.sqrt(shares), cmap=_map(), rasterized=True)
    colour = adjust_to_background(VALIDATION)["color"]
    for percent, dashes in ((25, ":"), (50, "-"), (75, ":")):
        axes.plot(recording.epochs, np.percentile(weights, percent, axis=1), dashes, color=colour, linewidth=1.6)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"weights of {'the ' if layer in (-1, layers - 1) else ''}{recording.layers[layer]}")
    bar = axes.figure.colorbar(image, ax=axes, label="share of the weights")
    ticks = np.linspace(0, float(np.sqrt(shares.max())), 5)
    bar.set_ticks(ticks, labels=[f"{100 * tick**2:.1f} %" for tick in ticks])
    return axes


def _map() -> Any:
    """Few are as the background."""
    return "Greys_r" if is_dark() else "Greys"


def _style(layer: int, moments: int) -> dict[str, Any]:
    look = category_style(layer)
    del look["hatch"]
    return {
        **look, "markersize": 4.5, "markevery": (layer % MARKS, max(moments // MARKS, 1)), "linewidth": 1.6,
    }  # fmt: skip


def _edges(epochs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between the moments, and as far beyond the first and the last."""
    if len(epochs) == 1:
        return np.array([epochs[0] - 0.5, epochs[0] + 0.5])
    between = (epochs[1:] + epochs[:-1]) / 2
    return np.concatenate([[2 * epochs[0] - between[0]], between, [2 * epochs[-1] - between[-1]]])
