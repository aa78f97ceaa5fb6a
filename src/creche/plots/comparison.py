"""Plots of runs that begin at the same weights: losses by step, and paths over one loss surface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.explain.compare import Comparison
from creche.explain.loss_surface import LossSurface
from creche.plots.loss_landscape import draw_contours
from creche.plots.style import (
    category_style,
    create_figure,
    draws,
    line_outline,
    resolve_axes,
    shorten,
    text_color,
    tidy_axes,
)

__all__ = ["comparison", "losses_of_runs", "paths_of_runs"]

FACTOR_FOR_LOGARITHMS = 20
HIGHEST_LOSS = 3.0  # times the loss at the start: higher losses are cut off


def comparison(runs: Comparison, *, axes: Any = None) -> list[Any]:
    """Draw the losses by step on the left, and the paths on the right.

    Parameters
    ----------
    runs : Comparison
    axes : two matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    list of two matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If `axes` are not two.

    Examples
    --------
    >>> import creche as cr
    >>> runs = cr.explain.compare("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], epochs=5,
    ...                           points=9, threads=1)
    >>> [axes.get_xlabel().split(" (")[0] for axes in comparison(runs)]
    ['step', 'first direction of the paths']

    """
    if axes is None:
        axes = create_figure(11, 4.4, 1, 2)[1]
    try:
        left, right = axes
    except (TypeError, ValueError):
        raise PlanError("axes: needs two Axes of matplotlib, for the losses and for the paths") from None
    return [losses_of_runs(runs, axes=left), paths_of_runs(runs, axes=right)]


@draws
def losses_of_runs(runs: Comparison, *, axes: Any = None) -> Any:
    """Draw the loss on all training rows by step, a line for each run.

    Parameters
    ----------
    runs : Comparison

    Examples
    --------
    >>> import creche as cr
    >>> runs = cr.explain.compare("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], epochs=5,
    ...                           points=9, threads=1)
    >>> losses_of_runs(runs).get_ylabel()
    'loss on all training rows'

    """
    axes = resolve_axes(axes)
    for n, one in enumerate(runs):
        look = category_style(n)
        note = " (diverged)" if one.status == "diverged" else ""
        axes.plot(
            one.steps, np.where(np.isfinite(one.losses), one.losses, np.nan), label=shorten(one.name + note, 40),
            color=look["color"], linestyle=look["linestyle"], marker=look["marker"], markersize=5,
            markevery=(n * 3 % 7, max(1, len(one.steps) // 8)),
        )  # fmt: skip
    finite = np.concatenate([one.losses[np.isfinite(one.losses)] for one in runs])
    top = HIGHEST_LOSS * float(runs[0].losses[0])
    if finite.min() > 0 and min(finite.max(), top) > FACTOR_FOR_LOGARITHMS * finite.min():
        axes.set_yscale("log")
    if finite.max() > top > finite.min():
        axes.set_ylim(top=top)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on all training rows")
    tidy_axes(axes)
    axes.legend(frameon=False, fontsize="small")
    return axes


@draws
def paths_of_runs(runs: Comparison, *, axes: Any = None) -> Any:
    """Draw the path of each run over contour lines of the loss.

    Parameters
    ----------
    runs : Comparison

    Examples
    --------
    >>> import creche as cr
    >>> runs = cr.explain.compare("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], epochs=5,
    ...                           points=9, threads=1)
    >>> axes = paths_of_runs(runs)
    >>> [text.get_text() for text in axes.get_legend().get_texts()][-1]
    'common start'

    """
    axes = resolve_axes(axes, 6.0, 4.8)
    surface, ink = runs.surface, text_color()
    draw_contours(axes, surface)
    for n, one in enumerate(runs):
        look = category_style(n)
        note = " (leaves the plot)" if _leaves_surface(one.path, surface) else ""
        axes.plot(
            *one.path.T, color=look["color"], linestyle=look["linestyle"], linewidth=1.8, zorder=3,
            label=shorten(one.name + note, 60), path_effects=line_outline(),
        )  # fmt: skip
        axes.plot(
            *one.path[-1], marker=look["marker"], color=look["color"], markeredgecolor=ink, markersize=8, zorder=5
        )
    axes.plot(*runs[0].path[0], "o", color=ink, markersize=7, zorder=6, label="common start")
    axes.set_title(f"the plane holds {runs.share:.1%} of the paths' variance", fontsize="small")
    axes.legend(fontsize="small", framealpha=0.8)
    return axes


def _leaves_surface(path: NDArray[np.float64], surface: LossSurface) -> bool:
    low, high = (surface.x[0], surface.y[0]), (surface.x[-1], surface.y[-1])
    return bool(((path < low) | (path > high)).any())
