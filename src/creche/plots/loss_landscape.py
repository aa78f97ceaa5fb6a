"""Plots of the loss against one weight, and over a plane in the space of all weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche._phrases import write_number
from creche.explain.loss_curve import LossAgainstWeight
from creche.explain.loss_surface import LossSurface
from creche.plots.style import (
    MARKERS,
    TRAIN,
    VALIDATION,
    adjust_to_background,
    category_style,
    draws,
    line_outline,
    resolve_axes,
    sequential_colormap,
    shorten,
    text_color,
    tidy_axes,
)

__all__ = ["draw_contours", "loss_against_weight", "loss_surface"]

LONGEST_NAME = 60
TANGENT_REACH = 0.14  # to either side, as a share of the width
LEVELS = 12
FACTOR_FOR_LOGARITHMS = 20
PATH_HEIGHT = 0.035  # above the bottom edge, as a share of the height


@draws
def loss_against_weight(curve: LossAgainstWeight, *, axes: Any = None) -> Any:
    """Draw the loss against one weight, with the current value, the tangent and the ends of steps.

    The slope of the tangent is the gradient. The ends are those of one step of gradient descent on this weight alone,
    for each of several learning rates.

    Parameters
    ----------
    curve : LossAgainstWeight

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> curve = cr.explain.loss_against_weight(model, "penguins", source="bill_length_mm", target=3, threads=1)
    >>> loss_against_weight(curve).get_xlabel()
    'weight from bill_length_mm to neuron 3 of layer 1'

    """
    axes = resolve_axes(axes, 6.4, 4.2)
    weights, losses = curve.weights.astype(np.float64), curve.losses
    low, high = float(losses.min()), float(losses.max())
    margin = 0.06 * (high - low) or 0.05 * abs(low) or 1.0
    axes.set_xlim(weights[0], weights[-1])
    axes.set_ylim(low - 2 * margin, high + margin)
    axes.plot(weights, losses, label="loss", zorder=2, **adjust_to_background(TRAIN))
    reach = TANGENT_REACH * (weights[-1] - weights[0])
    ends = np.array([curve.weight - reach, curve.weight + reach])
    slope = f"tangent, slope {write_number(curve.gradient, 3)} (the gradient)"
    axes.plot(ends, curve.tangent(ends), label=slope, zorder=3, **adjust_to_background(VALIDATION))
    _draw_steps(axes, curve)
    current = f"current value: {write_number(curve.weight, 4)}"
    axes.plot(curve.weight, curve.loss, "o", color=text_color(), markersize=8, zorder=6, label=current)
    if curve.path is not None:
        _draw_path(axes, curve)
    for x, is_end, side in zip((0.01, 0.99), curve.ends, ("left", "right"), strict=True):
        if is_end:
            axes.text(
                x,
                0.5,
                "loss not finite\nbeyond this point",
                transform=axes.transAxes,
                ha=side,
                va="center",
                fontsize="small",
            )
    axes.set_xlabel(shorten(curve.name, LONGEST_NAME))
    axes.set_ylabel("loss")
    tidy_axes(axes)
    axes.legend(frameon=False, fontsize="small")
    return axes


def _draw_steps(axes: Any, curve: LossAgainstWeight) -> None:
    """Mark the end of each step; outside the plot, the marker is at the edge, the legend has the value."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for n, step in enumerate(curve.steps):
        look = category_style(n + 2)
        marker = MARKERS[(n + 1) % len(MARKERS)]
        inside = left <= step.weight <= right and np.isfinite(step.loss)
        where = "" if inside else f", ends at {write_number(step.weight, 3)}"
        label = f"learning rate {write_number(step.learning_rate, 3)}: {step.verdict}{where}"
        edge = min(max(step.weight, left), right)
        height = step.loss if inside else curve.loss
        height = min(max(height, bottom), top)
        drawn = axes.plot(
            edge, height, linestyle="none", marker=marker, color=look["color"], markersize=9, zorder=5, label=label,
            markeredgecolor=text_color(), markeredgewidth=0.7, clip_on=False,
        )  # fmt: skip
        if abs(edge - curve.weight) > 0.02 * (right - left):
            drawn[0].axes.annotate(
                "", (edge, height), (curve.weight, curve.loss), zorder=4, annotation_clip=False,
                arrowprops={
                    "arrowstyle": "->", "color": look["color"], "linestyle": look["linestyle"], "shrinkA": 6,
                    "shrinkB": 6, "linewidth": 1.4,
                    "connectionstyle": f"arc3,rad={0.3 if edge < curve.weight else -0.3}",
                },
            )  # fmt: skip


