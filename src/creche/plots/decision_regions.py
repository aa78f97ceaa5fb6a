"""Plots of decision regions: what a network predicts over two columns, and where the rows are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.explain.cells import format_cell
from creche.explain.decision_regions import DecisionRegions
from creche.plots.style import (
    category_style,
    draws,
    evenly_spaced,
    resolve_axes,
    sequential_colormap,
    shorten,
    text_color,
)

__all__ = ["decision_regions"]

LEVELS = 10
PROBABILITY_LINES = (0.6, 0.8, 0.95)
ROWS_DRAWN = 1500
FIXED_NAMED = 6  # columns in the title


@draws
def decision_regions(regions: DecisionRegions, *, target: Any = None, axes: Any = None) -> Any:
    """Draw the region where each class is predicted, and the rows as markers.

    Each class has a colour and a hatch; the colour is stronger where the probability of the class is higher. For a
    regression, draw shades and contour lines of the prediction, and the rows as dots in the shade of their label.

    Parameters
    ----------
    regions : DecisionRegions
    target : class or name of a label, optional
        The class whose probability has contour lines; by default the likeliest class at each point. For a regression
        with several labels, the label; by default the first.

    Raises
    ------
    PlanError
        If there is no such class or label; the error lists those there are.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> regions = cr.explain.decision_regions(model, "penguins", "bill_length_mm", "body_mass_g", points=20)
    >>> decision_regions(regions).get_xlabel()
    'bill_length_mm'

    """
    number = regions.find_outcome(target)
    axes = resolve_axes(axes, 6.4, 5.0)
    if regions.is_classification:
        _draw_classes(axes, regions, None if target is None else number)
    else:
        _draw_numbers(axes, regions, number)
    axes.set_xlim(regions.x[0], regions.x[-1])
    axes.set_ylim(regions.y[0], regions.y[-1])
    axes.set_xlabel(shorten(regions.columns[0], 48))
    axes.set_ylabel(shorten(regions.columns[1], 48))
    fixed = [f"{shorten(name)} = {shorten(format_cell(value), 16)}" for name, value in regions.others.items()]
    if fixed:
        more = f", … ({len(fixed) - FIXED_NAMED} more)" if len(fixed) > FIXED_NAMED else ""
        halves = [fixed[: FIXED_NAMED // 2], fixed[FIXED_NAMED // 2 : FIXED_NAMED]]
        lines = ",\n".join(", ".join(half) for half in halves if half)
        axes.set_title(f"with {lines}{more}", fontsize="small")
    return axes


def _draw_classes(axes: Any, regions: DecisionRegions, only: int | None) -> None:
    from matplotlib.colors import to_rgb

    likeliest, outcomes = regions.regions, regions.outcomes
    highest = regions.predicted.max(axis=2)
    lowest_possible = 1 / len(outcomes)
    colours = np.array([to_rgb(category_style(c)["color"]) for c in range(len(outcomes))])
    # At least 0.15, so that the class is visible where its probability is lowest.
    strength = 0.15 + 0.4 * np.clip((highest - lowest_possible) / (1 - lowest_possible), 0, 1)
    half = (regions.x[1] - regions.x[0]) / 2, (regions.y[1] - regions.y[0]) / 2
    extent = (regions.x[0] - half[0], regions.x[-1] + half[0], regions.y[0] - half[1], regions.y[-1] + half[1])
    axes.imshow(
        np.dstack([colours[likeliest], strength]), extent=extent, origin="lower", aspect="auto", zorder=0,
        interpolation="nearest",
    )  # fmt: skip
    handles = []
    for c, outcome in enumerate(outcomes):
        look, inside = category_style(c), (likeliest == c).astype(float)
        if inside.any():
            _draw_hatch(axes, regions, inside, look["hatch"])
        handles += _draw_rows(axes, regions, outcome, look)
    for c in range(len(outcomes)):
        ahead = regions.predicted[:, :, c] - np.delete(regions.predicted, c, axis=2).max(axis=2)
        if ahead.min() < 0 < ahead.max():
            axes.contour(regions.x, regions.y, ahead, levels=[0], colors=[text_color()], linewidths=1.4, zorder=2)
    probability = highest if only is None else regions.predicted[:, :, only]
    levels = [level for level in PROBABILITY_LINES if probability.min() < level < probability.max()]
    if levels:
        lines = axes.contour(
            regions.x, regions.y, probability, levels=levels, colors=[text_color()], linewidths=0.6, linestyles="--",
            zorder=2,
        )  # fmt: skip
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: f"{level:.0%}")
    _draw_legend(axes, regions, handles, _draw_unknown_rows(axes, regions), only)


def _draw_hatch(axes: Any, regions: DecisionRegions, inside: NDArray[np.float64], hatch: str) -> None:
    """Draw the hatch of a region, which distinguishes it in grey."""
    from matplotlib.colors import to_rgb

    if not hatch:
        return
    drawn = axes.contourf(regions.x, regions.y, inside, levels=[0.5, 1.5], colors="none", hatches=[hatch], zorder=1)
    drawn.set_edgecolor((*to_rgb(text_color()), 0.22))
    drawn.set_linewidth(0)


def _draw_rows(axes: Any, regions: DecisionRegions, outcome: Any, look: dict[str, Any]) -> list[Any]:
    """Draw the rows of a class, and return their marker and a patch of the region for the legend."""
    from matplotlib.patches import Patch

    is_class = np.array([label is not None and str(label) == str(outcome) for label in regions.labels], dtype=bool)
    rows = _select_rows(regions.rows[is_class])
    drawn = axes.plot(
        rows[:, 0], rows[:, 1], linestyle="none", marker=look["marker"], color=look["color"], markersize=5,
        markeredgecolor=text_color(), markeredgewidth=0.6, alpha=0.9, zorder=3, label=shorten(outcome),
    )  # fmt: skip
    patch = Patch(facecolor=look["color"], hatch=look["hatch"], alpha=0.45, edgecolor=text_color(), linewidth=0.6)
    return [(patch, drawn[0])]


def _draw_unknown_rows(axes: Any, regions: DecisionRegions) -> list[Any]:
    """Draw the rows whose label is missing or not one of the network's classes."""
    known = {str(outcome) for outcome in regions.outcomes}
    is_unknown = np.array([label is None or str(label) not in known for label in regions.labels], dtype=bool)
    if not is_unknown.any():
        return []
    rows = _select_rows(regions.rows[is_unknown])
    return list(
        axes.plot(rows[:, 0], rows[:, 1], ".", color=text_color(), markersize=3, zorder=3, label="unknown class")
    )


