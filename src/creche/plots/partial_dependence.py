"""Plots of partial dependence: the mean prediction as one or two columns change, as curves, bars and maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.explain.partial_dependence import PartialDependence
from creche.explain.value_grid import ValueGrid
from creche.plots.style import (
    background_color,
    category_style,
    contrasting_color,
    draws,
    evenly_spaced,
    resolve_axes,
    sequential_colormap,
    shorten,
    text_color,
    tidy_axes,
)

__all__ = ["partial_dependence"]

ROWS_DRAWN = 60  # as curves or dots of their own
LINES_DRAWN = 8  # for the categories of a second column
MOST_ACROSS, MOST_DOWN = 10, 15  # cells that have room for their numbers
HORIZONTAL_NAMES = 6  # more names are rotated
TICKS = 12
LEGEND_WIDTH = 16  # characters of its title
LEVELS = 10
RUG_HEIGHT = 0.025  # above the bottom edge, as a share of the height


@draws
def partial_dependence(dependence: PartialDependence, *, target: Any = None, axes: Any = None) -> Any:
    """Draw the mean prediction against the value of one column or of two.

    A numeric or datetime column is drawn as a curve for each class or label, with a rug: a tick for each row's value. A
    categorical column is drawn as bars, with the number of rows of each category. Individual rows are thin lines or
    dots. Two columns are drawn as a map of one class or label; if one of them has few categories, as a line for each
    category.

    Parameters
    ----------
    dependence : PartialDependence
    target : class or name of a label, optional
        The only class or label to draw. For two columns, by default the one that depends on them most. With two
        classes, by default the second: the probabilities of both add up to 1.

    Raises
    ------
    PlanError
        If there is no such class or label; the error lists those there are.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> dependence = cr.explain.partial_dependence(model, "penguins", "bill_length_mm")
    >>> partial_dependence(dependence).get_ylabel()
    'mean probability'

    """
    number = dependence.find_outcome(target)
    axes = resolve_axes(axes, 6.0, 4.2)
    if len(dependence.grids) == 2:
        _draw_two_columns(axes, dependence, number)
    else:
        _draw_one_column(axes, dependence, None if target is None else number)
    return axes


def _draw_one_column(axes: Any, dependence: PartialDependence, only: int | None) -> None:
    outcomes = dependence.outcomes
    if only is None and dependence.is_classification and len(outcomes) == 2:
        only = 1
    numbers = list(range(len(outcomes))) if only is None else [only]
    (_draw_bars if dependence.grids[0].is_category else _draw_curves)(axes, dependence, numbers)
    if len(numbers) == 1:
        axes.set_ylabel(shorten(dependence.axis_title(outcomes[numbers[0]]), 48))
    else:
        axes.set_ylabel("mean probability" if dependence.is_classification else "mean prediction")
        _add_legend(axes, dependence.label)
    axes.set_xlabel(shorten(dependence.columns[0], 48))
    if dependence.is_classification:
        axes.set_ylim(-0.08 if not dependence.grids[0].is_category else 0, 1.03)
    tidy_axes(axes)


def _add_legend(axes: Any, title: str) -> None:
    """Add a legend to the right of the axes, where it covers no line."""
    axes.legend(
        title=shorten(title, LEGEND_WIDTH), loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0,
        frameon=False, fontsize="small", title_fontsize="small",
    )  # fmt: skip


def _draw_curves(axes: Any, dependence: PartialDependence, numbers: list[int]) -> None:
    """Draw a line for each class or label, thin ones for individual rows, and the rug."""
    span = dependence.grids[0]
    every = max(1, len(span) // 8)
    for place, number in enumerate(numbers):
        look = category_style(number)
        if dependence.individual is not None:
            rows = evenly_spaced(len(dependence.individual), ROWS_DRAWN)
            axes.plot(
                span.positions, dependence.individual[rows, :, number].T, color=look["color"], linewidth=0.6,
                linestyle="-" if len(numbers) == 1 else look["linestyle"], alpha=0.3, zorder=1,
            )  # fmt: skip
        axes.plot(
            span.positions, dependence.average[:, number], color=look["color"], linestyle=look["linestyle"],
            linewidth=2,
            marker=look["marker"], markevery=(place * every // max(len(numbers), 1), every), markersize=5,
            label=shorten(dependence.outcomes[number]), zorder=3,
        )  # fmt: skip
    _draw_rug(axes, span)
    _format_dates(axes.xaxis, span)


def _draw_rug(axes: Any, span: ValueGrid) -> None:
    """Draw a tick for each row's value above the bottom edge."""
    present = span.row_positions[~span.observed.missing]
    axes.plot(
        present, np.full(len(present), RUG_HEIGHT), "|", color=text_color(), alpha=0.35, markersize=7, zorder=2,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def _draw_bars(axes: Any, dependence: PartialDependence, numbers: list[int]) -> None:
    """Draw a group of bars for each category, a bar for each class or label; dots for individual rows."""
    span = dependence.grids[0]
    width = 0.8 / len(numbers)
    for place, number in enumerate(numbers):
        look = category_style(number)
        at = span.numeric_positions + (place - (len(numbers) - 1) / 2) * width
        # The hatch is drawn in the background's colour, which makes it visible in light and dark.
        axes.bar(
            at, dependence.average[:, number], width * 0.92, color=look["color"], hatch=look["hatch"],
            edgecolor=background_color(), linewidth=0.6, label=shorten(dependence.outcomes[number]), zorder=2,
        )  # fmt: skip
        if dependence.individual is not None:
            rows = evenly_spaced(len(dependence.individual), ROWS_DRAWN)
            offsets = np.linspace(-0.3, 0.3, len(rows)) * width
            for i, middle in enumerate(at.tolist()):
                axes.plot(
                    middle + offsets, dependence.individual[rows, i, number], ".", color=text_color(), markersize=2.5,
                    alpha=0.6, zorder=3,
                )  # fmt: skip
    counts = [int((span.row_positions == i).sum()) for i in range(len(span))]
    is_crowded = len(span) > HORIZONTAL_NAMES
    note = " ({:,})" if is_crowded else "\n{:,} rows"
    labels = [shorten(label, 16) + note.format(count) for label, count in zip(span.labels, counts, strict=True)]
    axes.set_xticks(span.numeric_positions, labels)
    if is_crowded:
        axes.tick_params(axis="x", labelrotation=90, labelsize="small")


def _draw_two_columns(axes: Any, dependence: PartialDependence, number: int) -> None:
    first, second = dependence.grids
    means = dependence.average[:, :, number]
    name = shorten(dependence.axis_title(dependence.outcomes[number]), 48)
    if first.is_category != second.is_category and min(len(s) for s in (first, second) if s.is_category) <= LINES_DRAWN:
        along, lines, means = (second, first, means.T) if first.is_category else (first, second, means)
        _draw_lines(axes, along, lines, means)
        axes.set_ylabel(name)
        if dependence.is_classification:
            axes.set_ylim(-0.08, 1.03)
        return
    axes.set_xlabel(shorten(first.name, 48))
    axes.set_ylabel(shorten(second.name, 48))
    axes.set_title(name, fontsize="medium")
    if first.is_category or second.is_category or min(len(first), len(second)) < 2:
        _draw_cells(axes, first, second, means)
    else:
        _draw_map(axes, dependence, means)


def _draw_lines(axes: Any, along: ValueGrid, lines: ValueGrid, means: NDArray[np.float64]) -> None:
    """Draw the numeric column along the x axis, and a line for each category of the other."""
    every = max(1, len(along) // 8)
    for i, label in enumerate(lines.labels):
        look = category_style(i)
        axes.plot(
            along.positions, means[:, i], color=look["color"], linestyle=look["linestyle"], marker=look["marker"],
            linewidth=2, markersize=5, markevery=(i * every // len(lines), every), label=shorten(label),
        )  # fmt: skip
    _draw_rug(axes, along)
    _format_dates(axes.xaxis, along)
    axes.set_xlabel(shorten(along.name, 48))
    _add_legend(axes, lines.name)
    tidy_axes(axes)


def _draw_map(axes: Any, dependence: PartialDependence, means: NDArray[np.float64]) -> None:
    """Draw shades and contour lines, and the rows as dots: where there are none, the network extrapolates."""
    first, second = dependence.grids
    if means.min() == means.max():
        axes.text(0.5, 0.95, "the same everywhere", transform=axes.transAxes, ha="center", va="top")
    else:
        from matplotlib.ticker import MaxNLocator

        levels = MaxNLocator(LEVELS).tick_values(float(means.min()), float(means.max()))
        axes.contourf(
            first.positions, second.positions, means.T, levels=levels, cmap=sequential_colormap(), alpha=0.75, zorder=0
        )
        lines = axes.contour(
            first.positions, second.positions, means.T, levels=levels, colors=[text_color()], linewidths=0.7, zorder=1
        )
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: write_number(level, 4))
    axes.plot(
        first.row_positions,
        second.row_positions,
        ".",
        color=text_color(),
        markersize=3,
        alpha=0.5,
        zorder=2,
        label="rows",
    )
    _format_dates(axes.xaxis, first)
    _format_dates(axes.yaxis, second)


def _draw_cells(axes: Any, first: ValueGrid, second: ValueGrid, means: NDArray[np.float64]) -> None:
    """Draw a cell for each pair of values, with its number if there is room, otherwise with a colour bar."""
    colours = sequential_colormap()
    low, high = float(means.min()), float(means.max())
    image = axes.imshow(
        means.T, cmap=colours, vmin=low, vmax=high if high > low else low + 1, aspect="auto", origin="lower"
    )
    for ticks, span in ((axes.set_xticks, first), (axes.set_yticks, second)):
        places = evenly_spaced(len(span), TICKS)
        ticks(places, [shorten(span.labels[i], 16) for i in places.tolist()])
    if len(first) > HORIZONTAL_NAMES:
        axes.tick_params(axis="x", labelrotation=90)
    if len(first) <= MOST_ACROSS and len(second) <= MOST_DOWN:
        for (i, j), value in np.ndenumerate(means):
            share = (value - low) / (high - low) if high > low else 0.0
            ink = contrasting_color(colours(share)[:3])
            axes.text(i, j, write_number(value, 3), ha="center", va="center", fontsize="small", color=ink)
    else:
        axes.figure.colorbar(image, ax=axes)


def _format_dates(axis: Any, span: ValueGrid) -> None:
    """Write the ticks of a datetime column as briefly as possible."""
    if span.kind == "datetime":
        from matplotlib import dates

        untyped: Any = dates
        locator = untyped.AutoDateLocator(maxticks=8)
        axis.set_major_locator(locator)
        axis.set_major_formatter(untyped.ConciseDateFormatter(locator))