def _draw_path(axes: Any, curve: LossAgainstWeight) -> None:
    """Draw the weight's values during training along the bottom edge: all other weights differed then, and the loss."""
    path = curve.path
    assert path is not None
    height = np.full(len(path), PATH_HEIGHT)
    look = {"color": text_color(), "transform": axes.get_xaxis_transform(), "zorder": 3}
    axes.plot(
        path, height, "|-", markersize=6, linewidth=0.8, alpha=0.6, label="value after each step of training", **look
    )
    axes.plot(path[0], PATH_HEIGHT, marker=5, linestyle="none", markersize=8, label="value at the start", **look)


@draws
def loss_surface(surface: LossSurface, *, axes: Any = None) -> Any:
    """Draw contour lines of the loss over a plane, with the network and the path of its training.

    Parameters
    ----------
    surface : LossSurface

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> surface = cr.explain.loss_surface(model, "penguins", points=9, threads=1)
    >>> loss_surface(surface).get_xlabel()
    'first random direction'

    """
    axes = resolve_axes(axes, 6.0, 4.8)
    draw_contours(axes, surface)
    if surface.path is not None:
        color = adjust_to_background(VALIDATION)["color"]
        axes.plot(*surface.path.T, color=color, linewidth=1.5, zorder=4, path_effects=line_outline())
        # Apart from the line, because the outlines of dense markers would cover it.
        axes.plot(*surface.path.T, ".-", color=color, linewidth=1.5, markersize=4, zorder=4, label="path of training")
        axes.plot(
            *surface.path[0], "s", color=color, markeredgecolor=text_color(), markersize=8, label="start", zorder=5
        )
        axes.set_title(f"the plane holds {surface.share:.1%} of the path's variance", fontsize="small")
    network = f"the network, loss {write_number(surface.loss, 3)}"
    axes.plot(*surface.position, "*", color=text_color(), markersize=13, label=network, zorder=6)
    axes.legend(fontsize="small", framealpha=0.8)
    return axes


def draw_contours(axes: Any, surface: LossSurface) -> None:
    """Draw the loss as shades, stronger where it is higher, and labelled contours; nothing where it is not finite."""
    from matplotlib.colors import LogNorm, Normalize

    axes.set_xlim(surface.x[0], surface.x[-1])
    axes.set_ylim(surface.y[0], surface.y[-1])
    axes.set_xlabel(shorten(surface.names[0], LONGEST_NAME))
    axes.set_ylabel(shorten(surface.names[1], LONGEST_NAME))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    finite = surface.losses[np.isfinite(surface.losses)]
    if len(finite) == 0 or finite.min() == finite.max():
        note = "the loss is the same everywhere" if len(finite) else "the loss is nowhere finite"
        axes.text(0.5, 0.95, note, transform=axes.transAxes, ha="center", va="top")
        return
    low, high = float(finite.min()), float(finite.max())
    is_logarithmic = low > 0 and high > FACTOR_FOR_LOGARITHMS * low
    levels = np.geomspace(low, high, LEVELS) if is_logarithmic else np.linspace(low, high, LEVELS)
    norm = LogNorm(low, high) if is_logarithmic else Normalize(low, high)
    losses = np.ma.masked_invalid(surface.losses)
    axes.contourf(
        surface.x, surface.y, losses, levels=levels, norm=norm, cmap=sequential_colormap(), alpha=0.75, zorder=0
    )
    lines = axes.contour(
        surface.x, surface.y, losses, levels=levels[1:-1], colors=[text_color()], linewidths=0.6, alpha=0.7, zorder=1
    )
    axes.clabel(lines, fmt=lambda level: write_number(level, 2), fontsize="x-small", inline_spacing=2)
