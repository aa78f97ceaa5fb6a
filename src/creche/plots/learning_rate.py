"""Plots of a learning rate search: the loss of each rate with the named bands, and how networks of each band learn."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from creche.plots.colony import explain_empty, set_scale
from creche.plots.style import TRAIN, VALIDATION, adjust_to_background, create_figure, draws, resolve_axes, tidy_axes

if TYPE_CHECKING:
    from creche.model_selection.learning_rate_result import Band, LearningRates

__all__ = ["learning_rate_bands", "learning_rate_curves"]

# The good band has a shade and the diverged one hatching, which are distinguishable in grey too.
SHADES: dict[str, dict[str, Any]] = {
    "good": {"facecolor": "#009E73", "alpha": 0.28, "linewidth": 0},
    "diverged": {"facecolor": "none", "edgecolor": "#888888", "alpha": 0.35, "hatch": "///", "linewidth": 0},
}


NARROW = 0.16  # a band below this share of the width has its name written at an angle


@draws
def learning_rate_bands(found: LearningRates, *, axes: Any = None) -> Any:
    """Draw the loss against the learning rate: a point for each network, a line through the medians, the named bands.

    Networks that diverged are crosses at the upper edge, losses beyond the scale triangles.

    Parameters
    ----------
    found : LearningRates

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.find_learning_rate("penguins", label="species", hidden=[5], epochs=10, seeds=1,
    ...                               rates=cr.log_range(1e-4, 10, 11), threads=1)
    >>> cr.plots.learning_rate_bands(found).get_xlabel()
    'learning rate'

    """
    is_new = axes is None
    axes = resolve_axes(axes, 8.5, 4.6)
    rates, losses = found.rates, found.losses
    blue, orange = adjust_to_background(TRAIN)["color"], adjust_to_background(VALIDATION)["color"]
    each = np.repeat(rates, losses.shape[1])
    flat = losses.ravel()
    finite = np.isfinite(flat)
    axes.set_xscale("log")
    axes.plot(each[finite], flat[finite], "o", color=blue, alpha=0.55, markersize=4, linestyle="", label="one network")
    medians = np.array([np.median(row[~np.isnan(row)]) for row in losses])
    axes.plot(
        rates,
        np.where(np.isfinite(medians), medians, np.nan),
        color=blue,
        linewidth=1.5,
        label="median of each learning rate",
    )
    axes.axhline(
        found.baselines.constant, color="#888888", linestyle=":", linewidth=1.2, label="baseline (constant prediction)"
    )
    set_scale(axes, "y", np.concatenate([flat[finite], [found.baselines.constant]]))
    low, high = axes.get_ylim()
    if axes.get_yscale() == "linear":
        high = min(high, found.ceiling)
    axes.set_ylim(low, high)
    top = axes.get_xaxis_transform()
    diverged, beyond = flat == np.inf, finite & (flat > high)
    for which, marker, name in ((diverged, "x", "diverged"), (beyond, "^", "beyond the scale")):
        if which.any():
            axes.plot(
                each[which], np.full(int(which.sum()), 0.985), marker, color=orange, markersize=5, transform=top,
                linestyle="", label=f"{name} ({int(which.sum()):,})", clip_on=False,
            )  # fmt: skip
    axes.axvline(found.rate, color=orange, linestyle="--", linewidth=1.8, label=f"recommended: {found.rate:.3g}")
    _draw_bands(axes, found)
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"{'validation' if found.colony.partition == 'validation' else 'training'} loss after training")
    tidy_axes(axes)
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if is_new else {}
    axes.legend(frameon=False, fontsize="small", **place)
    return axes


def _draw_bands(axes: Any, found: LearningRates) -> None:
    """Draw the bands; the border of two is the geometric mean of the last rate of one and the first of the next."""
    bands, rates = found.bands, found.rates
    half = float(np.sqrt(rates[1] / rates[0]))
    edges = [bands[0].low / half]
    edges += [float(np.sqrt(a.high * b.low)) for a, b in pairwise(bands)]
    edges.append(bands[-1].high * half)
    axes.set_xlim(edges[0], edges[-1])
    whole = np.log(edges[-1] / edges[0])
    for band, left, right in zip(bands, edges[:-1], edges[1:], strict=True):
        if band.name in SHADES:
            axes.axvspan(left, right, zorder=0, **SHADES[band.name])
        if left > edges[0]:
            axes.axvline(left, color="#888888", linewidth=0.8)
        is_narrow = np.log(right / left) / whole < NARROW
        axes.text(
            np.sqrt(left * right), 1.02, band.name, transform=axes.get_xaxis_transform(), va="bottom",
            ha="left" if is_narrow else "center", rotation=40 if is_narrow else 0, rotation_mode="anchor",
            fontweight="bold" if band.name == "good" else "normal",
        )  # fmt: skip


def learning_rate_curves(found: LearningRates) -> Any:
    """Draw the loss by epoch of the networks of one learning rate of each band, a panel for each band.

    The good band is represented by the recommended rate, any other by its middle rate.

    Parameters
    ----------
    found : LearningRates

    Returns
    -------
    list of matplotlib.axes.Axes

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.find_learning_rate("penguins", label="species", hidden=[5], epochs=5, threads=1)
    >>> len(learning_rate_curves(found)) == len(found.bands)
    True

    """
    bands = found.bands
    figure, grid = create_figure(
        max(2.7 * len(bands), 4.5), 3.3, 1, len(bands), sharex=True, sharey=True, squeeze=False
    )
    panels = list(grid[0])
    drawn: list[Any] = []
    for axes, band in zip(panels, bands, strict=True):
        rate = _representative_rate(found, band)
        drawn += _draw_curves(axes, found, rate)
        axes.set_title(
            f"{band.name}: {rate:.3g}", fontsize="medium", fontweight="bold" if band.name == "good" else None
        )
        tidy_axes(axes)
    set_scale(panels[0], "y", np.concatenate(drawn or [np.ones(1)]))
    for axes in panels:
        explain_empty(axes)
    figure.supxlabel("epoch")
    panels[0].set_ylabel("loss")
    handles = {handle.get_label(): handle for axes in panels for handle in axes.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside upper center", ncols=len(handles))
    return panels


def _representative_rate(found: LearningRates, band: Band) -> float:
    if band.name == "good":
        return found.rate
    inside = found.rates[(found.rates >= band.low) & (found.rates <= band.high)]
    return float(inside[len(inside) // 2])


def _draw_curves(axes: Any, found: LearningRates, rate: float) -> list[Any]:
    """Draw all networks of a learning rate, and return the losses that were drawn."""
    drawn = []
    done = found.colony.results.done
    for n, choice in enumerate(found.colony.choices):
        if choice["learning_rate"] != rate or not done[n]:
            continue
        history = found.colony[n].history
        epochs = np.arange(1, len(history) + 1)
        curves = [("training", history.train_loss, TRAIN), ("validation", history.validation_loss, VALIDATION)]
        for name, losses, style in curves[: 2 if history.has_validation else 1]:
            label = name if not any(line.get_label() == name for line in axes.get_lines()) else None
            axes.plot(epochs, losses, label=label, **{**adjust_to_background(style), "linewidth": 1.1, "alpha": 0.8})
            drawn.append(losses)
    return drawn