def _draw_legend(axes: Any, regions: DecisionRegions, handles: list[Any], others: list[Any], only: int | None) -> None:
    from matplotlib.legend_handler import HandlerTuple

    names = [*map(shorten, regions.outcomes), *(["unknown class"] if others else [])]
    handles = [*handles, *others]
    rows = "true" if regions.labels_are_true else "predicted"
    title = f"{shorten(regions.label)}: predicted (areas),\n{rows} (markers)"
    if only is not None:
        title += f"\nlines: probability of {shorten(regions.outcomes[only])}"
    axes.legend(
        handles, names, title=title, fontsize="small", title_fontsize="small", framealpha=0.85,
        handler_map={tuple: HandlerTuple(ndivide=None)}, handlelength=3,
    )  # fmt: skip


def _draw_numbers(axes: Any, regions: DecisionRegions, number: int) -> None:
    from matplotlib.ticker import MaxNLocator

    predicted = regions.predicted[:, :, number]
    outcome = regions.outcomes[number]
    own = [label[number] if isinstance(label, tuple) else label for label in regions.labels]
    labels = np.array([np.nan if label is None else float(label) for label in own])
    known = np.isfinite(labels) & np.isfinite(regions.rows).all(axis=1)
    both = np.concatenate([predicted.ravel(), labels[known]])
    low, high = float(both.min()), float(both.max())
    if low == high:
        axes.text(0.5, 0.95, f"{write_number(low, 4)} everywhere", transform=axes.transAxes, ha="center", va="top")
        high = low + 1
    levels = MaxNLocator(LEVELS).tick_values(low, high)
    axes.contourf(regions.x, regions.y, predicted, levels=levels, cmap=sequential_colormap(), alpha=0.8, zorder=0)
    if predicted.min() < predicted.max():
        lines = axes.contour(
            regions.x, regions.y, predicted, levels=levels, colors=[text_color()], linewidths=0.7, zorder=1
        )
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: write_number(level, 4))
    rows = np.flatnonzero(known)
    rows = rows[evenly_spaced(len(rows), ROWS_DRAWN)]
    drawn = axes.scatter(
        *regions.rows[rows].T, c=labels[rows], cmap=sequential_colormap(), vmin=levels[0], vmax=levels[-1], s=22,
        edgecolors=[text_color()], linewidths=0.7, zorder=3,
    )  # fmt: skip
    dots = "true" if regions.labels_are_true else "predicted"
    axes.figure.colorbar(drawn, ax=axes, label=shorten(f"{outcome}: predicted (areas), {dots} (dots)", 60))


def _select_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most as many rows as are drawn, evenly spaced."""
    return rows[evenly_spaced(len(rows), ROWS_DRAWN)]
